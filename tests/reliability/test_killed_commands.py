"""Commands killed at random moments: the same command, given again, ends in the bytes of one that was not killed."""

import random
import shutil
import sys

import pytest

from forked import killed, run
from small_commands import COMMANDS, TRAININGS, left

pytestmark = [
    pytest.mark.reliability,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork"),
]


@pytest.mark.parametrize("name", [*COMMANDS, *TRAININGS])
def test_a_killed_command_given_again_leaves_the_same_bytes(inputs, tmp_path, campaign, name):
    work_of, rng, wanted = (COMMANDS | TRAININGS)[name], random.Random(name), campaign.count(4, 100)
    whole = run(work_of(inputs, tmp_path / "whole"), tmp_path / "whole")
    assert whole.code == 0, whole
    expected, out = left(name, tmp_path / "whole"), tmp_path / "out"
    work = work_of(inputs, out)
    with campaign.row(f"killed: {name}") as tally:
        while tally.tried < wanted:
            tally.tried += sum(killed(work, out, whole, rng) for _ in range(rng.randint(1, 3)))
            last = run(work, out)
            if last.code != 0 or left(name, out) != expected:
                tally.lost.append(f"after {tally.tried} kills: {last}")
            shutil.rmtree(out)
