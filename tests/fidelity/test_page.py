"""The verdicts and the headline of the report's page, also where something cannot be measured."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from page_tags import Tags
from patina.cli.main import run_command
from patina.fidelity.charts import correlation_map
from patina.fidelity.curves import training_figures
from patina.fidelity.grading import Finding
from patina.fidelity.page import _verdict, headline
from patina.fidelity.page_frame import PACKAGE, render_page
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from sets import write_noisy_sets

NAN = float("nan")


def finding(distance: float, grade: str = "no better", **baselines: float) -> Finding:
    values = {"real against real": 1.0, "Gaussian": 4.0, "Poisson-Gaussian": 2.0} | baselines
    return Finding("spectrum", "Spectrum", "dB", "What it means.", "how far", distance, values, 2.0, grade, "Words.")


class TestBars:
    def test_marks_lie_in_percent_of_the_largest(self):
        marks = {mark["style"]: mark["place"] for mark in _verdict(finding(3.0))["marks"]}
        assert marks == {"real": 25, "gaussian": 100, "poisson": 50, "generated": 75}

    def test_distances_that_cannot_be_measured_are_named_and_not_drawn(self):
        shown = _verdict(finding(NAN, Gaussian=NAN))
        assert [mark["style"] for mark in shown["marks"]] == ["real", "poisson"]
        assert shown["numbers"].startswith(
            "generated cannot be measured; real against real 1.00, Gaussian cannot be measured"
        )

    def test_a_bar_without_distances_is_empty(self):
        unknown = {"real against real": NAN, "Gaussian": NAN, "Poisson-Gaussian": NAN}
        assert _verdict(finding(NAN, **unknown))["marks"] == []


def test_inconclusive_measures_are_not_counted():
    findings = [finding(1.0, "real"), finding(NAN, "unclear"), finding(4.0)]
    assert headline(findings) == (
        "1 of 2 properties matches real images; spectrum is no closer than the Gaussian baselines; "
        "inconclusive: spectrum."
    )
    assert _verdict(findings[1])["label"] == "inconclusive"


def test_baselines_without_noise_are_not_called_gaussian():
    findings = [replace(finding(1.0, grade), has_noise=False) for grade in ("real", "no better")]
    assert headline(findings) == "1 of 2 properties matches real images; spectrum is no closer than the clean images."
    shown = _verdict(findings[1])
    assert shown["label"] == "no closer than clean images"
    assert shown["numbers"] == "generated 1.00 dB; real against real 1.00, clean images 4.00"
    assert [mark["style"] for mark in shown["marks"]] == ["real", "gaussian", "generated"]


@pytest.mark.slow
@pytest.mark.usefixtures("few_draws")
def test_a_page_without_noise_shows_the_clean_images_instead_of_gaussian_noise(tmp_path):
    folder = write_noisy_sets(tmp_path)
    for path in list_pictures(folder / "clean"):
        pixels = read_picture(path).pixels
        write_picture(folder / "mirrored" / path.name, np.ascontiguousarray(pixels[:, ::-1]))
    places = ["-clean", folder / "clean", "-real", folder / "mirrored", "-generated", folder / "clean"]
    assert run_command("report", [*map(str, places), "-out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The dashed mark is the clean images as they are" in page
    assert not re.search("Gaussian noise|Poisson", page)


class Hostile(str):
    """Text with tags, whose every part and attribute is the same; what tells nothing else on a page."""

    def __new__(cls) -> "Hostile":
        return super().__new__(cls, "\"'><script>alert(1)</script><img src=x onerror=alert(1)>")

    @property
    def title(self) -> "Hostile":
        return self

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("figures", "training"):
            return training_figures([{"part": "train", "step": step, str(self): step} for step in (1, 2)])
        return [(self, correlation_map(self, np.eye(3)))] if name == "maps" else self

    def __getitem__(self, key: object) -> "Hostile":
        return self

    def __iter__(self) -> Iterator["Hostile"]:
        return iter((self[0], self[1]))


@pytest.mark.parametrize(("name", "package"), [("page.html", PACKAGE), ("fit_page.html", "patina.pipelines")])
def test_whatever_a_page_shows_is_text(name, package):
    page = render_page(Hostile(), name, package)
    tags = Tags(page)
    assert page.count("alert(1)") > 20
    assert tags.found.count("script") == 2  # the page's own: the crops and what moves them
    assert not [attribute for attribute in tags.attributes if attribute.startswith("on")]
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_curves_are_drawn_of_numbers_alone():
    lines = [{"part": "train", "step": step, "loss": 1.0 / step, "note": "text", "list": [1]} for step in (1, 2, 3)]
    lines += [{"part": "train", "step": "4", "loss": 3.0}, {"part": "train", "loss": 3.0}]
    (figure,) = training_figures(lines)
    assert figure.title == "Training: loss"
    assert figure.svg.count("<circle") == 3


@pytest.mark.slow
@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize("options", [[], ["-paired"]])
def test_constant_images_leave_no_nan_on_the_page(tmp_path, options):
    folder = write_noisy_sets(tmp_path)
    for path in list_pictures(folder / "clean"):
        write_picture(folder / "flat" / path.name, np.full((96, 96, 3), 128, np.uint8))
    places = ["-clean", folder / "clean", "-real", folder / "real", "-generated", folder / "flat"]
    assert (
        run_command("report", [*map(str, [*places, "-out", tmp_path / "page.html"]), "-judge_steps", "1", *options])
        == 0
    )
    page = re.sub(r'base64,[^"&]+', "", (tmp_path / "page.html").read_text())
    for place in (r"<svg.*?</svg>", r'<p class="numbers">.*?</p>', r"<table.*?</table>", r'style="[^"]*"'):
        found = re.findall(place, page, re.DOTALL)
        assert found
        assert not [part for part in found if re.search(r"\bnan\b", part, re.IGNORECASE)]
    assert "generated cannot be measured; real against real" in page
    assert "generated: cannot be measured" in page
    assert not re.search(r"\b(NaN|Infinity)\b", (tmp_path / "page.json").read_text())
