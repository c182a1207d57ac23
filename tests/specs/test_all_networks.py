"""Every network that a configuration can name: built, trained for two steps, saved, opened by spandrel, and applied."""

import numpy as np
import pytest
import torch

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture, write_picture
from patina.models.generator_files import READABLE, load_generator, save_generator
from patina.models.spandrel_network import SpandrelSettings, spandrel_networks
from patina.pipelines.network_upscalers import TiledModel
from patina.specs.generator_spec import NETWORKS
from sets import write_config, write_pictures
from small_networks import GREY, REFUSED, TINY

SIDE = {"MixDehazeNet": 40, "SCUNet": 40, "UpCunet2x_fast": 40}
"""Sides of LQ crops for networks that need more than 32."""

CASES = [*((name, 3) for name in TINY), *((name, 1) for name in GREY)]


def settings(name: str, channels: int = 3) -> dict:
    return {"architecture": name, "scale": 2, **TINY[name], **(GREY[name] if channels == 1 else {})}


def trained(tmp_path, name: str, channels: int):
    """Train two steps by the command; return the model file."""
    model = settings(name, channels)
    scale = model["scale"]
    for folder, size in (("lq", 1), ("gt", scale)):
        write_pictures(tmp_path / folder, 1, height=40 * size, width=48 * size)
    values = {
        "task": "restoration",
        "name": "tiny",
        "runs": str(tmp_path / "runs"),
        "model": model,
        "data": {
            "lq": str(tmp_path / "lq"),
            "gt": str(tmp_path / "gt"),
            "patch": SIDE.get(name, 32) * scale,
            "batch": 2 if name == "DAT" else 1,  # its batch normalisation needs two
            "workers": 0,
        },
        "stages": [{"name": "only", "steps": 2, "log_every": 1}],
    }
    assert run_command("train", ["-opt", str(write_config(tmp_path / "tiny.yml", values)), "-device", "cpu"]) == 0
    return tmp_path / "runs/tiny/only/models/final.safetensors"


def upscaled(tmp_path, file, pixels: np.ndarray) -> np.ndarray:
    write_picture(tmp_path / "in/0.png", pixels)
    arguments = ["-model_path", file, "-source_dir", tmp_path / "in", "-out_dir", tmp_path / "out", "-device", "cpu"]
    assert run_command("upscale", [*map(str, arguments)]) == 0
    return read_picture(tmp_path / "out/0.png").pixels


def as_tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255


def test_the_list_has_all_networks():
    assert {*TINY, *REFUSED} == {*NETWORKS, *spandrel_networks()}
    assert {*GREY} < {*TINY}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "channels"), CASES)
def test_it_trains_and_upscales_images_of_any_size(tmp_path, name, channels):
    file = trained(tmp_path, name, channels)
    import spandrel  # after Patina, which mends torchvision's import

    registry = READABLE if name == "msrresnet" else spandrel.MAIN_REGISTRY
    opened = spandrel.ModelLoader(device="cpu", registry=registry).load_from_file(file)
    scale = settings(name)["scale"]
    assert (opened.scale, opened.input_channels, opened.output_channels) == (scale, channels, channels)
    height = 41 if name in SIDE else 19
    pixels = np.random.default_rng(1).integers(60, 190, (height, 45, channels), dtype=np.uint8)
    result = upscaled(tmp_path, file, np.broadcast_to(pixels, (height, 45, 3)))
    expected = 255 * opened(as_tensor(pixels))[0].permute(1, 2, 0).numpy()
    assert result.shape == (height * scale, 45 * scale, 3)
    np.testing.assert_allclose(result, np.broadcast_to(expected, result.shape), atol=1)
    assert channels == 3 or np.ptp(result, axis=-1).max() == 0


@pytest.mark.slow
def test_a_grey_network_keeps_colours(tmp_path):
    file = trained(tmp_path, "Compact", 1)
    network = load_generator(file)
    rgb = torch.rand(1, 3, 24, 20)
    result = network.model(rgb).detach()
    grey = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    luma = network.model.network((rgb * grey).sum(1, keepdim=True)).detach()
    torch.testing.assert_close((result * grey).sum(1, keepdim=True), luma, atol=1e-5, rtol=0)
    bicubic = imresize(rgb[0].permute(1, 2, 0).numpy(), 2)
    np.testing.assert_allclose(np.diff(result[0].permute(1, 2, 0).numpy()), np.diff(bicubic), atol=1e-5)


def test_a_network_that_changes_its_input_is_given_a_copy(tmp_path):
    torch.manual_seed(0)
    save_generator(SpandrelSettings(**settings("RCAN")).build(), tmp_path / "model.safetensors")
    model, picture = (
        TiledModel(load_generator(tmp_path / "model.safetensors"), tile=32, overlap=16),
        torch.rand(3, 48, 40),
    )
    before = picture.clone()
    first = model.enlarge(picture)
    assert torch.equal(picture, before)
    assert torch.equal(model.enlarge(picture), first)


@pytest.mark.parametrize("name", ["AuraSR", "Uformer"])
def test_networks_for_other_work_are_refused(name):
    parameters = {"dim": 8, "image_size": 256, "input_image_size": 64} if name == "AuraSR" else {}
    small = {"embed_dim": 8, "depths": [1] * 9, "num_heads": [1] * 9} if name == "Uformer" else {}
    with pytest.raises(PatinaError, match=REFUSED[name]):
        SpandrelSettings(architecture=name, scale=1, **parameters, **small).build()
