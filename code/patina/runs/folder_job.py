"""A job over a folder of pictures: one that fails is named and skipped, the others go on."""

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar

from patina.errors import PatinaError, PictureError
from patina.system.progress import progress

T = TypeVar("T")
R = TypeVar("R")


class Stemmed(Protocol):
    """What names an output."""

    @property
    def stem(self) -> str:
        """The output's name without suffix."""


S = TypeVar("S", bound=Stemmed)

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


@dataclass
class JobReport(Generic[R]):
    """What became of a folder job.

    Attributes:
        results: of the pictures that went well, in input order.
        failures: (name, message) of the others, in input order.
    """

    results: list[R] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when every picture went well, else 1."""
        return 1 if self.failures else 0

    def print_made(self, out: Path) -> None:
        """Print on standard error how many pictures were made in the folder `out`."""
        nothing_missed = not (self.results or self.failures)
        made = "every picture is there already" if nothing_missed else f"{len(self.results)} pictures made"
        print(f"{out}: {made}", file=sys.stderr)

    def print_summary(self) -> None:
        """Print each failure as a line on standard error, then how many of how many failed."""
        if not self.failures:
            return
        for name, message in self.failures:
            print(message if name in message else f"{name}: {message}", file=sys.stderr)
        total = len(self.results) + len(self.failures)
        print(f"{len(self.failures)} of {total} pictures failed and were skipped", file=sys.stderr)


def run_folder_job(
    items: Sequence[T],
    work: Callable[[T], R],
    *,
    description: str,
    name: Callable[[T], str],
    workers: int = 0,
    on_result: Callable[[R], None] = lambda result: None,
) -> JobReport[R]:
    """Apply `work` to every item with a progress bar; a `PictureError` skips its item, all else ends the job.

    Args:
        items: what to work on, e.g. paths.
        work: called once per item; with more than one worker it, its items and results are pickled.
        description: of the progress bar.
        name: what an item is called in the report.
        workers: processes; 0 and 1 stay in this one. Each worker computes on one thread.
        on_result: called here with each result as soon as it is there, in any order. After an error or Ctrl-C it is
            also called with what the workers still finish, and perhaps again with the result it was called with last.

    Raises:
        PatinaError: a worker process died.
    """
    if min(workers, len(items)) > 1:
        attempts = _in_processes(items, work, workers, on_result)
    else:
        attempts = _in_this_process(items, work)
    return reported(attempts, items, description, name, on_result)


def reported(
    attempts: "Attempts",
    items: Sequence[T],
    description: str,
    name: Callable[[T], str],
    on_result: Callable[[R], None] = lambda result: None,
) -> JobReport[R]:
    """Go through the attempts at all items with a progress bar; arguments as in `run_folder_job`."""
    outcomes: dict[int, Outcome] = {}
    with closing(attempts):  # an error or Ctrl-C reaches the caller once all workers have stopped
        for index, outcome in progress(attempts, description, total=len(items)):
            outcomes[index] = outcome
            if outcome[1] is None:
                on_result(outcome[0])
    report: JobReport[R] = JobReport()
    for index, item in enumerate(items):
        result, failure = outcomes[index]
        if failure is None:
            report.results.append(result)
        else:
            report.failures.append((name(item), failure))
    return report


def output_paths(sources: Sequence[S], out_dir: Path | str, suffix: str = ".png") -> dict[S, Path]:
    """Name an output in `out_dir` for every source by its stem.

    Args:
        sources: paths, or anything else with a stem.
        out_dir: the folder.
        suffix: of the outputs.

    Raises:
        PatinaError: sources would get the same output; names all of them.
    """
    outputs = {source: Path(out_dir) / f"{source.stem}{suffix}" for source in sources}
    sharing: dict[str, list[S]] = {}
    for source, output in outputs.items():
        # Case is folded because some file systems do: A.jpg and a.png are one output there.
        sharing.setdefault(output.name.casefold(), []).append(source)
    clashes = [
        f"{' and '.join(map(str, group))} would both become {outputs[group[0]]}"
        if len(group) == 2
        else f"{', '.join(map(str, group))} would all become {outputs[group[0]]}"
        for group in sharing.values()
        if len(group) > 1
    ]
    if clashes:
        raise PatinaError(f"{'; '.join(clashes)}; rename all but one of each")
    return outputs


Outcome = tuple[Any, str | None]
"""A result, or what to tell the user."""

Attempts = Generator[tuple[int, Outcome], None, None]
"""The index of an item and what became of it, in any order."""


def attempt(work: Callable[..., R], *arguments: Any) -> Outcome:
    """Return the result, or what to tell the user of a picture that cannot be used."""
    try:
        return work(*arguments), None
    except PictureError as error:
        return None, str(error)


def _in_this_process(items: Sequence[T], work: Callable[[T], R]) -> Attempts:
    for index, item in enumerate(items):
        yield index, attempt(work, item)


def _in_processes(
    items: Sequence[T], work: Callable[[T], R], workers: int, on_late_result: Callable[[R], None]
) -> Attempts:
    workers, waiting = min(workers, len(items)), dict[Future[Outcome], int]()
    with _single_threaded_children():
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
        try:
            waiting |= {pool.submit(attempt, work, item): index for index, item in enumerate(items)}
            for future in as_completed(list(waiting)):
                yield waiting[future], future.result()
                del waiting[future]
        except BrokenProcessPool:
            raise PatinaError(
                f"a worker process died, perhaps for lack of memory; use fewer than {workers} workers"
            ) from None
        finally:
            # After an error or Ctrl-C the pictures in work are finished and the waiting ones dropped.
            pool.shutdown(cancel_futures=True)
            for future in waiting:
                if not future.cancelled() and future.exception() is None and future.result()[1] is None:
                    on_late_result(future.result()[0])


@contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Let processes that start meanwhile compute on one thread: libraries read these variables when they load."""
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start_worker() -> None:
    """Ignore Ctrl-C, which a terminal sends to every process, so that no picture is left half done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker when its parent was killed: otherwise it would wait for work forever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def checked_workers(workers: int | None) -> int:
    """Return the number of processes of ``-workers``, one a core where it is not given."""
    if workers is None:
        return os.cpu_count() or 1
    if workers < 1:
        raise PatinaError(f"workers must be at least 1, got {workers}")
    return workers
