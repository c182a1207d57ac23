"""What long jobs say of themselves."""

import os
import subprocess
import sys
from weakref import WeakSet

import pytest

from patina.system import progress as module
from patina.system.progress import progress, progress_by_rows, time_left, watched
from patina.system.telling import counting_silence


@pytest.mark.parametrize(
    ("steps", "per_second", "told"),
    [(0, 5, "0 s"), (100, 2.5, "40 s"), (600, 1, "10 min"), (5990, 1, "1 h 40 min"), (100_000, 4, "6 h 57 min")],
)
def test_the_time_left_is_told_in_the_unit_that_fits(steps, per_second, told):
    assert time_left(steps, per_second) == told


def test_without_a_terminal_a_line_every_30_seconds_says_how_far_a_job_is(monkeypatch, capsys):
    clock = iter(range(0, 1000, 16))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    assert list(progress(["a", "b", "c", "d", "e"], "measure photos")) == ["a", "b", "c", "d", "e"]
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "measure photos: 2 of 5 images, 48 s left, 0.0625 per second",
        "measure photos: 4 of 5 images, 16 s left, 0.0625 per second",
    ]
    list(progress(iter("abc"), "read", unit="tile"))
    assert capsys.readouterr().err == "read: 2 tiles, 0.0625 per second\n"
    list(progress(iter("abc"), "a clip", total=1))
    assert capsys.readouterr().err == "a clip: 2 images, 0.0625 per second\n"
    list(progress("abcd", "train", has_lines=False))
    assert capsys.readouterr().err == ""


def test_a_command_of_many_short_jobs_tells_of_one_every_30_seconds(monkeypatch, capsys):
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with counting_silence():
        for number in range(4):  # each takes 15 seconds
            list(progress("abc", f"round {number + 1}"))
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "round 2: 1 of 3 images, 10 s left, 0.2 per second",
        "round 4: 1 of 3 images, 10 s left, 0.2 per second",
    ]
    for number in range(4):
        list(progress("abc", f"round {number + 1}"))
    assert capsys.readouterr().err == ""


def test_the_rows_of_one_image_are_told_and_no_band_is_held_while_the_next_is_computed(monkeypatch, capsys):
    class Band(list):
        pass

    alive: WeakSet[Band] = WeakSet()

    def bands():
        for size in (3, 1, 4):
            assert not alive
            band = Band(range(size))
            alive.add(band)
            yield band
            del band

    Band.__hash__ = object.__hash__
    clock = iter(range(0, 1000, 16))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    sizes, seen = [], []
    with watched(lambda *values: seen.append(values)):
        for band in progress_by_rows(bands(), "a.tif", rows_of=len, total=8):
            sizes.append(len(band))
            del band
    assert sizes == [3, 1, 4]
    assert seen == [("a.tif", done, 8) for done in (3, 4, 8)]
    assert capsys.readouterr().err == "a.tif: 4 of 8 rows, 32 s left, 0.125 per second\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (0, 60), (20, 60)])
def test_a_bar_is_seen_on_a_terminal_that_does_not_say_how_large_it_is(rows, columns):
    import fcntl
    import struct
    import termios

    here, there = os.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    program = "from patina.system.progress import progress\nlist(progress(range(3), 'measure'))"
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    subprocess.run([sys.executable, "-c", program], stderr=there, env=environment, check=True)
    os.close(there)
    told = os.read(here, 10_000).decode()
    os.close(here)
    assert "measure: 100%" in told
    assert max(map(len, told.replace("\r", "\n").splitlines())) <= 80
