"""Tars from strangers as sources of commands and trainings: one line, no hang, and nothing outside the folder."""

import faulthandler
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from test_hostile_files import is_one_line, require_quiet

from campaign import OUTSIDE, Campaign
from forked import Work, command
from hostile_tars import ATTACKS, Members
from patina.imaging.picture_files import png_bytes
from sets import picture, write_config
from small_trainings import write_training

pytestmark = [pytest.mark.reliability, pytest.mark.slow]


def commands(tar: Path, recipe: Path, out: Path) -> list[Work]:
    """Return commands that read images of a tar."""
    return [
        command("prepare", "-source", tar, "-target", out, "-scales", 1, 2, "-workers", 1),
        command("degrade", recipe, tar, out, "-workers", 1),
        command("upscale", "-model", "bicubic", "-scale", 2, "-source", tar, "-out", out),
    ]


def training(tar: Path, inputs: Path, out: Path) -> Work:
    """Return a training on the pairs of a tar."""
    values = yaml.safe_load(write_training(inputs, "luminance", out).read_text())
    values["data"] |= {"lq": str(tar), "gt": str(tar)}
    return command("train", "-opt", write_config(inputs / "tars.yml", values), "-device", "cpu")


def members(*parts: str) -> Members:
    """Return the files of a tar of three samples: an image of every part, and a JSON."""
    images = {f"{number}{part}.png": png_bytes(picture(number, 36, 36)) for number in range(3) for part in parts}
    return images | {"0.json": b"{}"}


@pytest.mark.parametrize("kind", ["commands", "trainings"])
def test_tars_of_any_content(kind: str, inputs: Path, tmp_path: Path, campaign: Campaign, capfd) -> None:
    rng, top = np.random.default_rng(4), tmp_path / "top"
    top.mkdir()
    tar, out = top / "any.tar", top / "out"
    if kind == "commands":
        images, works, count = members(""), commands(tar, inputs / "noise.yml", out), campaign.count(42, 2100)
    else:
        images, works, count = members(".lq", ".gt"), [training(tar, inputs, out)], campaign.count(7, 140)
    (top / "out.yml").unlink(missing_ok=True)
    faulthandler.dump_traceback_later(600, exit=True)  # a hang is a loss, too
    try:
        with campaign.row(f"hostile: tars, {kind}") as tally:
            for number in range(count):
                attack = ATTACKS[number % len(ATTACKS)]
                tar.write_bytes(attack(images, rng))
                told = f"{attack.__name__}, number {number}"
                is_one_line(partial(require_quiet, works[number // len(ATTACKS) % len(works)], capfd), tally, told)
                shutil.rmtree(out, ignore_errors=True)
                if {path.name for path in (*top.iterdir(), *tmp_path.iterdir())} - {
                    "any.tar",
                    "top",
                } or OUTSIDE.exists():
                    tally.lost.append(f"{told}: wrote outside of its folder")
    finally:
        faulthandler.cancel_dump_traceback_later()
