"""The operations of recipes: any draw can be written down and run again, and strength is strength."""

import json
import re
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from patina.degradations.base import Frame, Operation
from patina.degradations.blocks import known_blocks
from patina.degradations.description import describe
from patina.degradations.execution import apply_plan
from patina.degradations.operations import OPERATIONS
from patina.degradations.ranges import Between, RealRange, draw_real
from patina.errors import ConfigError, PatinaError
from patina.imaging.resize_filters import FILTERS, resize
from small_recipes import photo, recipe

EXAMPLES = {
    "ellipse_blur": {"sigma_x": [0.5, 3], "sigma_y": [0.5, 2], "tilt": [-0.8, 0.8]},
    "sensor_noise": {"sigma": [3, 25], "gain": [-1, 1], "grain": [0, 1], "shared": 0.3, "chroma": [0, 1]},
    "raw_camera": {"sigma": [0, 20], "read": [0, 1], "red": [1, 2.5], "blue": [1, 2.5], "gradient": [0, 1]},
    "bilateral": {"strength": [5, 60], "sigma": 2},
    "lens_blur": {"radius": [0.5, 3]},
    "complex_lens_blur": {"radius": [1, 3], "exposure_gamma": [1, 3]},
    "gaussian_blur": {"kind": ["isotropic", "generalised_anisotropic", "plateau_isotropic"], "size": [7, 21]},
    "box_blur": {"size": [1, 9]},
    "motion_blur": {"length": [0, 12]},
    "median_blur": {"size": [3, 7]},
    "sinc": {},
    "airy_blur": {"radius": [0, 4]},
    "ring_blur": {"radius": [0, 5], "hole": [0.3, 0.7]},
    "triangle_blur": {"radius": [0, 4]},
    "div2krk_blur": {},
    "kernel_blur": {"file": "kernels.npy", "turn": True},
    "resize": {"filter": "lanczos", "factor": [0.5, 1.5]},
    "down_up": {},
    "gaussian_noise": {"sigma": [1, 30], "gray": 0.4},
    "uniform_noise": {"amplitude": [1, 30], "gray": 0.4},
    "line_noise": {"rows": [1, 10], "columns": [0, 5]},
    "chroma_noise": {"sigma": [1, 30], "grain": [0, 2]},
    "perlin_noise": {"sigma": [1, 30], "scale": [4, 20], "octaves": [1, 4], "persistence": 0.6, "gray": 0.4},
    "simplex_noise": {"sigma": [1, 30], "scale": [4, 20], "octaves": [1, 3], "gray": 0.4},
    "poisson_noise": {"scale": [0.05, 3], "gray": 0.4},
    "speckle": {"sigma": [1, 30]},
    "salt_and_pepper": {"share": [0, 0.1]},
    "noise_patches": {"file": "noise.npz", "strength": [0.5, 2]},
    "correlated_noise": {"sigma": [2, 25], "grain": [0, 2], "shared": "random"},
    "jpeg": {"quality": [30, 95], "progressive": 0.5, "scans": [1, 10]},
    "jpeg_tables": {"luma": [*range(1, 65)], "chroma": [20] * 64, "subsampling": {"4:4:4": 1, "4:2:0": 1}},
    "webp": {"quality": [30, 95]},
    "video_codec": {"codec": ["h264", "mpeg2"], "quantiser": [2, 31]},
    "avif": {"quality": [0, 90], "subsampling": ["4:2:0", "4:4:4"]},
    "jpeg2000": {"ratio": [1, 80]},
    "unsharp_mask": {"sigma": [1, 3], "threshold": 3, "soft_mask": True},
    "halo": {
        "kind": ["both", "bright", "dark", "white"],
        "width": [1, 3],
        "blur": ["gaussian", "box", "disk", "ring"],
        "amount": [0, 4],
        "threshold": [0, 20],
        "colour": 0.5,
    },
    "colour_shift": {"brightness": [-0.1, 0.2], "gamma": [0.8, 1.2], "balance": [0.9, 1.1]},
    "levels": {"black": [0, 40], "white": [200, 255], "output_black": [0, 30], "output_white": [220, 255]},
    "chroma_subsampling": {"subsampling": ["4:2:0", "4:1:0"], "matrix": "bt709", "up": ["nearest", "lanczos"]},
    "chroma_blur": {"sigma": [0, 4], "sigma_y": [0, 1]},
    "chroma_shift": {"x": [-3, 3], "y": [-1, 1.5], "planes": ["chroma", "delay", "red_blue"]},
    "pixelate": {"size": [1, 9]},
    "interlace": {"shift": [-5, 5]},
    "halftone": {
        "dot_size": [2, 9],
        "dot": ["round", "line"],
        "inks": ["cmyk", "black"],
        "per_ink": 0.5,
        "strength": [0, 1],
    },
    "vignette": {"strength": [0, 0.8], "power": [1, 4]},
    "ghosting": {"x": [-9, 9], "y": [0, 2], "strength": [0, 0.4]},
    "glare": {"kind": ["veil", "lamp"], "strength": [0, 0.8], "spread": [0.02, 0.3], "x": [-0.2, 1.2], "y": 0.1},
    "moire": {"pitch": [1, 4], "angle": [0, 20], "strength": [0, 1]},
    "quantise": {"levels": [2, 64], "dither": ["none", "ordered", "floyd_steinberg", "riemersma"], "history": [2, 20]},
    "palette": {"colours": [2, 64], "dither": ["none", "ordered_4", "stucki", "riemersma"]},
}


@pytest.fixture(autouse=True)
def _kernel_file(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "kernels.npy", rng.random((3, 5, 7)))
    np.savez(tmp_path / "noise.npz", a=rng.normal(0, 9, (4, 32, 32, 3)), b=rng.normal(0, 3, (2, 32, 32, 3)))
    monkeypatch.chdir(tmp_path)


BLOCKS = known_blocks()


def test_every_operation_has_an_example_and_a_family():
    assert set(EXAMPLES) == set(OPERATIONS)
    assert all(operation.family for operation in OPERATIONS.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_description_does_not_repeat_the_family(name):
    end = {"resize": {"filter": "linear", "of": "target"}}
    plan = recipe({name: EXAMPLES[name]}, end, scale=1).draw("", (64, 64), 0, "a.png")
    assert not re.match(r"(\w+): \1( |$)", describe(plan, (64, 64)))


def test_one_class_is_a_whole_operation():

    class Darken(Operation):
        """Less light."""

        name = "darken"
        family = "color"

        factor: Annotated[RealRange, Between(0, 1)]
        """Factor of every value."""

        def draw(self, rng, frame):
            return {"factor": draw_real(rng, self.factor)}

        @staticmethod
        def apply(image, parameters, key):
            return image * np.float32(parameters["factor"])

    try:
        made = recipe({"darken": {"factor": 0.5}}, scale=1)
        plan = made.draw("", (40, 48), 0, "a.png")
        np.testing.assert_array_equal(apply_plan(photo(), plan), photo() / 2)
        assert describe(plan, (40, 48)) == "color: darken factor=0.5"
        with pytest.raises(ConfigError, match=r"darken\.factor: expected 0 to 1, found 2"):
            recipe({"darken": {"factor": 2}}, scale=1)
        with pytest.raises(TypeError, match="two operations are named darken"):
            type("Other", (Darken,), {"name": "darken", "__module__": __name__})
    finally:
        del OPERATIONS["darken"]


@pytest.mark.parametrize("name", EXAMPLES)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), height=st.integers(1, 33), width=st.integers(1, 33))
def test_any_draw_can_be_written_down_and_done_again(name, seed, height, width):
    block = OPERATIONS[name].model_validate(EXAMPLES[name])
    image = photo(height, width)
    before = image.copy()
    frame = Frame((height, width), (height, width), (max(1, height // 2), max(1, width // 2)))
    parameters = block.draw(np.random.default_rng(seed), frame)
    result = block.apply(image, parameters, seed)
    again = block.apply(image, json.loads(json.dumps(parameters)), seed)
    assert result.tobytes() == again.tobytes()
    assert result.dtype == np.float32
    assert result.shape == (*parameters.get("size", (height, width)), 3)
    assert np.isfinite(result).all()
    assert result.min() >= -1e-6
    assert result.max() <= 1 + 1e-5
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_strongest_end_does_more_than_the_mildest(name):
    block = OPERATIONS[name].model_validate(EXAMPLES[name])
    image = photo()
    frame = Frame((40, 48), (40, 48), (20, 24))

    def change(end):
        found = block.at_end(end)
        assert found.probability == 1
        result = block.apply(image, found.draw(np.random.default_rng(2), frame), 7)
        return float(np.abs(resize(result, (40, 48), "linear") - image).mean())

    assert change(True) >= change(False) - 1e-6
    if any(isinstance(value, tuple) and value[0] < value[1] for key, value in block if key not in ("angle", "size")):
        assert change(True) > change(False)


@pytest.mark.parametrize(
    ("name", "given", "mildest", "strongest"),
    [
        ("chroma_shift", {"x": [-3, 2], "y": [1, 4]}, {"x": (0, 0), "y": (1, 1)}, {"x": (-3, -3), "y": (4, 4)}),
        ("colour_shift", {"gamma": [0.4, 1.2]}, {"gamma": (1, 1)}, {"gamma": (0.4, 0.4)}),
        ("colour_shift", {"contrast": [0.4, 0.9]}, {"contrast": (0.9, 0.9)}, {"contrast": (0.4, 0.4)}),
        ("levels", {"white": [200, 240]}, {"white": (240, 240)}, {"white": (200, 200)}),
    ],
)
def test_ranges_around_no_effect_are_mild_in_the_middle(name, given, mildest, strongest):
    block = OPERATIONS[name].model_validate(given)
    for end, expected in ((False, mildest), (True, strongest)):
        assert {key: value for key, value in block.at_end(end) if key in given} == expected


def test_a_file_of_kernels_is_checked_and_used(tmp_path):
    delta = np.zeros((5, 5))
    delta[2, 3] = 4
    np.savez(tmp_path / "k.npz", only=delta)
    made = recipe({"kernel_blur": {"file": str(tmp_path / "k.npz")}}, scale=1)
    found = apply_plan(photo(), made.draw("", (40, 48), 0, "a"))
    np.testing.assert_allclose(found[:, :-1], photo()[:, 1:], atol=1e-6)
    np.save(tmp_path / "bad.npy", np.zeros((3, 3)))
    with pytest.raises(PatinaError, match="positive sum"):
        recipe({"kernel_blur": {"file": str(tmp_path / "bad.npy")}}, scale=1).draw("", (4, 4), 0, "a")


def detail_preserving(image: np.ndarray, factor: int, exponent: float) -> np.ndarray:
    """Weber et al. 2016 word for word, for whole factors."""
    height, width = image.shape[0] // factor, image.shape[1] // factor
    blocks = image.reshape(height, factor, width, factor, 3)
    means = np.pad(blocks.mean(axis=(1, 3)), ((1, 1), (1, 1), (0, 0)), mode="edge")
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    result = np.empty((height, width, 3))
    for y, x in np.ndindex(height, width):
        guide = np.tensordot(kernel, means[y : y + 3, x : x + 3])
        block = blocks[y, :, x].reshape(-1, 3)
        weights = (np.linalg.norm(block - guide, axis=1) + 1e-4) ** exponent
        result[y, x] = weights @ block / weights.sum()
    return result


@pytest.mark.parametrize("exponent", [0.25, 0.5, 0.75, 1])
def test_detail_preserving_downscaling(exponent):
    image = np.random.default_rng(3).random((24, 36, 3), np.float32)
    found = resize(image, (8, 12), f"dpid_{exponent:g}")
    np.testing.assert_allclose(found, detail_preserving(image, 3, exponent), atol=2e-3)
    dot = np.zeros((12, 12, 3), np.float32)
    dot[5, 5] = 1
    assert resize(dot, (3, 3), f"dpid_{exponent:g}").max() > 1.5 * resize(dot, (3, 3), "area").max()


def test_resizing_light_keeps_bright_details_bright():
    lines = np.zeros((16, 16, 3), np.float32)
    lines[:, ::2] = 1
    apply = OPERATIONS["resize"].apply
    usual = apply(lines, {"filter": "box", "size": [8, 8]}, 0)
    light = apply(lines, {"filter": "box", "size": [8, 8], "linear_light": True}, 0)
    np.testing.assert_allclose(usual, 0.5, atol=1e-6)
    np.testing.assert_allclose(light, 1.055 * 0.5 ** (1 / 2.4) - 0.055, atol=1e-5)
    frame, block = Frame((40, 48), (40, 48), (20, 24)), OPERATIONS["resize"]
    sometimes = block.model_validate({"filter": "box", "linear_light": 0.5})
    drawn = [sometimes.draw(np.random.default_rng(number), frame) for number in range(40)]
    assert {values["linear_light"] for values in drawn} == {True, False}
    without = block.model_validate({"filter": "box"}).draw(np.random.default_rng(0), frame)
    assert "linear_light" not in without


def test_every_filter_keeps_a_flat_picture_and_the_middle():
    flat = np.full((13, 17, 3), 0.4, np.float32)
    for name in FILTERS:
        for size in ((5, 6), (20, 40), (13, 17)):
            np.testing.assert_allclose(resize(flat, size, name), 0.4, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        (name, field)
        for name, block in BLOCKS.items()
        for field, info in block.model_fields.items()
        if info.is_required()
    ],
)
def test_blocks_without_their_needed_settings_are_refused(name, needed):
    with pytest.raises(ValidationError) as caught:
        BLOCKS[name].model_validate({})
    assert (needed,) in [item["loc"] for item in caught.value.errors() if item["type"] == "missing"]


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_blocks_refuse_what_they_do_not_know(block):
    with pytest.raises(ValidationError, match="surely_unknown"):
        block.model_validate({"surely_unknown": {}})
