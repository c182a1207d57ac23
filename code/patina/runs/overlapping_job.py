"""A job over a folder of pictures in three stages that overlap: decoding and encoding never hold the computing."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from patina.runs.folder_job import Attempts, JobReport, Outcome, attempt, reported

T = TypeVar("T")
Input = TypeVar("Input")
Output = TypeVar("Output")
R = TypeVar("R")

AHEAD = 2
"""Pictures that are read before they are needed, and results that wait to be written: what bounds the memory."""


def run_overlapping_job(
    items: Sequence[T],
    read: Callable[[T], Input],
    compute: Callable[[T, Input], Output],
    write: Callable[[T, Output], R],
    *,
    description: str,
    name: Callable[[T], str],
) -> JobReport[R]:
    """Do what `run_folder_job` does, with a thread that reads ahead and one that writes behind.

    Everything is computed here, in the order of the items; results are written in that order too. After an error or
    Ctrl-C what is computed is still written.

    Args:
        items: what to work on, e.g. paths.
        read: an item to what is computed with, in a thread.
        compute: item and what was read to the result.
        write: item and result to what is reported, in a thread.
        description: of the progress bar.
        name: what an item is called in the report.
    """
    return reported(_overlapping(items, read, compute, write), items, description, name)


def _overlapping(
    items: Sequence[T],
    read: Callable[[T], Input],
    compute: Callable[[T, Input], Output],
    write: Callable[[T, Output], R],
) -> Attempts:
    waiting: deque[tuple[int, Future[Outcome]]] = deque()
    with _thread() as reader, _thread() as writer:
        for index, (picture, failure) in enumerate(_read_ahead(items, read, reader)):
            if failure is None:
                result, failure = attempt(compute, items[index], picture)
            if failure is not None:
                yield index, (None, failure)
                continue
            waiting.append((index, writer.submit(attempt, write, items[index], result)))
            while len(waiting) > AHEAD or (waiting and waiting[0][1].done()):
                yield _written(waiting)
        while waiting:
            yield _written(waiting)


def _read_ahead(items: Sequence[T], read: Callable[[T], Input], reader: ThreadPoolExecutor) -> Iterator[Outcome]:
    """Yield the attempts at reading, in order."""
    reading: deque[Future[Outcome]] = deque()
    for item in items:
        reading.append(reader.submit(attempt, read, item))
        if len(reading) > AHEAD:
            yield reading.popleft().result()
    while reading:
        yield reading.popleft().result()


def _written(waiting: deque[tuple[int, Future[Outcome]]]) -> tuple[int, Outcome]:
    index, written = waiting.popleft()
    return index, written.result()


@contextmanager
def _thread() -> Iterator[ThreadPoolExecutor]:
    """Yield one thread for one kind of work; when the job ends early, what it was given is done and no more."""
    pool = ThreadPoolExecutor(1)
    try:
        yield pool
    finally:
        pool.shutdown()
