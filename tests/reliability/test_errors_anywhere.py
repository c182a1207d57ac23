"""An error anywhere in a training of any task: saved first, told in one line, and the same command ends as usual."""

import dis
import inspect
import random
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

import patina
from forked import Plan, Work, run
from small_commands import TRAININGS, left

pytestmark = [pytest.mark.reliability, pytest.mark.slow]

ROOT = str(Path(patina.__file__).parent)
TELLING = ("failures.py", "errors.py", "lack_of_memory.py", "telling.py", "progress.py")
"""Files that report errors; an error raised in them would be a second one."""


class Odd(Exception):
    """An error that nobody foresaw."""


ERRORS: list[Callable[[], BaseException]] = [lambda: Odd("odd"), lambda: RuntimeError("odd"), lambda: MemoryError()]


class Calls:
    """Counts the calls of Patina's functions within a training's loop, and raises an error in one of them.

    Args:
        at: the call, counted from 1; 0 for none.
        kind: which of `ERRORS`.
    """

    def __init__(self, at: int, kind: int = 0):
        self.count = 0
        self._at, self._kind, self._loop = at, kind, None

    def __call__(self, frame, event, _argument) -> None:
        code = frame.f_code
        if self._loop is None:
            if event == "call" and code.co_name == "_train" and code.co_filename.endswith("loop.py"):
                self._loop = frame
        elif event == "return" and frame is self._loop:
            sys.setprofile(None)
        elif event == "call" and code.co_filename.startswith(ROOT) and not code.co_filename.endswith(TELLING):
            if _is_closed(frame):
                return
            self.count += 1
            if self.count == self._at:
                sys.setprofile(None)
                raise ERRORS[self._kind]()


def _is_closed(frame: FrameType) -> bool:
    """Whether a generator is closed rather than called: Python ignores an error before its next line, as none runs."""
    code, at = frame.f_code, frame.f_lasti
    return bool(code.co_flags & inspect.CO_GENERATOR) and at >= 0 and dis.opname[code.co_code[at]] != "RESUME"


def raising(at: int, kind: int) -> None:
    """Let this process meet an error; arguments as in `Calls`."""
    sys.setprofile(Calls(at, kind))


def counted(work: Work, file: Path) -> int:
    """Do work, and write to a file how many calls an error may meet."""
    calls = Calls(0)
    sys.setprofile(calls)
    code = work()
    file.write_text(str(calls.count))
    return code


@pytest.mark.parametrize("name", TRAININGS)
def test_an_error_in_any_function_costs_no_work(inputs, tmp_path, campaign, name):
    rng, out = random.Random(name), tmp_path / "out"
    number = tmp_path / "calls.txt"
    whole = run(partial(counted, TRAININGS[name](inputs, tmp_path / "whole"), number), tmp_path / "whole")
    assert whole.code == 0, whole
    expected, work = left(name, tmp_path / "whole"), TRAININGS[name](inputs, out)
    with campaign.row(f"errors: {name}", campaign.count(3, 40)) as tally:
        for _ in range(tally.tried):
            at, kind = rng.randint(1, int(number.read_text())), rng.randrange(len(ERRORS))
            failed, last = run(work, out, Plan(before=partial(raising, at, kind))), run(work, out)
            if failed.code not in (0, 2) or not failed.is_clean or last.code != 0 or left(name, out) != expected:
                tally.lost.append(f"call {at}, error {kind}: {failed}; {last}")
            shutil.rmtree(out)
