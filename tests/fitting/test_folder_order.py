"""Swapped folders are noticed by what is measured; photos with less noise than grainy clean images are not refused.

Those that are not noticed are asked about where the fit matches few properties.
"""

import cv2
import numpy as np
import pytest
import skimage.data

from patina.fitting.agreement import Agreement
from patina.fitting.folder_order import are_swapped, order_to_check
from patina.fitting.measures import crops_of, measure
from patina.imaging.recompress import jpeg


def photographs() -> list[np.ndarray]:
    names = ("astronaut", "coffee", "rocket", "retina", "immunohistochemistry")
    return [getattr(skimage.data, name)()[:400, :400] for name in names]


def degraded(pixels: np.ndarray, blur: float = 0, noise: float = 0, quality: int | None = None) -> np.ndarray:
    values = cv2.GaussianBlur(pixels, (0, 0), blur) if blur else pixels
    values = values + noise * np.random.default_rng(len(pixels)).standard_normal(pixels.shape)
    whole = np.uint8(np.rint(values).clip(0, 255))
    return whole if quality is None else jpeg(whole, quality)


def excess(clean: list[np.ndarray], real: list[np.ndarray]) -> dict[str, float]:
    sets = [[measure(crops_of(pixels)) for pixels in pictures] for pictures in (clean, real)]
    means = [{name: np.mean([values[name] for values in found]) for name in found[0]} for found in sets]
    return {name: means[0][name] - means[1][name] for name in means[0]}


@pytest.mark.parametrize(
    "how",
    [
        {"blur": 1.1, "noise": 9, "quality": 75},
        {"blur": 2, "noise": 15},
        {"blur": 1.5, "noise": 5},
        {"blur": 0.8, "noise": 20, "quality": 60},
        {"blur": 0.6, "noise": 12},
    ],
)
def test_degraded_images_in_the_place_of_clean_ones_are_noticed(how):
    clean, photos = photographs(), [degraded(pixels, **how) for pixels in photographs()]
    assert are_swapped(excess(photos, clean))
    assert not are_swapped(excess(clean, photos))


@pytest.mark.parametrize("how", [{"blur": 1.5}, {"blur": 1, "noise": 2, "quality": 50}])
def test_photos_that_are_smoother_than_grainy_clean_images_are_not_refused(how):
    grainy = [degraded(pixels, noise=4) for pixels in photographs()]
    assert not are_swapped(excess(grainy, [degraded(pixels, **how) for pixels in photographs()]))


def matching(count: int) -> list[Agreement]:
    return [Agreement(f"property {number}", 1.0 if number < count else 9.0, 1.0) for number in range(8)]


def test_the_order_is_asked_about_after_a_fit_that_matches_few_properties():
    """What was measured of PolyU's photos in the place of its clean images, at scale 2: sharper than these by then."""
    noisier = {"y.variance": 1.98, "y.0x.q10": 1.78, "y.1x.q90": 1.09, "edge.width0": -0.21, "edge.width2": -0.15}
    assert not are_swapped(noisier)
    told = order_to_check(noisier, matching(4))
    assert told.startswith("Check that the clean images come first, then the photos: the smooth places of the clean")
    assert "softer" not in told
    assert order_to_check(noisier, matching(5)) == ""
    usual = {name: -abs(value) for name, value in noisier.items()}
    assert order_to_check(usual, matching(4)) == ""
    assert order_to_check(usual, matching(3)) == ""  # the clean images are sharper and less noisy
    as_sharp = usual | {"edge.width0": 0.0, "edge.width2": 0.0}
    assert order_to_check(as_sharp, matching(3)) == "Check that the clean images come first, then the photos."
    softer = usual | {"edge.width0": 0.3}
    assert "the edges of the clean images are softer" in order_to_check(softer, matching(4))
