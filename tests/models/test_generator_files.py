import re
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from patina.errors import PatinaError
from patina.models.compact import CompactSettings
from patina.models.dncnn import DnCNNSettings
from patina.models.generator_files import (
    ESRGAN,
    READABLE,
    interpolated,
    load_generator,
    load_generator_weights,
    save_generator,
)
from patina.models.rrdbnet import RRDBNetSettings
from patina.models.spandrel_network import SpandrelSettings

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "srresnet.npz")


def published_weights(name):
    prefix = f"{name}/w:"
    return {key[len(prefix) :]: torch.from_numpy(GOLDEN[key]) for key in GOLDEN.files if key.startswith(prefix)}


def golden_network(scale):
    """Our network with the published weights, matched by their order, which is that of the computation."""
    network = RRDBNetSettings(scale=scale, features=8, blocks=2, growth=4).build()
    weights = iter(published_weights(f"rrdbnet_x{scale}").values())
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.load_state_dict({"weight": next(weights), "bias": next(weights)})
    assert next(weights, None) is None
    return network.eval()


def randomised(network):
    """Large random weights and biases, so that every layer matters to the output."""
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 100
        parameter.data = torch.randn(parameter.shape, generator=generator) / fan_in**0.5
    return network.eval()


def rgb(height, width):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("scale", [4, 2])
def test_equals_the_published_network(scale):
    picture = torch.from_numpy(GOLDEN[f"rrdbnet_x{scale}/in_u8"]).float() / 255
    with torch.no_grad():
        output = golden_network(scale)(picture)
    np.testing.assert_allclose(output.numpy(), GOLDEN[f"rrdbnet_x{scale}/out"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [4, 2])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_published_numbers_survive_the_file(tmp_path, scale, suffix):
    path = tmp_path / f"model{suffix}"
    save_generator(golden_network(scale), path)
    model = load_generator(path)
    picture = torch.from_numpy(GOLDEN[f"rrdbnet_x{scale}/in_u8"]).float() / 255
    with torch.no_grad():
        output = model.model(picture)
    np.testing.assert_allclose(output.numpy(), GOLDEN[f"rrdbnet_x{scale}/out"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("growth", [32, 8])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_saved_files_open_in_spandrel_itself(tmp_path, scale, growth):
    network = randomised(RRDBNetSettings(scale=scale, features=16, blocks=1, growth=growth).build())
    save_generator(network, tmp_path / "x.safetensors")
    import spandrel  # after Patina, which mends torchvision's import

    descriptor = spandrel.ModelLoader(device="cpu").load_from_file(tmp_path / "x.safetensors")
    picture = rgb(20, 24)
    with torch.no_grad():
        expected = network(picture)
        assert (descriptor.scale, descriptor.input_channels, descriptor.output_channels) == (scale, 3, 3)
        assert expected.std() > 1e-2
        torch.testing.assert_close(descriptor.model(picture), expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(descriptor(picture), expected.clamp(0, 1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("size", [(4, 4), (7, 9), (16, 13)])
def test_any_size_is_enlarged_exactly(scale, size):
    height, width = size
    output = RRDBNetSettings(scale=scale, features=8, blocks=1, growth=4).build()(rgb(height, width))
    assert output.shape == (1, 3, scale * height, scale * width)


def test_fresh_dense_blocks_start_near_the_identity():
    dense = RRDBNetSettings(scale=4, features=16, blocks=2, growth=8).build().model[1].sub[0].RDB1
    features = torch.rand(1, 16, 12, 12)
    change = dense(features) - features
    assert 0 < change.std() < 0.05 * features.std()


def test_file_says_what_it_is(tmp_path):
    save_generator(
        RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build(), tmp_path / "x.safetensors", {"scale": "2"}
    )
    with safe_open(tmp_path / "x.safetensors", "pt") as file:
        about = file.metadata()
    assert about["kind"] == "restoration"
    assert about["scale"] == "2"


@pytest.mark.parametrize("growth", [32, 8])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_training_continues_from_a_saved_file(tmp_path, scale, growth):
    network = randomised(RRDBNetSettings(scale=scale, features=8, blocks=2, growth=growth).build())
    save_generator(network, tmp_path / "x.safetensors")
    other = RRDBNetSettings(scale=scale, features=8, blocks=2, growth=growth).build()
    load_generator_weights(other, tmp_path / "x.safetensors")
    for name, value in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("keys", "prefix"),
    [
        (["params"], ""),
        (["params_ema"], ""),
        (["state_dict"], ""),
        (["net_g"], ""),
        (["net_g", "params"], "module."),
        ([], "module."),
        ([], "_orig_mod."),
        ([], "module._orig_mod."),
        (["state_dict"], "net_g._orig_mod."),
    ],
)
def test_weights_are_found_under_the_names_of_other_programs(tmp_path, keys, prefix, suffix):
    network = randomised(CompactSettings(scale=2, features=8, blocks=1).build())
    stored = {prefix + name: weight.detach() for name, weight in network.state_dict().items()}
    if prefix.startswith("net_g."):
        stored |= {"net_d.conv.weight": torch.zeros(1)}
    if suffix == ".safetensors":
        save_file(stored, tmp_path / "start.safetensors")
    else:
        for key in reversed(keys):
            stored = {key: stored, "iter": 5}
        torch.save(stored, tmp_path / "start.pth")
    fresh = CompactSettings(scale=2, features=8, blocks=1).build()
    assert load_generator_weights(fresh, tmp_path / f"start{suffix}") == []
    assert all(
        torch.equal(*pair) for pair in zip(fresh.state_dict().values(), network.state_dict().values(), strict=True)
    )


def test_the_averaged_weights_are_preferred(tmp_path):
    first, averaged = (CompactSettings(scale=2, features=8, blocks=1).build().state_dict() for _ in range(2))
    torch.save({"params": first, "params_ema": averaged}, tmp_path / "both.pth")
    found = load_generator(tmp_path / "both.pth").model.state_dict()
    assert torch.equal(found["body.0.weight"], averaged["body.0.weight"])


def test_grey_and_colour_do_not_fit(tmp_path):
    grey, colour = (
        SpandrelSettings(architecture="Compact", scale=2, num_feat=8, num_conv=1, num_in_ch=count, num_out_ch=count)
        for count in (1, 3)
    )
    for name, settings in (("grey", grey), ("colour", colour)):
        save_generator(settings.build(), tmp_path / f"{name}.safetensors")
    load_generator_weights(grey.build(), tmp_path / "grey.safetensors")
    with pytest.raises(PatinaError, match=r"body.0.weight is \(8, 1, 3, 3\) in the file, \(8, 3, 3, 3\) here"):
        load_generator_weights(colour.build(), tmp_path / "grey.safetensors")
    with pytest.raises(
        PatinaError, match=r"expected a SRVGGNetCompact of .* parameters as in .*grey.safetensors: body.0.weight"
    ):
        interpolated(tmp_path / "grey.safetensors", tmp_path / "colour.safetensors", 0.5)


@pytest.mark.parametrize(
    "asked", [{"scale": 2}, {"features": 16}, {"blocks": 1}, {"blocks": 3}, {"growth": 8}, {"growth": 31}]
)
def test_weights_of_another_size_are_refused(tmp_path, asked):
    size = {"scale": 4, "features": 8, "blocks": 2, "growth": 32}
    save_generator(randomised(RRDBNetSettings(**size).build()), tmp_path / "x.pth")
    with pytest.raises(PatinaError, match=r"x\.pth.*holds.*growth 32, expected.*weights do not fit:\n"):
        load_generator_weights(RRDBNetSettings(**(size | asked)).build(), tmp_path / "x.pth")


def test_equal_networks_are_equal_files(tmp_path):
    network = randomised(CompactSettings(scale=2, features=4, blocks=1).build())
    for name in "abcdef":
        save_generator(network, tmp_path / f"{name}.safetensors", {"step": "7", "ä": '"é"'})
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    with safe_open(tmp_path / "a.safetensors", "pt") as stored:
        assert stored.metadata().items() >= {("step", "7"), ("ä", '"é"'), ("kind", "restoration")}


def test_saving_draws_no_random_numbers(tmp_path):
    network = RRDBNetSettings(scale=4, features=8, blocks=1, growth=4).build()
    before = torch.get_rng_state()
    save_generator(network, tmp_path / "x.pth")
    assert torch.equal(torch.get_rng_state(), before)


def test_unusable_networks_are_refused(tmp_path):
    with pytest.raises(ValidationError, match="1, 2 or 4"):
        RRDBNetSettings(scale=3)
    with pytest.raises(ValidationError, match="less than or equal to 32"):
        RRDBNetSettings(scale=4, growth=33)
    with pytest.raises(PatinaError, match="safetensors"):
        save_generator(RRDBNetSettings(scale=4, features=8, blocks=1, growth=4).build(), tmp_path / "x.onnx")


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.pth", b"nonsense"), ("x.safetensors", b"nonsense"), ("x.txt", b""), ("x.pth", {"layer": torch.zeros(1)})],
)
def test_files_that_are_no_model_are_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(
        PatinaError, match=rf"{re.escape(str(path))}.*(cannot be read as a |not a readable safetensors file)"
    ) as caught:
        load_generator(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PatinaError, match=r"absent\.pth.*no such"):
        load_generator(tmp_path / "absent.pth")


def test_models_for_something_else_are_refused(tmp_path, monkeypatch):
    torch.save(ESRGAN(in_nc=4, out_nc=4, num_filters=8, num_blocks=1).state_dict(), tmp_path / "rgba.pth")
    with pytest.raises(PatinaError, match=r"has 4 input and 4 output channels, expected 3 \(RGB\) or 1 \(grey\)"):
        load_generator(tmp_path / "rgba.pth")
    monkeypatch.setattr(READABLE, "load", lambda *_: object())
    with pytest.raises(PatinaError, match="needs more than an image"):
        load_generator(tmp_path / "rgba.pth")


def test_a_fresh_dncnn_is_the_identity_and_learns_at_once():
    torch.manual_seed(0)
    network = DnCNNSettings(features=16, layers=8).build()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    errors = []
    for _ in range(60):
        clean = torch.rand(4, 3, 4, 4).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
        noisy = clean + 0.1 * torch.randn(clean.shape)
        loss = (network(noisy) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(loss.item() / (noisy - clean).square().mean().item())
    assert errors[0] == pytest.approx(1)
    assert errors[-1] < 0.8


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_small_network_is_written_at_every_scale(scale, tmp_path):
    save_generator(CompactSettings(scale=scale, features=8, blocks=1).build(), tmp_path / "a.safetensors")
    opened = load_generator(tmp_path / "a.safetensors")
    assert opened.scale == scale
    assert opened.model(torch.rand(1, 3, 9, 7)).shape == (1, 3, 9 * scale, 7 * scale)
