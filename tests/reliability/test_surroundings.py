"""Odd surroundings: the command succeeds or names in one line what is missing, and later ends in the usual bytes."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import psutil
import pytest

from forked import Plan, command, killed, read_only, run
from small_commands import COMMANDS, TRAININGS, left
from small_trainings import write_training

pytestmark = [
    pytest.mark.reliability,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits and forks like this"),
]

NAMES = [*COMMANDS, *TRAININGS]
OFTEN = ["prepare", "degrade", "evaluate", "fit", "train ludvae"]
"""Commands that are tried with small counts, too."""

MEBIBYTES = [0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048]


def without_home() -> None:
    """Take the home folder and all that stands for it away."""
    for name in [*os.environ]:
        if name.startswith("XDG_") or name in ("TORCH_HOME", "MPLCONFIGDIR"):
            del os.environ[name]
    os.environ["HOME"] = "/nonexistent/home"


def clock_back() -> None:
    """Let the clock be ten years behind."""
    now, now_ns = time.time, time.time_ns
    time.time, time.time_ns = lambda: now() - 3e8, lambda: now_ns() - 3 * 10**17


def little_memory(mebibytes: int) -> None:
    """Let this process have no more than so much memory in addition to what it has."""
    limit = psutil.Process().memory_info().vms + mebibytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def require_usual_bytes(
    inputs, tmp_path, campaign, name: str, row: str, plans: list[Plan], ends: tuple[int, ...] = ()
) -> None:
    """Run a command in odd surroundings, which may end it by the signals `ends`, and again in usual ones."""
    if name not in OFTEN:
        campaign.require_large("one command of many")
    work_of, out = (COMMANDS | TRAININGS)[name], tmp_path / "out"
    whole = run(work_of(inputs, tmp_path / "whole"), tmp_path / "whole")
    assert whole.code == 0, whole
    expected, work = left(name, tmp_path / "whole"), work_of(inputs, out)
    with campaign.row(f"surroundings: {row}") as tally:
        for plan in plans:
            odd, last = run(work, out, plan), run(work, out)
            tally.tried += 1
            if not (odd.is_clean or -odd.code in ends) or last.code != 0 or left(name, out) != expected:
                tally.lost.append(f"{name}, {plan}: {odd}; {last}")
            shutil.rmtree(out)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_cannot_be_written_to(inputs, tmp_path, campaign, name):
    plans = [Plan(at, read_only, is_lasting=True) for at in range(1, 1 + campaign.count(1, 8))]
    require_usual_bytes(inputs, tmp_path, campaign, name, "read-only folders", plans)


@pytest.mark.parametrize("name", NAMES)
def test_no_home(inputs, tmp_path, campaign, name):
    require_usual_bytes(inputs, tmp_path, campaign, name, "no home folder", [Plan(before=without_home)])


@pytest.mark.parametrize("name", NAMES)
def test_little_memory(inputs, tmp_path, campaign, name):
    limits = MEBIBYTES[:: campaign.count(10, 1)]
    plans = [Plan(before=partial(little_memory, limit)) for limit in limits]
    # C libraries end the process themselves where the system gives them no memory, as the kernel does.
    ends = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
    require_usual_bytes(inputs, tmp_path, campaign, name, "limits of memory", plans, ends)


@pytest.mark.parametrize("name", NAMES)
def test_a_clock_that_jumps_back(inputs, tmp_path, campaign, name):
    if name not in OFTEN:
        campaign.require_large("one command of many")
    work_of, out, rng = (COMMANDS | TRAININGS)[name], tmp_path / "out", random.Random(name)
    whole = run(work_of(inputs, tmp_path / "whole"), tmp_path / "whole")
    expected, work = left(name, tmp_path / "whole"), work_of(inputs, out)
    with campaign.row("surroundings: a clock that jumps back", campaign.count(1, 10)) as tally:
        for _ in range(tally.tried):
            killed(work, out, whole, rng)
            back, again = run(work, out, Plan(before=clock_back)), run(work, out)
            if back.code != 0 or again.code != 0 or left(name, out) != expected:
                tally.lost.append(f"{name}: {back}; {again}")
            shutil.rmtree(out)


def with_workers(name: str) -> Callable:
    """Return a command of several processes."""
    if name == "prepare":
        return lambda top, out: command("prepare", "-source", top / "in", "-target", out, "-workers", 2)
    if name == "degrade":
        return lambda top, out: command("degrade", top / "noise.yml", top / "in", out, "-workers", 2)
    return lambda top, out: command("train", "-opt", write_training(top, "ludvae", out, workers=2), "-device", "cpu")


@pytest.mark.parametrize("size", ["none", "4k", "8k", "40k", "100k"])
@pytest.mark.parametrize("name", ["prepare", "degrade", "train"])
def test_no_or_little_dev_shm(inputs, tmp_path, campaign, name, size):
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no private mounts")
    if size not in ("none", "40k"):
        campaign.require_large("one size of many")
    out, whole = tmp_path / "out", tmp_path / "whole"
    work, kind = with_workers(name)(inputs, out), "train ludvae" if name == "train" else name
    told = run(with_workers(name)(inputs, whole), whole)
    assert told.code == 0, told
    mount = "mount -t tmpfs -o ro tmpfs /dev/shm" if size == "none" else f"mount -t tmpfs -o size={size} tmpfs /dev/shm"
    line = [sys.executable, "-m", "patina.cli", work.args[0], *work.args[1]]
    with campaign.row("surroundings: no or a small /dev/shm", 1) as tally:
        given = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", *line]
        odd = subprocess.run(given, capture_output=True, text=True, check=False, timeout=120)
        last = run(work, out)
        is_same = last.code == 0 and left(kind, out) == left(kind, whole)
        if "Traceback" in odd.stderr or odd.returncode not in (0, 2) or not is_same:
            tally.lost.append(f"{name}, {size}: {odd.returncode}, {odd.stderr[-2000:]}; {last}")
