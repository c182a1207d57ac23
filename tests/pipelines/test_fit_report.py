"""The page of a fit that does not explain everything."""

import json
import re

import cv2
import numpy as np
import pytest
import skimage.data

from patina.imaging.picture_files import write_picture
from patina.pipelines.fit_report import write_fit_report
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from sets import write_config

NAMES = ("astronaut", "coffee", "cat", "rocket", "chelsea", "immunohistochemistry")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Fit noise alone to photos that were enlarged, which is no noise; return the page's folder and the fit."""
    top = tmp_path_factory.mktemp("report")
    for name in NAMES:
        pixels = cv2.resize(getattr(skimage.data, name)(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        write_picture(top / "clean" / f"{name}.png", pixels[:144, :160])
        small = cv2.resize(pixels[-144:, -160:], (64, 56), interpolation=cv2.INTER_AREA)
        write_picture(top / "real" / f"{name}.png", cv2.resize(small, (160, 144), interpolation=cv2.INTER_CUBIC))
    write_picture(top / "real" / "black.png", np.zeros((90, 90, 3), np.uint8))
    family = write_config(top / "family.yml", {"scale": 1, "steps": [{"sensor_noise": {"sigma": {"free": [0, 30]}}}]})
    request = FitRequest(top / "clean", top / "real", None, (str(family),), workers=1, samples=32)
    fit = fit_recipe(request)
    write_fit_report(fit, request, top / "page")
    return top / "page", fit


def without_images(page: str) -> str:
    return re.sub(r"data:image/png;base64,[^\"]+", "", page)


@pytest.mark.slow
def test_what_is_not_explained_is_said_in_sentences(report):
    folder, fit = report
    page = without_images((folder / "index.html").read_text())
    assert "Do not rely on these numbers" in page
    section = page[page.index('id="unexplained"') : page.index('id="close"')]
    assert "Edge sharpness" in section
    assert re.search(
        r"edges of real photos are as soft as sharp edges after a Gaussian blur of std [\d.]+ pixels", section
    )
    assert re.search("What to do about [a-z ,]+ and [a-z ]+: ", section)
    assert section.count("Distance from the photos by all measures of this property") == section.count("<h3>") > 1
    assert "Do not rely on these numbers" in fit.summary
    assert "6 photos are few: 20 or more" in section
    values = json.loads((folder / "fit.json").read_text())
    sharpness = next(found for found in values["agreement"] if found["group"] == "edge sharpness")
    assert not sharpness["close"]
    assert sharpness["sentence"] in section
    blur = values["quantities"]["edge_blur_x"]
    assert blur["photos"] > blur["clean"] + 0.3
    assert [len(curve["x"]) == len(curve["photos"]) for curve in values["curves"].values()] == [True] * 4
    assert fit.discrepancies[5].sentence == sharpness["sentence"]


@pytest.mark.slow
def test_enlarged_photos_and_those_set_aside_are_named_without_their_folder(report):
    folder, fit = report
    page = without_images((folder / "index.html").read_text())
    section = page[page.index('id="photos"') : page.index('id="again"')]
    assert len(fit.upscaled) >= 5
    assert all(name in section for name in fit.upscaled)
    assert "<th>black.png</th><td>is black or white nearly everywhere" in section
    assert str(folder.parent) not in page
    assert str(folder.parent) not in (folder / "fit.json").read_text()
