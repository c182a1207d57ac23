"""A recipe fitted to images in memory equals one fitted to folders, and degrades images."""

import cv2
import numpy as np
import pytest
import skimage.data

import patina
from patina.imaging.picture_files import write_picture
from sets import picture, write_config

STD = 9.0


@pytest.fixture(scope="module")
def sets() -> dict[str, dict[str, np.ndarray]]:
    """Return photographs by name, and others with white noise."""
    names, rng = ("astronaut", "coffee", "cat", "rocket", "chelsea", "immunohistochemistry"), np.random.default_rng(1)
    halves = {
        name: cv2.resize(getattr(skimage.data, name)(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for name in names
    }
    noisy = {name: half[-144:, -160:] + rng.normal(0, STD, (144, 160, 3)) for name, half in halves.items()}
    return {
        "clean": {name: np.ascontiguousarray(half[:144, :160]) for name, half in halves.items()},
        "real": {name: np.uint8(pixels.round().clip(0, 255)) for name, pixels in noisy.items()},
    }


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    values = {"scale": 1, "steps": [{"sensor_noise": {"sigma": {"free": [0, 30]}}}]}
    return write_config(tmp_path_factory.mktemp("family") / "noise.yml", values)


@pytest.mark.slow
@pytest.mark.long
def test_arrays_and_folders_give_one_result_which_degrades(sets, family, tmp_path):
    fitted = patina.fit(sets["clean"], sets["real"], recipe=family, samples=32)
    for kind, pictures in sets.items():
        for name, pixels in pictures.items():
            write_picture(tmp_path / kind / f"{name}.png", pixels)
    assert patina.fit(str(tmp_path / "clean"), tmp_path / "real", recipe=family, samples=32).values == fitted.values
    found = fitted.numbers["sensor_noise.sigma"]
    assert found["middle"] == pytest.approx(STD, rel=0.12)
    assert found["decided"]
    assert fitted.summary.startswith("Noise of std ")
    clean = np.full((96, 96, 3), 120, np.uint8)
    noise = fitted.recipe(clean, seed=0, name="a").astype(float) - clean
    assert noise.std() == pytest.approx(STD, rel=0.2)
    (tmp_path / "fitted.yml").write_text(fitted.text)
    np.testing.assert_array_equal(patina.load_recipe(tmp_path / "fitted.yml")(clean), fitted.recipe(clean))


@pytest.mark.parametrize(
    ("real", "message"),
    [
        ({}, "a set has no images"),
        ({"a.png": picture(0), "a.jpg": picture(1)}, "differ only by the suffix"),
        ({"a": picture(0)[..., 0]}, "expected an image"),
        ({name: picture(0, 80, 80) for name in "abc"}, "3 photos can be measured, expected 4 or more"),
        ("nowhere", "nowhere does not exist"),
    ],
)
def test_what_cannot_be_fitted_is_refused(real, message):
    with pytest.raises(patina.PatinaError, match=message):
        patina.fit({"a": picture(0, 80, 80)}, real)
