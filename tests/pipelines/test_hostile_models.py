"""Model files and training states that anybody may have written: one clear line each, before memory is asked for."""

import json
import os
import pickle
import struct
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import small_deflow
import small_ludif
import small_ludvae
from patina.degradations.learned_degradation import LearnedDegradation
from patina.errors import PatinaError
from patina.models.generator_files import load_generator, save_generator
from patina.models.model_files import METADATA_KEY, load_model_file, load_state_dict_file, stored_kind
from patina.models.msrresnet import MSRResNetSettings
from patina.models.rrdbnet import RRDBNetSettings
from patina.models.sr3 import KIND, SR3, DiffusionSchedule, SR3Architecture
from patina.pipelines.network_upscalers import Sampling, open_diffusion
from patina.specs.h_map import open_autoencoder
from patina.specs.learned_spec import learned_degradation

ODD = [None, [], {}, "text", -1, 1.5, 10**400, 10**9, [None], {"a": 1}, float("nan"), 1e308]
"""Values of any type, to be put in the place of others."""

TEXTS = ["", "null", "[]", "3", "{", "nonsense", '{"kind": 3}', '{"kind": "deflow"}', "[" * 100_000, "\ud83d", "{}" * 2]
"""Metadata that describe nothing."""


def described(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    model = load_model_file(path)
    return {name: value for name, value in vars(model).items() if name != "weights"}, model.weights


def write_sr3(path: Path) -> Path:
    architecture = {"channels": 8, "multipliers": [1, 2], "attention": [1], "blocks": 1}
    configuration = {"architecture": architecture, "schedule": {"steps": 10}, "sampler": "ddim", "steps": 2, "side": 16}
    weights = SR3(SR3Architecture(**architecture), DiffusionSchedule(steps=10)).state_dict()
    about = {"kind": KIND, "configuration": configuration, "statistics": {}, "step": 1, "version": "0"}
    save_file(weights, path, {METADATA_KEY: json.dumps(about)})
    return path


def open_any(path: Path) -> object:
    """Open a model of the kind that the file was made as, to be used."""
    if path.stem == "sr3":
        return open_diffusion(path, Sampling(), None, "cpu", "32")
    degradation = learned_degradation(path, device="cpu")
    assert isinstance(degradation, LearnedDegradation)
    return degradation.apply(torch.rand(3, 32, 32), degradation.draw(np.random.default_rng(0)), 0)


WRITERS = {"deflow": small_deflow.write_model, "ludvae": small_ludvae.write_model, "sr3": write_sr3}
WRITERS["ludif"] = partial(small_ludif.write_model, has_clean=False)


@pytest.fixture(params=WRITERS)
def model(request, tmp_path):
    return WRITERS[request.param](tmp_path / f"{request.param}.safetensors")


def refused(path: Path, opened=open_any, may_open: bool = False) -> bool:
    """Whether a file is refused in one line that names it; it may be read after all if the change means nothing."""
    try:
        opened(path)
    except PatinaError as error:
        told = str(error)
    else:
        assert may_open, "it was opened"
        return False
    assert len(told.splitlines()) == 1
    assert str(path) in told
    assert len(told) < 700
    return True


def describe(path: Path, text: str) -> None:
    """Replace the metadata of a model file and keep its tensors, which take longer to write than to read."""
    content = path.read_bytes()
    begin = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.dumps(json.loads(content[8:begin]) | {"__metadata__": {METADATA_KEY: text}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + content[begin:])


def places(values: Any, place: tuple = ()) -> list[tuple]:
    """Return where values are, inner ones too; of a list, whose values are alike, the first one."""
    inside = values.items() if isinstance(values, dict) else enumerate(values[:1]) if isinstance(values, list) else ()
    return [place, *(found for key, value in inside for found in places(value, (*place, key)))]


def changed(values: Any, place: tuple, value: Any) -> Any:
    if not place:
        return value
    copy = values.copy()
    copy[place[0]] = changed(values[place[0]], place[1:], value)
    return copy


def without(values: Any, place: tuple) -> Any:
    copy = values.copy()
    if len(place) == 1:
        del copy[place[0]]
    else:
        copy[place[0]] = without(values[place[0]], place[1:])
    return copy


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_metadata_that_describe_nothing_are_one_line(model, text):
    _, weights = described(model)
    save_file(weights, model, {METADATA_KEY: text.encode("utf-8", "replace").decode()})
    refused(model)
    refused(model, stored_kind)


@pytest.mark.slow
def test_metadata_of_any_values_in_any_place_are_one_line_or_used(model):
    about, _ = described(model)
    about = json.loads(json.dumps(about))
    count = 0
    for place in places(about):
        for value in ODD:
            describe(model, json.dumps(changed(about, place, value)))
            count += refused(model, may_open=True)
        if place:
            describe(model, json.dumps(without(about, place)))
            count += refused(model, may_open=True)
    assert count > 50


@pytest.mark.parametrize("value", [10**5, 10**9, 10**18])
def test_sizes_are_compared_before_anything_is_allocated(model, value):
    about, weights = described(model)
    about = json.loads(json.dumps(about))
    for name in about["configuration"]["architecture"]:
        changes = changed(about, ("configuration", "architecture", name), value)
        save_file(weights, model, {METADATA_KEY: json.dumps(changes)})
        refused(model)


@pytest.mark.parametrize("value", [64, 1000, 4096])
def test_sizes_within_the_limits_are_compared_too(model, value):
    about, weights = described(model)
    about = json.loads(json.dumps(about))
    architecture = about["configuration"]["architecture"]
    name = "channels" if "channels" in architecture else "features"
    save_file(
        weights, model, {METADATA_KEY: json.dumps(changed(about, ("configuration", "architecture", name), value))}
    )
    refused(model)


@pytest.mark.parametrize("change", ["cut", "no bytes", "long header", "no header", "shape", "dtype", "beyond", "names"])
def test_headers_that_lie_are_one_line(model, change):
    data = model.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
    first = next(name for name in header if name != "__metadata__")
    if change == "shape":
        header[first]["shape"] = [2**40, 2**40]
    elif change == "dtype":
        header[first]["dtype"] = "F128"
    elif change == "beyond":
        header[first]["data_offsets"] = [0, 2**50]
    elif change == "names":
        header["\n\x1b[31m" * 1000] = header.pop(first)
    text = json.dumps(header).encode()
    whole = struct.pack("<Q", len(text)) + text + rest
    variants = {"cut": whole[:-5], "no bytes": b"", "long header": struct.pack("<Q", 2**60) + whole[8:]}
    variants["no header"] = whole[:8]
    model.write_bytes(variants.get(change, whole))
    refused(model)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_weights_of_another_type_are_one_line(model, dtype):
    about, weights = described(model)
    weights = {name: torch.zeros(value.shape).to(dtype) for name, value in weights.items()}
    try:
        save_file(weights, model, {METADATA_KEY: json.dumps(about)})
    except Exception:
        pytest.skip("this version of safetensors stores no such type")
    refused(model)


def test_a_matrix_without_an_inverse_is_one_line(tmp_path):
    path = small_deflow.write_model(tmp_path / "deflow.safetensors")
    about, weights = described(path)
    zeros = {name: torch.zeros_like(value) for name, value in weights.items()}
    save_file(zeros, path, {METADATA_KEY: json.dumps(about)})
    refused(path, may_open=True)


class Dangerous:
    """What would run a command when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt"])
@pytest.mark.parametrize("opened", [load_state_dict_file, load_generator])
def test_pickles_run_nothing(tmp_path, monkeypatch, suffix, opened):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"x{suffix}"
    torch.save({"params": Dangerous()}, path)
    refused(path, opened)
    path.write_bytes(pickle.dumps(Dangerous()))
    refused(path, opened)
    assert not (tmp_path / "ran").exists()


def test_a_torchscript_archive_is_not_run(tmp_path):
    path = tmp_path / "x.pt"
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))
    refused(path, load_generator)


@pytest.mark.parametrize(
    ("state", "may_open"),
    [
        (None, False),
        ([], False),
        (3, False),
        ("text", False),
        ({"a": 3}, False),
        ({3: torch.zeros(1)}, False),
        ({"params": None}, False),
        ({"a": torch.zeros(1).expand(10**6, 10**6)}, False),
        ({"a": torch.eye(3).to_sparse()}, False),
        ({"a": torch.zeros(2, device="meta")}, False),
        ({}, True),
        ({"params": {}}, True),
        ({"": torch.zeros(1)}, True),
    ],
    ids=str,
)
def test_states_that_are_none_are_one_line(tmp_path, state, may_open):
    path = tmp_path / "x.pth"
    torch.save(state, path)
    refused(path, load_generator)
    refused(path, load_state_dict_file, may_open=may_open)


@pytest.mark.parametrize(
    "settings", [RRDBNetSettings(scale=4, features=8, blocks=1, growth=4), MSRResNetSettings(features=8, blocks=1)]
)
@pytest.mark.parametrize("size", [0, 1, 7, 20_000])
def test_a_network_larger_than_its_weights_is_never_built(tmp_path, settings, size):
    path = tmp_path / "x.safetensors"
    save_generator(settings.build(), path)
    weights = load_state_dict_file(path)
    for name in list(weights)[:3]:
        shape = (size, *weights[name].shape[1:])
        save_file(weights | {name: torch.zeros(shape)}, path)
        refused(path, load_generator)


def test_an_autoencoder_of_other_values_is_one_line(tmp_path):
    path = tmp_path / "x.safetensors"
    for values in ({}, {"features": "many"}, {"features": [8]}, {"features": 8}):
        about = {"kind": "autoencoder", "configuration": values, "statistics": {}, "step": 0, "version": "0"}
        save_file({"a": torch.zeros(1)}, path, {METADATA_KEY: json.dumps(about)})
        refused(path, lambda path: open_autoencoder(path, 8))
