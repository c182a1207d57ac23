"""Sources that change or vanish while a command works: nothing is mixed up, and the same command follows."""

import random
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest

from forked import Plan, run
from patina.imaging.picture_files import write_picture
from sets import contents, picture
from small_commands import COMMANDS

pytestmark = [
    pytest.mark.reliability,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork"),
]

MAPS = ["prepare", "prepare tiles", "degrade", "translate", "upscale"]
"""Commands that make files of files."""


def exchange(file: Path, _: Path) -> None:
    """Write another picture in a picture's place."""
    write_picture(file, picture(99, 32, 32))


def cut(file: Path, _: Path) -> None:
    """Leave half of a picture."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def vanish(file: Path, _: Path) -> None:
    """Remove a picture."""
    file.unlink(missing_ok=True)


def pictures(folder: Path) -> dict[str, bytes]:
    """Return the pictures in a folder."""
    return {name: data for name, data in contents(folder).items() if name.endswith(".png")}


@pytest.mark.parametrize("change", [exchange, cut, vanish])
@pytest.mark.parametrize("name", MAPS)
def test_sources_that_change_under_way(inputs, tmp_path, campaign, name, change):
    rng = random.Random(f"{name} {change.__name__}")
    whole = run(COMMANDS[name](inputs, tmp_path / "whole"), tmp_path / "whole")
    row = {"exchange": "another image in its place", "cut": "cut off", "vanish": "removed"}[change.__name__]
    with campaign.row(f"sources: {row} while a command works", campaign.count(2, 40)) as tally:
        for number in range(tally.tried):
            top = tmp_path / str(number)
            shutil.copytree(inputs, top)
            act = partial(change, top / "in" / f"{rng.randrange(4)}.png")
            disturbed = run(COMMANDS[name](top, top / "out"), top / "out", Plan(rng.randint(1, whole.changes), act))
            again = run(COMMANDS[name](top, top / "out"), top / "out")
            fresh = run(COMMANDS[name](top, top / "fresh"), top / "fresh")
            expected, found = pictures(top / "fresh"), pictures(top / "out")
            follows = expected.items() <= found.items() if change is vanish else expected == found
            if not (disturbed.is_clean and again.is_clean and again.code == fresh.code and follows):
                tally.lost.append(f"{name}: {disturbed}; {again}")
            shutil.rmtree(top)
