"""Degradations of images in memory equal what the commands write."""

import numpy as np
import pytest

import patina
from patina.cli.main import run_command
from patina.imaging.picture_files import read_picture, write_picture
from sets import learned_recipe, picture, write_config, write_deflow_model

VARIANTS = {
    "scale": 2,
    "blocks": {
        "blur": [{"gaussian_blur": {"sigma": [0.5, 2]}}],
        "shrink": [{"resize": {"filter": "lanczos", "of": "target"}}],
        "noise": [{"gaussian_noise": {"sigma": [5, 20]}}],
    },
    "variants": {"soft": ["blur", "shrink"], "noisy": ["shrink", "noise"]},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_deflow_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def source(tmp_path):
    for name, seed in (("a.png", 1), ("b.png", 2)):
        write_picture(tmp_path / "in" / name, picture(seed, 41, 50))
    return tmp_path / "in"


def run(command, *arguments) -> None:
    assert run_command(command, list(map(str, arguments))) == 0


def test_a_model_gives_what_translate_writes(model, source, tmp_path):
    folders = ["-source_dir", source, "-out_dir", tmp_path / "out"]
    run("translate", "-model_path", model, *folders, "-seed", 3, "-samples", 2, "-heat", "0.5:1", "-device", "cpu")
    degrade = patina.load_degradation(model, knobs={"heat": (0.5, 1.0)}, device="cpu")
    for stem in ("a", "b"):
        pixels = read_picture(source / f"{stem}.png").pixels
        results = [degrade(pixels, seed=3, name=f"{stem}.png", sample=sample) for sample in (0, 1)]
        for sample, result in enumerate(results):
            np.testing.assert_array_equal(result, read_picture(tmp_path / "out" / f"{stem}_{sample}.png").pixels)
        assert not np.array_equal(*results)


def test_a_model_keeps_16_bit_and_takes_real_pictures(model):
    pixels = picture(3).astype(np.uint16) * 257
    degraded = patina.load_degradation(model, device="cpu")(pixels)
    cleaned = patina.load_degradation(model, source="real", device="cpu")(pixels)
    assert degraded.dtype == cleaned.dtype == np.uint16
    assert degraded.shape == cleaned.shape == pixels.shape
    assert not np.array_equal(degraded, cleaned)


@pytest.mark.parametrize("variant", ["soft", "noisy"])
def test_a_recipe_gives_what_degrade_writes(source, tmp_path, variant):
    recipe = write_config(tmp_path / "recipe.yml", VARIANTS)
    run("degrade", recipe, source, tmp_path / "out", "-seed", 7, "-workers", 1)
    degrade = patina.load_recipe(recipe)
    assert (degrade.scale, degrade.variants) == (2, ("noisy", "soft"))
    for name in ("a.png", "b.png"):
        result = degrade(read_picture(source / name).pixels, 7, variant, name=name)
        np.testing.assert_array_equal(result, read_picture(tmp_path / "out" / variant / name).pixels)


def test_a_recipe_with_learned_blocks_gives_what_degrade_writes(model, source, tmp_path):
    recipe = learned_recipe(tmp_path / "recipe.yml", model, heat=[0.5, 1])
    run("degrade", recipe, source, tmp_path / "out", "-device", "cpu")
    degrade = patina.load_recipe(recipe, device="cpu")
    result = degrade(read_picture(source / "a.png").pixels, name="a.png")
    np.testing.assert_array_equal(result, read_picture(tmp_path / "out" / "a.png").pixels)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (None, "variant is None; expected one of noisy, soft"),
        ("hard", "variant is 'hard'; expected one of noisy, soft"),
    ],
)
def test_a_variant_must_be_named(tmp_path, variant, message):
    degrade = patina.load_recipe(write_config(tmp_path / "recipe.yml", VARIANTS))
    with pytest.raises(patina.PatinaError, match=message):
        degrade(picture(1), variant=variant)


def test_a_recipe_of_steps_has_no_variants(tmp_path):
    degrade = patina.load_recipe(
        write_config(tmp_path / "recipe.yml", {"scale": 1, "steps": [{"jpeg": {"quality": 50}}]})
    )
    with pytest.raises(patina.PatinaError, match="variant is 'soft'; the recipe has no variants"):
        degrade(picture(1), variant="soft")
    assert degrade(picture(1)).shape == picture(1).shape


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([[1, 2], [3, 4]], r"expected an image as an array \[H, W, 3\], got list"),
        (np.zeros((4, 4), np.uint8), r"expected an image \[H, W, 3\], got an array of shape \[4, 4\]"),
        (np.zeros((4, 4, 4), np.uint8), r"got an array of shape \[4, 4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"got an array of shape \[0, 4, 3\]"),
        (np.zeros((4, 4, 3)), "expected uint8 or uint16 pixels, got float64"),
        (np.zeros((1, 4, 3), np.uint8), "the image is 4x1; scale 2 needs more pixels"),
    ],
)
def test_an_unusable_picture_is_refused(tmp_path, image, message):
    degrade = patina.load_recipe(write_config(tmp_path / "recipe.yml", VARIANTS))
    with pytest.raises(patina.PatinaError, match=message):
        degrade(image, variant="soft")
