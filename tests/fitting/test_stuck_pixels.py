"""Pixels that are black or white by error are counted, and do not disturb the other measures."""

import cv2
import numpy as np
import pytest
import yaml

from patina.degradations.recipe import parse_recipe
from patina.fitting.family import load_family
from patina.fitting.file_compression import FileCompression
from patina.fitting.measures import crops_of, measure
from patina.fitting.photo import Photo, measure_photo
from patina.fitting.profiles import empty_recipe
from patina.fitting.sentence import nothing_found, sentence
from patina.fitting.stuck_pixels import without_impulses
from patina.imaging.picture_files import write_picture
from small_photographs import photographs


def struck(pixels: np.ndarray, fraction: float, dtype=np.uint8) -> np.ndarray:
    """Make a fraction of the pixels black or white, half of them each."""
    draws = np.random.default_rng(0).random(pixels.shape[:2])
    result = pixels.astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    result[draws < fraction / 2], result[draws > 1 - fraction / 2] = 0, np.iinfo(dtype).max
    return result


def all_photographs() -> list[np.ndarray]:
    return [pixels for group in photographs().values() for pixels in group]


@pytest.mark.parametrize("fraction", [0.003, 0.02])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_their_fraction_is_found(fraction, dtype):
    found = [without_impulses(crops_of(struck(pixels, fraction, dtype)))[0] for pixels in all_photographs()]
    assert np.mean(found) == pytest.approx(fraction, rel=0.1)


def test_photographs_have_none():
    for pixels in all_photographs():
        crops = crops_of(pixels)
        fraction, same = without_impulses(crops)
        assert fraction == 0
        assert all(one is other for one, other in zip(same, crops, strict=True))


@pytest.mark.parametrize(("height", "width"), [(2, 2), (1, 9), (9, 1), (5, 5)])
def test_lights_and_letters_stay(height, width):
    pixels = np.full((128, 128, 3), 100, np.uint8)
    for top in range(4, 110, 12):
        for left in range(4, 110, 12):
            pixels[top : top + height, left : left + width] = 255 if (top + left) % 24 else 0
    assert without_impulses(crops_of(pixels))[0] == 0


def test_a_photo_measures_as_without_them(tmp_path):
    rng = np.random.default_rng(1)
    scene = cv2.GaussianBlur(all_photographs()[0], (0, 0), 1.5).astype(float)
    noisy = np.uint8((scene + rng.normal(0, 4, scene.shape)).clip(1, 254).round())
    write_picture(tmp_path / "a.png", struck(noisy, 0.006))
    photo = measure_photo(tmp_path / "a.png", "a")
    assert photo.impulses == pytest.approx(0.006, rel=0.15)
    plain, with_them = measure(crops_of(noisy)), measure(crops_of(struck(noisy, 0.006)))
    after = {name: abs(photo.measures[name] - value) for name, value in plain.items()}
    before = {name: abs(with_them[name] - value) for name, value in plain.items()}
    assert np.mean(list(after.values())) < 0.12 * np.mean(list(before.values()))


def test_compressed_photos_are_not_searched(tmp_path):
    write_picture(tmp_path / "a.jpg", struck(all_photographs()[0], 0.006), quality=100)
    assert measure_photo(tmp_path / "a.jpg", "a").impulses == 0


def photo_with(impulses: float) -> Photo:
    return Photo("a.png", 64, 64, None, FileCompression("jpeg", 80), impulses, {}, False)


def test_they_come_before_the_compression():
    family = load_family("camera")
    steps = family.filled([(1.0, 1.0)] * len(family.free), photo_with(0).compression, 0.0051234)["steps"]
    assert steps[-2:] == [{"salt_and_pepper": {"share": 0.00512}}, {"jpeg": {"quality": 80}}]
    assert family.filled([(1.0, 1.0)] * len(family.free), photo_with(0).compression)["steps"][-1] == steps[-1]


def test_the_sentence_names_them():
    few, all_of_them = [photo_with(0.006), photo_with(0.0)], [photo_with(0.006), photo_with(0.004)]
    assert sentence([], few, []).startswith("0.6 % of the pixels black or white in 1 photos; JPEG 80.")
    assert sentence([], all_of_them, []).startswith("0.5 % of the pixels black or white; JPEG 80.")
    assert nothing_found([photo_with(0)]) == "Nothing found: the photos measure like the clean images."
    assert nothing_found(all_of_them).startswith("0.5 % of the pixels black or white; nothing else found: the photos")


def test_a_recipe_of_nothing_else_makes_them():
    recipe = parse_recipe(yaml.safe_load(empty_recipe(2, ["Nothing found."], [0.004, 0.006])), "a.yml")
    step = recipe.draw("", (64, 64), 0, "a")[-1]
    assert (step.op, step.parameters["share"]) == ("salt_and_pepper", pytest.approx(0.005))
