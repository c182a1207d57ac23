"""A disk that is full at any moment: one line, nothing is lost, and the same command goes on when there is room."""

import resource
import shutil
import signal
import sys
from functools import partial

import pytest

from forked import Plan, full_disk, run
from small_commands import COMMANDS, TRAININGS, left

pytestmark = [
    pytest.mark.reliability,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork"),
]


def small_files(size: int) -> None:
    """Let every file of this process end at a size, as on a disk that fills up within a write."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("name", [*COMMANDS, *TRAININGS])
def test_a_disk_that_is_full_costs_one_line_and_no_work(inputs, tmp_path, campaign, name):
    if name in TRAININGS and name != "train luminance":
        campaign.require_large("one training of many")
    work_of, out = (COMMANDS | TRAININGS)[name], tmp_path / "out"
    whole = run(work_of(inputs, tmp_path / "whole"), tmp_path / "whole")
    assert whole.code == 0, whole
    expected, work = left(name, tmp_path / "whole"), work_of(inputs, out)
    places = range(1, whole.changes + 1)
    places = places[:: max(1, len(places) // campaign.count(4, 1000))]
    sizes = [0, 1, 100, 500, 1000, 2000, 4000, 8000, 20_000, 50_000, 100_000][:: campaign.count(5, 1)]
    attempts = [Plan(place, full_disk, is_lasting=place % 2 == 0) for place in places]
    attempts += [Plan(before=partial(small_files, size)) for size in sizes]
    with campaign.row(f"full disk: {name}", len(attempts)) as tally:
        for attempt in attempts:
            full = run(work, out, attempt)
            last = run(work, out)
            if not full.is_clean or last.code != 0 or left(name, out) != expected:
                tally.lost.append(f"{attempt}: {full}; {last}")
            shutil.rmtree(out)
