"""Jobs over folders of pictures: a picture that fails is reported and skipped, the others go on."""

import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from patina.errors import PatinaError, PictureError, counted, named, one_line
from patina.runs.worker_processes import single_threaded_children, worker_pool
from patina.system.lack_of_memory import recognising_lack_of_memory
from patina.system.notes import collected
from patina.system.progress import progress
from patina.system.telling import tell, warn

T = TypeVar("T")
R = TypeVar("R")


class Stemmed(Protocol):
    """Anything with a stem, e.g. a path."""

    @property
    def stem(self) -> str:
        """The name of its output, without suffix."""


_NO_MEMORY = "needs more memory than there is; cut it into several images, or use fewer workers or smaller tiles"

_COMMANDS_TURN = 0.5
"""Seconds in which SIGTERM comes to the command itself, if it has ended a worker: schedulers send it to all."""

TOLD = 3
"""How many failures of one reason are told word for word, and how many more by name."""


@dataclass
class JobReport(Generic[R]):
    """The outcome of a folder job.

    Attributes:
        results: results of the pictures that succeeded, in input order.
        failures: names and messages of the pictures that failed, in input order.
        notes: what was done to pictures on reading, and to how many; see `patina.system.notes`.
        noun: what messages call a result.
    """

    results: list[R] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    noun: str = "image"

    def require_complete(self) -> None:
        """Stop where a picture failed.

        Raises:
            PatinaError: names the first one and why it failed.
        """
        if self.failures:
            name, reason = self.failures[0]
            raise PatinaError(named(name, reason))

    @property
    def exit_code(self) -> int:
        """0 if every picture succeeded, else 1."""
        return 1 if self.failures else 0

    def print_made(self, out: Path) -> None:
        """Print the number of pictures that were written to the folder `out`, on standard error."""
        is_complete = not (self.results or self.failures)
        made = f"{counted(len(self.results), self.noun)} made"
        tell(f"{out}: {f'all {self.noun}s are up to date' if is_complete else made}")

    def print_summary(self) -> None:
        """Print the notes in one line, the failures and their number, on standard error."""
        if self.notes:
            told = (
                f"{count} {self.noun}{'s were' if count > 1 else ' was'} {text}" for text, count in self.notes.items()
            )
            tell("; ".join(told))
        if not self.failures:
            return
        for line in _told(self.failures):
            warn(line)
        total = len(self.results) + len(self.failures)
        warn(f"{len(self.failures)} of {total} {self.noun}s failed and were skipped")


def _told(failures: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield a line for every failure; where many have one reason, for the first of them, and one for the others."""
    alike: dict[str, list[tuple[str, str]]] = {}
    for name, message in ((one_line(name), one_line(message)) for name, message in failures):
        alike.setdefault(re.sub(r"\d+", "", message.replace(name, "")), []).append((name, message))
    for group in alike.values():
        yield from (named(name, message) for name, message in group[:TOLD])
        if others := [name for name, _ in group[TOLD:]]:
            names = ", ".join(others[:TOLD]) + ", …" * (len(others) > TOLD)
            yield f"the same reason for {len(others)} more: {names}"


def run_folder_job(
    items: Sequence[T],
    work: Callable[[T], R],
    *,
    description: str,
    name: Callable[[T], str],
    workers: int = 0,
    on_result: Callable[[R], None] = lambda result: None,
    stays: bool = True,
) -> JobReport[R]:
    """Apply `work` to every item with a progress bar; a `PictureError` or lack of memory only skips its item.

    Args:
        items: e.g. paths.
        work: called once per item. With several workers, `work`, items and results are pickled.
        description: label of the progress bar.
        name: maps an item to its name in the report.
        workers: number of processes, one thread each; 0 and 1 work in this process.
        on_result: called in this process with every result as soon as it is available, in any order. After an error or
            Ctrl-C it is also called with the results that the workers still finish, and perhaps with its last result
            again.
        stays: whether the progress bar stays when the job is done.

    Raises:
        PatinaError: a worker process died.
    """
    if min(workers, len(items)) > 1:
        attempts = _in_processes(items, work, workers, on_result)
    else:
        attempts = _in_this_process(items, work)
    return reported(attempts, items, description, name, on_result, stays)


def reported(
    attempts: "Attempts",
    items: Sequence[T],
    description: str,
    name: Callable[[T], str],
    on_result: Callable[[R], None] = lambda result: None,
    stays: bool = True,
) -> JobReport[R]:
    """Consume the attempts with a progress bar, and report them; arguments as in `run_folder_job`."""
    outcomes: dict[int, Outcome] = {}
    with closing(attempts):  # an error or Ctrl-C reaches the caller once all workers have stopped
        for index, outcome in progress(attempts, description, total=len(items), stays=stays):
            outcomes[index] = outcome
            if outcome.failure is None:
                on_result(outcome.result)
    report: JobReport[R] = JobReport()
    for index, item in enumerate(items):
        result, failure, notes = outcomes[index]
        report.notes.update(notes)
        if failure is None:
            report.results.append(result)
        else:
            report.failures.append((name(item), failure))
    return report


def output_names(sources: Sequence[Stemmed], out_dir: Path | str, suffix: str = ".png") -> list[str]:
    """Return the name of every source's output file in the folder `out_dir`: the source's stem, with a suffix.

    Args:
        sources: paths, or anything else with a stem.
        out_dir: the folder, for the message.
        suffix: suffix of the output files.

    Raises:
        PatinaError: several sources would get the same file; the message names all of them.
    """
    names = [f"{source.stem}{suffix}" for source in sources]
    sharing: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        # Some file systems ignore case and how accents are encoded: A.png and a.png are one file there.
        sharing.setdefault(unicodedata.normalize("NFC", name).casefold(), []).append(place)
    clashes = [
        f"{_listed([str(sources[place]) for place in group])} become {Path(out_dir) / names[group[0]]}"
        for group in sharing.values()
        if len(group) > 1
    ]
    if clashes:
        raise PatinaError(f"{'; '.join(clashes)}; rename all but one of each")
    return names


def _listed(names: list[str]) -> str:
    return f"{' and '.join(names)} would both" if len(names) == 2 else f"{', '.join(names)} would all"


class Outcome(NamedTuple):
    """What became of an item.

    Attributes:
        result: the result; None after a failure.
        failure: the message of the error; None after success.
        notes: what was noted on the way.
    """

    result: Any
    failure: str | None
    notes: tuple[str, ...] = ()


Attempts = Generator[tuple[int, Outcome], None, None]
"""Indices of items with their outcomes, in any order."""


def attempt(work: Callable[..., R], *arguments: Any) -> Outcome:
    """Call `work` and return its result, or the message of its `PictureError` or lack of memory, and its notes."""
    with collected() as notes:
        try:
            with recognising_lack_of_memory():
                result, failure = work(*arguments), None
        except PictureError as error:
            result, failure = None, str(error)
        except MemoryError:
            result, failure = None, _NO_MEMORY
    return Outcome(result, failure, tuple(notes))


def continued(outcome: Outcome, work: Callable[[Any], Any]) -> Outcome:
    """Apply the next stage of work to an outcome's result; a failure is passed on, and notes are kept."""
    if outcome.failure is not None:
        return outcome
    after = attempt(work, outcome.result)
    return after._replace(notes=outcome.notes + after.notes)


def _in_this_process(items: Sequence[T], work: Callable[[T], R]) -> Attempts:
    for index, item in enumerate(items):
        yield index, attempt(work, item)


def _in_processes(
    items: Sequence[T], work: Callable[[T], R], workers: int, on_late_result: Callable[[R], None]
) -> Attempts:
    waiting = dict[Future[Outcome], int]()
    with worker_pool(min(workers, len(items))) as pool:
        try:
            with single_threaded_children():  # all processes start with the first item
                waiting |= {pool.submit(attempt, work, item): index for index, item in enumerate(items)}
            for future in as_completed(list(waiting)):
                yield waiting[future], future.result()
                del waiting[future]
        except BrokenProcessPool:
            time.sleep(_COMMANDS_TURN)
            raise PatinaError(
                f"a worker process died, perhaps for lack of memory; use fewer than {workers} workers"
            ) from None
        finally:
            # After an error or Ctrl-C, workers finish their pictures, and waiting pictures are dropped.
            for future in waiting:
                future.cancel()
            for future in waiting:
                if not future.cancelled() and future.exception() is None and future.result().failure is None:
                    on_late_result(future.result().result)
