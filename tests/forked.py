"""Commands in processes that need not import torch again, and ways to end or disturb them at any moment."""

import errno
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, set_start_method
from pathlib import Path

from patina.cli.main import run_command

Work = Callable[[], int]
"""What a process does; returns its exit code. It is pickled."""

PATIENCE = 120.0
"""Seconds after which a process counts as hanging."""

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}


def command(*arguments: object) -> Work:
    """Return the work of a command line."""
    verb, *others = map(str, arguments)
    return partial(run_command, verb, others)


@dataclass(frozen=True)
class Ended:
    """A process that has ended.

    Attributes:
        code: its exit code, negative for a signal.
        told: what it printed.
        seconds: how long it took.
        changes: how often it changed a file or folder below the watched one.
    """

    code: int
    told: str
    seconds: float
    changes: int

    @property
    def is_clean(self) -> bool:
        """Whether it ended by itself and without a traceback."""
        return self.code in (0, 1, 2, 130) and "Traceback" not in self.told

    def __str__(self) -> str:
        return f"exit code {self.code}, told {self.told[-1500:]}"


def kill(_: Path) -> None:
    """End this process as the system does that has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def read_only(path: Path) -> None:
    """Refuse a change as a folder does that must not be written to."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


def full_disk(path: Path) -> None:
    """Refuse a change as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Plan:
    """What happens to a process.

    Attributes:
        at: the change before which `act` is called, counted from 1; 0 for none.
        act: called with the path that is about to change.
        is_lasting: whether it is called before all later changes, too.
        before: called at first, e.g. to limit the process's memory.
    """

    at: int = 0
    act: Callable[[Path], object] = kill
    before: Callable[[], object] = nothing
    is_lasting: bool = False


def run(work: Work, folder: Path, plan: Plan = Plan(), seconds: float = PATIENCE) -> Ended:
    """Run work in a process and wait for it.

    Args:
        work: what to do.
        folder: changes below it are counted; the output goes to files beside it.
        plan: what happens to the process.
        seconds: how long it may run before it is killed.
    """
    log, counter = folder.with_name(f"{folder.name}.told"), folder.with_name(f"{folder.name}.count")
    log.write_text("")
    counter.write_text("0")
    context, began = get_context("forkserver"), time.monotonic()
    context.set_forkserver_preload(["small_commands"])
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)  # the server knows no other
    process = context.Process(target=_in_child, args=(work, folder, log, counter, plan))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    told, changes = log.read_text(errors="replace"), int(counter.read_text() or 0)
    return Ended(process.exitcode or 0, told, time.monotonic() - began, changes)


def _in_child(work: Work, folder: Path, log: Path, counter: Path, plan: Plan) -> None:
    """Work in this process, and end it."""
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    set_start_method(None, force=True)  # this process has the server's method, but a user's has the usual one
    changes, code = _watched(folder, plan), 99
    try:
        plan.before()
        code = work()
    except BaseException:
        os.write(2, traceback.format_exc().encode(errors="replace"))
    if not plan.at and plan.before is nothing:
        counter.write_text(str(len(changes)))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _watched(folder: Path, plan: Plan) -> list[str]:
    """Note every change below a folder from now on, and act before one of them."""
    changes: list[str] = []
    root = os.fspath(folder)

    def watch(event: str, arguments: tuple) -> None:
        is_change = event in _CHANGES or (event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR))
        if is_change and isinstance(arguments[0], str | os.PathLike) and os.fspath(arguments[0]).startswith(root):
            changes.append(event)
            if len(changes) == plan.at or (plan.is_lasting and 0 < plan.at < len(changes)):
                plan.act(Path(arguments[0]))

    sys.addaudithook(watch)
    return changes


def killed(work: Work, folder: Path, whole: Ended, rng: random.Random) -> bool:
    """Run work and kill it at a random moment: after some time, or before some change; return whether it was."""
    if rng.random() < 0.5:
        ended = run(work, folder, seconds=rng.uniform(0, whole.seconds))
    else:
        ended = run(work, folder, Plan(rng.randint(1, max(1, whole.changes))))
    return ended.code == -signal.SIGKILL
