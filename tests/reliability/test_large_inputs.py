"""Folders of many files, and images of many pixels: everything is made, also after a kill, and memory stays bounded."""

import os
import random
import sys
from functools import partial

import numpy as np
import pytest
from PIL import Image
from test_surroundings import little_memory

from forked import Plan, command, killed, run
from patina.imaging.picture_files import write_picture
from patina.imaging.size_limit import VARIABLE
from sets import picture
from small_commands import COMMANDS

pytestmark = [
    pytest.mark.reliability,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory like this"),
]

ROOM = 12 * 1024
"""Mebibytes within which an image of 200 megapixels is to be processed."""


@pytest.mark.parametrize("name", ["degrade", "upscale"])
def test_folders_of_many_files(inputs, tmp_path, campaign, name):
    top, count = tmp_path / "top", campaign.count(100, 20_000)
    write_picture(tmp_path / "one.png", picture(0, 8, 8))
    (top / "in").mkdir(parents=True)
    (top / "noise.yml").write_text((inputs / "noise.yml").read_text())
    for number in range(count):
        os.link(tmp_path / "one.png", top / "in" / f"{number}.png")
    work, whole = COMMANDS[name](top, top / "out"), run(COMMANDS[name](top, top / "whole"), top / "whole", seconds=1200)
    killed(work, top / "out", whole, random.Random(0))
    ended = run(work, top / "out", seconds=1200)
    with campaign.row(f"size: files in one folder, {name}", count) as tally:
        assert ended.code == 0, ended
        for number in range(count):
            pair = [(folder / f"{number}.png").read_bytes() for folder in (top / "whole", top / "out")]
            if pair[0] != pair[1]:
                tally.lost.append(f"{number}.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_images_of_many_pixels(tmp_path, campaign, suffix, monkeypatch):
    monkeypatch.setenv(VARIABLE, "268")
    side = campaign.count(1000, 14_200)
    row = np.linspace(0, 255, side).astype(np.uint8)
    pixels = np.broadcast_to(row[None, :, None], (side, side, 3))
    (tmp_path / "in").mkdir()
    Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / "in" / f"large.{suffix}")
    write_picture(tmp_path / "in/small.png", picture(0))
    arguments = ["prepare", "-source", tmp_path / "in", "-target", tmp_path / "out", "-scales", 4, "-workers", 1]
    plan = Plan(before=partial(little_memory, ROOM))
    with campaign.row("size: images of 200 megapixels", 1) as tally:
        ended = run(command(*arguments), tmp_path / "out", plan, seconds=1200)
        made = {path.name for path in (tmp_path / "out/4x").iterdir()}
        if ended.code != 0 or made != {"large.png", "small.png"}:
            tally.lost.append(f"{suffix}: {ended}, {made}")
