"""LapSRN and its kin: what they start from, what they learn, how they are trained and read."""

import json
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from patina.cli.main import run_command
from patina.data.fixed_patches import FixedPatches
from patina.data.pairs import PairedPatches, match_pairs
from patina.errors import PatinaError
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.value_spaces import to_tensor
from patina.imaging.ycbcr import to_rgb, to_ycbcr
from patina.layers.subpixel import bicubic_kernel, enlarge
from patina.metrics.luma import to_luma
from patina.models.generator_files import load_generator, save_generator
from patina.models.lapsrn import LapSRN
from patina.models.model_files import load_model_file
from patina.models.srcnn import SRCNN
from patina.runs.run_log import read_log
from patina.training.luminance_task import shrunk
from sets import picture, write_config, write_pictures

NETWORKS = {
    "lapsrn x2": lambda: LapSRN(2, 4, 2),
    "lapsrn x8": lambda: LapSRN(8, 4, 2),
    "srcnn x3": lambda: SRCNN(3, (4, 3)),
}


def values(seed: int = 0, **size: int) -> np.ndarray:
    return picture(seed, **size) / 255.0


def test_luma_is_the_one_that_psnr_is_measured_on():
    rgb = values()
    ycbcr = to_ycbcr(torch.from_numpy(rgb.transpose(2, 0, 1)))
    np.testing.assert_allclose(ycbcr[0].numpy(), to_luma(rgb), atol=1e-12)
    gray = to_ycbcr(torch.full((3, 1, 1), 0.3))
    torch.testing.assert_close(gray[1:], torch.full((2, 1, 1), 128 / 255))
    torch.testing.assert_close(to_rgb(ycbcr), torch.from_numpy(rgb.transpose(2, 0, 1)))


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("size", [(1, 2), (7, 9)])
def test_the_sub_pixel_convolution_is_matlabs_bicubic(factor, size):
    planes = np.random.default_rng(factor).random((*size, 2))
    larger = enlarge(torch.from_numpy(planes.transpose(2, 0, 1))[None].float(), bicubic_kernel(factor))
    np.testing.assert_allclose(larger[0].numpy().transpose(1, 2, 0), imresize(planes, factor), atol=2e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_untrained_network_is_bicubic(name):
    network = NETWORKS[name]()
    small = values(height=9, width=12)
    expected = small
    for _ in range(3 if name == "lapsrn x8" else 1):  # a pyramid doubles, and doubles again
        expected = imresize(expected, 2 if "lapsrn" in name else 3)
    result = network(to_tensor(np.uint8(255 * small))[None])[0].detach().numpy().transpose(1, 2, 0)
    luma = to_luma(imresize(np.uint8(255 * small) / 255.0, network.scale)) if name != "lapsrn x8" else None
    if luma is not None:
        np.testing.assert_allclose(to_luma(result), luma, atol=1e-5)
    else:
        assert np.abs(to_luma(result) - to_luma(expected)).max() < 0.02


def test_a_level_is_what_the_report_describes():
    network = LapSRN(4)
    assert len(network.pyramid) == 2
    for level in network.pyramid:
        convolutions = [layer for layer in level.body if isinstance(layer, nn.Conv2d)]
        assert [layer.kernel_size for layer in convolutions] == [(3, 3)] * 10
        assert all(isinstance(layer, nn.LeakyReLU) and layer.negative_slope == 0.02 for layer in level.body[::2])
        assert isinstance(level.upsample[-1], nn.PixelShuffle)
    sizes = [tuple(level.shape) for level in network.levels(torch.rand(2, 1, 5, 6))]
    assert sizes == [(2, 1, 10, 12), (2, 1, 20, 24)]


def test_the_local_residual_adds_what_entered():
    level = LapSRN(2, 4, 3).pyramid[0]
    for layer in level.body:
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
    features = torch.randn(1, 4, 5, 5)
    torch.testing.assert_close(level(features, torch.rand(1, 1, 5, 5))[0], level.upsample(features))


def test_scales_that_no_pyramid_has_are_refused():
    for scale in (1, 3, 6):
        with pytest.raises(PatinaError, match=f"scale is {scale}, expected 2, 4 or 8"):
            LapSRN(scale)


@pytest.mark.parametrize("name", NETWORKS)
def test_files_open_like_all_others(name, tmp_path):
    torch.manual_seed(1)
    network = NETWORKS[name]()
    for parameter in network.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    save_generator(network, tmp_path / "model.safetensors")
    opened = load_generator(tmp_path / "model.safetensors")
    assert opened.scale == network.scale
    assert opened.architecture.id.lower() == name.split()[0]
    rgb = torch.rand(1, 3, 8, 10)
    torch.testing.assert_close(opened(rgb), network(rgb).clamp(0, 1).detach())


def test_targets_of_levels_are_shrunk_by_matlabs_bicubic():
    truth = np.random.default_rng(0).random((16, 24, 1))
    small = shrunk(torch.from_numpy(truth.transpose(2, 0, 1))[None], torch.empty(1, 1, 8, 12))
    inside = (slice(2, -2), slice(2, -2))  # at the borders torch leaves weights out, MATLAB mirrors
    np.testing.assert_allclose(small[0, 0].numpy()[inside], imresize(truth, 0.5)[..., 0][inside], atol=1e-6)


def test_every_picture_gives_so_many_patches_an_epoch(tmp_path):
    folder = write_pictures(tmp_path / "gt", 3)
    inner = PairedPatches(match_pairs(folder, folder, 1), patch=16, scale=1, batch=3, seed=4)
    patches = FixedPatches(inner, count=5, batch=4)
    assert patches.epoch == 4
    places = [(1 + index // 4, index % 4) for index in range(30)]
    seen = [patches[place]["gt"].numpy().tobytes() for place in places]
    assert Counter(seen[:15]) == Counter(seen[15:])
    assert seen[:15] != seen[15:]
    of = {path: to_tensor(read_picture(path).pixels) for path in list_pictures(folder)}
    means = [min(of, key=lambda path: _distance(of[path], patches[place]["gt"])) for place in places[:15]]
    assert sorted(Counter(means).values()) == [5, 5, 5]


def _distance(image: torch.Tensor, patch: torch.Tensor) -> float:
    """Return how far the patch's values lie from the nearest of the picture's: 0 where it was cut out of it."""
    pixels, wanted = image.flatten(1).T, patch.flatten(1).T[:40]
    return float(torch.cdist(wanted, pixels).min(dim=1).values.sum())


# Training, as a user runs it


@pytest.fixture(scope="module")
def blurred(tmp_path_factory):
    """Pairs whose low-quality side is blurred before it is halved, which a network can undo and bicubic cannot."""
    import cv2

    folder = tmp_path_factory.mktemp("blurred")
    for index in range(3):
        pixels = picture(index, height=64, width=64)
        stripes = np.indices((64, 64)).sum(0)[..., None] // 3 % 2 * 60
        truth = np.uint8(np.clip(pixels * 0.6 + stripes, 0, 255))
        write_picture(folder / "gt" / f"{index}.png", truth)
        write_picture(folder / "lq" / f"{index}.png", imresize(cv2.GaussianBlur(truth, (0, 0), 1.2), 0.5))
    return folder


def config(blurred, tmp_path, **training) -> dict:
    return {
        "task": "luminance",
        "name": "tiny",
        "runs": str(tmp_path / "runs"),
        "model": {"architecture": "lapsrn", "scale": 2, "features": 8, "convolutions": 2},
        "data": {"lq": str(blurred / "lq"), "gt": str(blurred / "gt"), "patch": 32, "batch": 4, "workers": 0},
        "validation": {"lq": str(blurred / "lq"), "gt": str(blurred / "gt"), "pictures": 1},
        "training": {"steps": 4, "log_every": 1, "validate_every": 2, "save_every": 2} | training,
    }


def train(tmp_path, values: dict) -> list[dict]:
    path = write_config(tmp_path / "tiny.yml", values)
    assert run_command("train", ["-opt", str(path), "-device", "cpu"]) == 0
    return read_log(tmp_path / "runs" / values["name"])


@pytest.mark.slow
def test_training_beats_bicubic_and_the_file_does_what_was_measured(blurred, tmp_path):
    lines = train(tmp_path, config(blurred, tmp_path, steps=60, learning_rate=3e-3, validate_every=30))
    last = [line for line in lines if line["part"] == "valid"][-1]
    assert last["gain"] > 0.3
    assert last["gain"] == pytest.approx(last["psnr"] - last["psnr_bicubic"])
    final = tmp_path / "runs/tiny/models/final.safetensors"
    out, flags = tmp_path / "out", ["-space", "y", "-crop", "2", "-no_lpips"]
    source = ["-source", str(blurred / "lq"), "-out", str(out), "-precision", "32"]
    assert run_command("upscale", ["-model", str(final), *source]) == 0
    assert run_command("evaluate", ["-results", str(out), "-truth", str(blurred / "gt"), *flags]) == 0
    scores = json.loads((out / "scores.json").read_text())["mean"]
    assert scores["psnr"] == pytest.approx(last["psnr"], abs=0.01)
    with pytest.raises(PatinaError, match="has no metadata of Patina"):
        load_model_file(final)  # it is a plain file, for the tools that read those


def test_a_truth_of_16_bit_is_measured(blurred, tmp_path):
    for path in list_pictures(blurred / "gt"):
        write_picture(tmp_path / "gt" / path.name, np.uint16(read_picture(path).pixels) * 257)
    values = config(blurred, tmp_path)
    eight = [line["psnr_bicubic"] for line in train(tmp_path, values) if line["part"] == "valid"]
    deep = values | {"name": "deep", "validation": values["validation"] | {"gt": str(tmp_path / "gt")}}
    assert [line["psnr_bicubic"] for line in train(tmp_path, deep) if line["part"] == "valid"] == pytest.approx(eight)


def test_it_stops_when_it_no_longer_gets_better_and_stays_stopped(blurred, tmp_path):
    values = config(
        blurred, tmp_path, steps=50, validate_every=1, learning_rate=1e-12,
        early_stopping={"patience": 3, "least_gain": 0.01},
    )  # fmt: skip
    lines = train(tmp_path, values)
    messages = [line["message"] for line in lines if line["part"] == "event"]
    assert messages[-1].startswith("stopped early: psnr has not improved in 3 validations, it was best at step 1: ")
    assert max(line["step"] for line in lines) == 4
    assert (tmp_path / "runs/tiny/models/final.safetensors").is_file()
    assert train(tmp_path, values) == lines


def test_the_file_is_of_the_best_weights(blurred, tmp_path):
    values = config(
        blurred, tmp_path, steps=6, validate_every=1, save_every=1, learning_rate=10.0, early_stopping={"patience": 9}
    )
    lines = [line for line in train(tmp_path, values) if line["part"] == "valid"]
    best = max(lines, key=lambda line: line["psnr"])["step"]
    assert best < 6
    models = tmp_path / "runs/tiny/models"
    assert _weights(models / "final.safetensors") == _weights(models / f"{best}.safetensors")
    assert _weights(models / "final.safetensors") == _weights(models / "best.safetensors")


def _weights(path) -> dict:
    return {name: value.tolist() for name, value in load_generator(path).model.state_dict().items()}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["lapsrn", "srcnn"])
def test_a_resumed_run_equals_an_uninterrupted_one(blurred, tmp_path, architecture):
    finals = []
    for name in ("whole", "cut"):
        values = config(blurred, tmp_path) | {"name": name}
        if architecture == "srcnn":
            values["model"] = {"architecture": "srcnn", "features": [4, 4]}
        train(tmp_path, values)
        run = tmp_path / "runs" / name
        if name == "cut":
            (run / "training_state/4.state").unlink()
            (run / "models/final.safetensors").unlink()
            train(tmp_path, values)
        finals.append(_weights(run / "models/final.safetensors"))
    assert finals[0] == finals[1]


def test_recipes_make_the_pairs(blurred, tmp_path):
    values = config(blurred, tmp_path)
    values["data"]["lq"] = "div2krk.yml"
    recipe = {
        "scale": 2,
        "steps": [{"div2krk_blur": {"shift": -0.5}}, {"resize": {"filter": "nearest", "of": "target"}}],
    }
    write_config(tmp_path / "div2krk.yml", recipe)
    losses = [line["charbonnier_x2"] for line in train(tmp_path, values) if line["part"] == "train"]
    assert len(losses) == 4
    assert all(0 < loss < 1 for loss in losses)


def test_early_stopping_needs_a_validation(blurred, tmp_path, capsys):
    values = config(blurred, tmp_path)
    del values["validation"]
    path = write_config(tmp_path / "tiny.yml", values)
    assert run_command("train", ["-opt", str(path)]) == 2
    assert "add `validation`, or set early_stopping: null" in capsys.readouterr().err
