"""Thousands of configurations, recipes, logs, manifests and model files of any content: one line, and no harm."""

import json
import os
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from campaign import OUTSIDE, Campaign, Tally
from forked import command, run
from mutated_files import mutated
from patina.cli.main import run_command
from patina.degradations.recipe import load_recipe
from patina.errors import PatinaError
from patina.fitting.family import load_family
from patina.models.compact import CompactSettings
from patina.models.generator_files import load_generator, save_generator
from patina.models.model_files import load_model_file
from patina.specs.configuration import load_config
from small_commands import COMMANDS

pytestmark = [pytest.mark.reliability, pytest.mark.slow]

CONFIGURATIONS = Path(__file__).parents[2] / "confs"
ELSEWHERE = ["../../x.png", str(OUTSIDE), "..", "a/../../b.png", "\\u0000", "C:\\\\x.png"]
ODD = [None, True, -1, 0, 10**30, 1e308, float("nan"), "", "../../x", "no", "\x00", [], [[]], {}, {"a": 1}, "a" * 5000]


def is_one_line(call: Callable[[], object], tally: Tally, told: str) -> None:
    """Count a call that neither works nor ends in one line."""
    tally.tried += 1
    try:
        call()
    except PatinaError as error:
        if len(str(error).splitlines()) > 1:
            tally.lost.append(f"{told}: {error}")
    except Exception as error:
        tally.lost.append(f"{error!r}: {told}")


def changed(values: object, rng: random.Random) -> object:
    """Return values with one of them, at any depth, exchanged or removed."""
    if rng.random() < 0.3 or not isinstance(values, dict | list) or not values:
        return rng.choice(ODD)
    if isinstance(values, dict):
        key = rng.choice(list(values))
        rest = {name: value for name, value in values.items() if name != key}
        return rest if rng.random() < 0.1 else values | {key: changed(values[key], rng)}
    place = rng.randrange(len(values))
    return [*values[:place], changed(values[place], rng), *values[place + 1 :]]


@pytest.mark.parametrize(
    ("folder", "read"),
    [("", load_config), ("recipes", load_recipe), ("families", load_family)],
    ids=["configurations", "recipes", "families"],
)
def test_configurations_of_any_content(folder: str, read, tmp_path: Path, campaign: Campaign) -> None:
    rng, damage = random.Random(folder), np.random.default_rng(1)
    files = sorted((CONFIGURATIONS / folder).glob("*.yml"))
    with campaign.row(f"hostile: {folder or 'configurations'}") as tally:
        for number in range(campaign.count(60, 1500)):
            data = files[number % len(files)].read_bytes()
            if number % 3:
                data = yaml.safe_dump(changed(yaml.safe_load(data), rng)).encode()
            else:
                data = mutated(data, damage)
            (tmp_path / "any.yml").write_bytes(data)
            is_one_line(lambda: read(str(tmp_path / "any.yml")), tally, data[-300:].decode(errors="replace"))


@pytest.mark.parametrize("kind", ["deflow", "network"])
def test_model_files_of_any_content(kind: str, inputs: Path, tmp_path: Path, campaign: Campaign) -> None:
    damage, path = np.random.default_rng(2), tmp_path / "any.safetensors"
    if kind == "network":
        save_generator(CompactSettings(scale=2, features=4, blocks=1).build(), path)
    else:
        shutil.copy(inputs / "model/model.safetensors", path)
    data, read, rng = path.read_bytes(), {"deflow": load_model_file, "network": load_generator}[kind], random.Random(4)
    with campaign.row("hostile: model files") as tally:
        for number in range(campaign.count(40, 1500)):
            path.write_bytes(mutated(data, damage) if number % 2 else with_any_header(data, rng))
            is_one_line(lambda: read(path), tally, f"{kind}, number {number}")


def with_any_header(data: bytes, rng: random.Random) -> bytes:
    """Return a safetensors file whose header, or a value of its metadata, says anything, e.g. sizes of terabytes."""
    length = int.from_bytes(data[:8], "little")
    header, weights = json.loads(data[8 : 8 + length]), data[8 + length :]
    if rng.random() < 0.5:
        metadata = header["__metadata__"]
        name = rng.choice(list(metadata))
        try:
            metadata[name] = json.dumps(changed(json.loads(metadata[name]), rng))
        except ValueError:  # plain text
            metadata[name] = str(rng.choice(ODD))
    else:
        header = changed(header, rng)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + weights


class Harmful:
    """Runs a command when it is unpickled."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize("suffix", ["pth", "pt", "ckpt", "safetensors"])
@pytest.mark.parametrize("verb", ["upscale", "translate", "interpolate"])
def test_pickles_are_not_run(verb: str, suffix: str, inputs: Path, tmp_path: Path, campaign: Campaign, capfd) -> None:
    model, ran = tmp_path / f"model.{suffix}", tmp_path / "ran"
    torch.save({"params": Harmful(ran), "weight": torch.zeros(1)}, model)
    given = {
        "upscale": ["-model", model, "-source", inputs / "in", "-out", tmp_path / "out"],
        "translate": ["-model_path", model, "-source", inputs / "in", "-out", tmp_path / "out", "-device", "cpu"],
        "interpolate": [model, model, "-alpha", "0.5", "-out", tmp_path / "mixed.safetensors"],
    }[verb]
    with campaign.row("hostile: pickles that run a command", 1) as tally:
        code = run_command(verb, list(map(str, given)))
        told = capfd.readouterr().err.strip().splitlines()
        if code != 2 or ran.exists() or not told[-1].startswith("error: "):
            tally.lost.append(f"{verb} {suffix}: {code}, {told}")


def test_logs_and_manifests_of_any_content(inputs: Path, tmp_path: Path, campaign: Campaign, capfd) -> None:
    """Whatever a log says, the command that finds it writes nothing outside its folder and ends in one line."""
    rng, damage = random.Random(3), np.random.default_rng(3)
    names, top = ["prepare", "prepare tiles", "degrade", "upscale"], tmp_path / "any" / "in"
    for name in names:
        assert run(COMMANDS[name](inputs, tmp_path / name), tmp_path / name).code == 0
    logs = {name: [path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*.json*")] for name in names}
    replay = command("replay", top / "out/log.jsonl", "-out", top / "again", "-source", inputs / "in")
    with campaign.row("hostile: logs and manifests") as tally:
        for number in range(campaign.count(12, 600)):
            name = names[number % len(names)]
            shutil.copytree(tmp_path / name, top / "out")
            log = top / "out" / rng.choice(logs[name])
            log.write_bytes(spoilt(log.read_bytes(), rng, damage))
            told = f"{name}: {log.read_bytes()[:900]!r}"
            for work in [COMMANDS[name](inputs, top / "out"), *([replay] if name == "degrade" else [])]:
                is_one_line(partial(require_quiet, work, capfd), tally, told)
            found = {path.name for path in (*top.iterdir(), *top.parent.iterdir())}
            if (outside := found - {"in", "out", "again"}) or OUTSIDE.exists():
                tally.lost.append(f"{name}: wrote {outside or OUTSIDE}")
            shutil.rmtree(tmp_path / "any")


def spoilt(data: bytes, rng: random.Random, damage: np.random.Generator) -> bytes:
    """Return a log that is damaged, or whose names lead elsewhere."""
    if rng.random() < 0.5:
        return mutated(data, damage)
    text = data.decode()
    for name in rng.sample(["0.png", "1.png", "1x", "gt/", "png"], 2):
        text = text.replace(name, rng.choice(ELSEWHERE))
    return text.encode()


def require_quiet(work: Callable[[], int], capfd) -> None:
    """Run a command; refuse a traceback or another exit code than a command has."""
    code = work()
    told = capfd.readouterr().err
    if code not in (0, 1, 2) or "Traceback" in told or (code == 2 and "error: " not in told.splitlines()[-1]):
        raise ValueError(f"{code}: {told[-500:]}")
