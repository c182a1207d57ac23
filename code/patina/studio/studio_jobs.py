"""Long jobs of the studio: one at a time, with progress, and cancelled as Ctrl-C would."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Literal

from patina.errors import PatinaError, told_system_error
from patina.system.lack_of_memory import is_lack_of_memory
from patina.system.progress import watched

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class _Cancelled(Exception):
    """The user cancelled the job."""


@dataclass
class StudioJob:
    """A job, as the page shows it.

    Attributes:
        kind: what it is for, e.g. ``"fit"``.
        state: how far it is.
        label: what it does at present.
        done, total: of the present step; the total may be unknown.
        message: the error, or what was done, in one line.
        lines: what to tell besides, e.g. images that were skipped.
        seconds: time that it ran.
    """

    kind: str
    state: State = "waiting"
    label: str = ""
    done: int = 0
    total: int | None = None
    message: str = ""
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0
    _cancel: Event = field(default_factory=Event)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")

    def cancel(self) -> None:
        """Ask for its end; what it has written so far stays, and the same job continues from there."""
        self._cancel.set()

    def watch(self, label: str, done: int, total: int | None) -> None:
        """Note progress.

        Raises:
            Exception: the user has cancelled the job; ends it.
        """
        self.label, self.done, self.total = label, done, total
        if self._cancel.is_set():
            raise _Cancelled

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the page."""
        names = ("kind", "state", "label", "done", "total", "message", "lines")
        return {name: getattr(self, name) for name in names} | {"seconds": round(self.seconds, 1)}

    def run(self, work: Callable[["StudioJob"], str]) -> None:
        """Work, and note what came of it; `work` returns what was done, in one line."""
        if self._cancel.is_set():
            self.state, self.message = "cancelled", "cancelled before it began"
            return
        self.state, began = "running", time.perf_counter()
        try:
            with watched(self.watch):
                self.message = work(self)
            self.state = "done"
        except _Cancelled:
            self.state, self.message = "cancelled", "cancelled; start it again to continue"
        except Exception as error:
            self.state, self.message = "failed", told_error(error)
            if not self.message:
                self.message = f"{type(error).__name__}: {error}"
        finally:
            self.seconds = time.perf_counter() - began


def told_error(error: Exception) -> str:
    """Return the line that tells users of an error; nothing for a mistake in the program."""
    if isinstance(error, PatinaError):
        return " ".join(str(error).split())
    if is_lack_of_memory(error):
        return "there is too little memory for this; end other programs, or use smaller images"
    return told_system_error(error) if isinstance(error, OSError) else ""


class JobQueue:
    """Runs jobs one after the other, whichever tab they come from: each uses all cores."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="studio-job")
        self._jobs: list[StudioJob] = []

    def start(self, kind: str, work: Callable[[StudioJob], str]) -> StudioJob:
        """Add a job; `work` returns what was done, in one line."""
        job = StudioJob(kind)
        self._jobs = [other for other in self._jobs if not other.is_over] + [job]
        self._thread.submit(job.run, work)
        return job

    def close(self) -> None:
        """Cancel everything, and wait until the running job has ended."""
        for job in self._jobs:
            job.cancel()
        self._thread.shutdown(cancel_futures=True)
