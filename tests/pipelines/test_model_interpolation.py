"""Blending checkpoints, and starting from ones that do not quite fit."""

import json

import pytest
import torch
from safetensors import safe_open

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.models.generator_files import load_generator, load_generator_weights, save_generator
from patina.models.msrresnet import MSRResNetSettings
from patina.models.realplksr import RealPLKSRSettings
from patina.models.rrdbnet import RRDBNetSettings

NETWORKS = {
    "msrresnet": lambda: MSRResNetSettings(scale=4, features=8, blocks=2).build(),
    "realplksr": lambda: RealPLKSRSettings(scale=4, features=16, blocks=2, kernel=5).build(),
    "rrdbnet": lambda: RRDBNetSettings(scale=4, features=8, blocks=1, growth=4).build(),
}


@pytest.fixture(params=NETWORKS)
def pair(request, tmp_path):
    files = []
    for seed, name in enumerate("ab"):
        torch.manual_seed(seed)
        files.append(tmp_path / f"{name}.safetensors")
        save_generator(NETWORKS[request.param](), files[-1])
    return files


def weights(path) -> dict[str, torch.Tensor]:
    return load_generator(path).model.state_dict()


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_every_weight_is_the_blend(pair, tmp_path, alpha):
    out = tmp_path / "c.pth"
    assert run_command("interpolate", [*map(str, pair), "--alpha", str(alpha), "-out", str(out)]) == 0
    a, b, c = (weights(path) for path in (*pair, out))
    for name, value in c.items():
        torch.testing.assert_close(value, (1 - alpha) * a[name] + alpha * b[name], rtol=0, atol=1e-6)


def test_the_default_name_says_what_it_is_made_of(pair, tmp_path, capsys):
    assert run_command("interpolate", [*map(str, pair), "--alpha", "0.25", "--json"]) == 0
    out = tmp_path / "a-b-0.25.safetensors"
    assert json.loads(capsys.readouterr().out) == {"model": str(out), "alpha": 0.25}
    with safe_open(out, "pt") as file:
        assert file.metadata()["interpolated"] == "0.75 a.safetensors + 0.25 b.safetensors"


def test_a_blend_that_is_not_finite_is_refused(pair, tmp_path, capsys):
    network = load_generator(pair[1]).model
    with torch.no_grad():
        next(network.parameters()).view(-1)[0] = float("nan")
    save_generator(network, pair[1])
    out = tmp_path / "c.safetensors"
    assert run_command("interpolate", [*map(str, pair), "--alpha", "0.5", "-out", str(out)]) == 2
    assert "is not finite, expected numbers" in capsys.readouterr().err
    assert not out.exists()


def test_no_file_is_overwritten(pair, tmp_path, capsys):
    (tmp_path / "precious.safetensors").write_bytes(b"precious")
    flags = ["--alpha", "0.5", "-out", str(tmp_path / "precious.safetensors")]
    assert run_command("interpolate", [*map(str, pair), *flags]) == 2
    assert "precious.safetensors exists; choose another -out, or remove it" in capsys.readouterr().err
    assert (tmp_path / "precious.safetensors").read_bytes() == b"precious"


def test_a_run_s_models_are_called_by_their_run(pair, tmp_path, capsys):
    places = tmp_path / "net" / "models" / "final.safetensors", tmp_path / "gan" / "models" / "500.safetensors"
    for file, place in zip(pair, places, strict=True):
        place.parent.mkdir(parents=True)
        (place.parents[1] / "config.yml").touch()
        file.rename(place)
    assert run_command("interpolate", [*map(str, places), "--alpha", "0.25"]) == 0
    assert capsys.readouterr().out.strip() == str(places[1].with_name("net-gan-500-0.25.safetensors"))


def test_what_cannot_be_blended_is_refused_and_nothing_is_written(tmp_path, capsys):
    small = {"scale": 4, "features": 8}
    networks = {
        "a": MSRResNetSettings(**small, blocks=2),
        "b": MSRResNetSettings(**small, blocks=1),
        "c": RRDBNetSettings(**small, blocks=1, growth=4),
    }
    for name, settings in networks.items():
        save_generator(settings.build(), tmp_path / f"{name}.pth")
    a, b, c = (str(tmp_path / f"{name}.pth") for name in "abc")
    out = tmp_path / "out.pth"
    for arguments, expected in (
        ([a, b, "--alpha", "0.5"], "body.1.conv1.weight is not in the file"),
        ([a, c, "--alpha", "0.5"], "it holds an RRDBNet"),
        ([a, a, "--alpha", "1.5"], "alpha is 1.5, expected 0"),
    ):
        assert run_command("interpolate", [*arguments, "-out", str(out)]) == 2
        assert expected in capsys.readouterr().err
        assert not out.exists()
    assert run_command("interpolate", [a, a, "--alpha", "0.5", "-out", a]) == 2
    assert "would overwrite" in capsys.readouterr().err


def test_a_start_that_does_not_fit_is_refused_with_its_keys(tmp_path):
    save_generator(MSRResNetSettings(scale=2, features=8, blocks=2).build(), tmp_path / "x2.pth")
    network = MSRResNetSettings(scale=4, features=8, blocks=2).build()
    with pytest.raises(PatinaError) as caught:
        load_generator_weights(network, tmp_path / "x2.pth")
    first, *keys, last = str(caught.value).splitlines()
    assert first.startswith(f"{tmp_path / 'x2.pth'}: it holds a MSRResNet of")
    assert first.endswith("2 weights do not fit:")
    assert keys == ["upconv2.weight is not in the file", "upconv2.bias is not in the file"]
    fitting = len(network.state_dict()) - 2
    assert last.startswith(f"{fitting} of {fitting + 2} weights fit; with `init_strict: false` they are loaded")


def test_every_key_of_a_start_that_does_not_fit_is_named(tmp_path):
    save_generator(MSRResNetSettings(scale=4, features=8, blocks=2).build(), tmp_path / "small.pth")
    network = MSRResNetSettings(scale=4, features=12, blocks=3).build()
    with pytest.raises(PatinaError) as caught:
        load_generator_weights(network, tmp_path / "small.pth")
    named = {line.split()[0] for line in str(caught.value).splitlines()[1:-1]}
    small = weights(tmp_path / "small.pth")
    assert named == {
        name for name, value in network.state_dict().items() if name not in small or value.shape != small[name].shape
    }


def test_what_fits_is_taken_where_asked_for(tmp_path):
    save_generator(RealPLKSRSettings(scale=2, features=16, blocks=2, kernel=5).build(), tmp_path / "x2.pth")
    network = RealPLKSRSettings(scale=4, features=16, blocks=2, kernel=5).build()
    listed = load_generator_weights(network, tmp_path / "x2.pth", strict=False)
    assert listed == [
        "feats.4.weight is (12, 16, 3, 3) in the file, (48, 16, 3, 3) here",
        "feats.4.bias is (12,) in the file, (48,) here",
    ]
    source = weights(tmp_path / "x2.pth")
    assert all(
        torch.equal(value, source[name]) for name, value in network.state_dict().items() if "feats.4" not in name
    )


def test_a_start_of_which_nothing_fits_is_refused(tmp_path):
    save_generator(RRDBNetSettings(scale=4, features=8, blocks=1, growth=4).build(), tmp_path / "other.pth")
    with pytest.raises(PatinaError, match="it holds an RRDBNet") as caught:
        load_generator_weights(
            MSRResNetSettings(scale=4, features=8, blocks=2).build(), tmp_path / "other.pth", strict=False
        )
    assert "init_strict" not in str(caught.value)
