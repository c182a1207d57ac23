"""Progress of long jobs: a bar on a terminal, otherwise lines of numbers on standard error."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from tqdm import tqdm

from patina.system.telling import end_silence, is_quiet, silence

T = TypeVar("T")
_silenced = False
LINE_EVERY = 30.0
"""Seconds between two lines of a job that has no bar, or of the command that it is a step of."""

_COLUMNS, _ROWS = 80, 24
"""Of a terminal that does not say how large it is."""

Watcher = Callable[[str, int, int | None], None]
"""Called with a job's label, how many items are done, and how many there are, if that is known."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def progress(
    items: Iterable[T],
    description: str,
    *,
    total: int | None = None,
    unit: str = "image",
    initial: int = 0,
    has_lines: bool = True,
    stays: bool = True,
) -> "tqdm[T]":
    """Wrap `items` in a progress bar on standard error, or in a line every 30 seconds if that is no terminal.

    Args:
        items: what is done, one after the other.
        description: the job.
        total: the number of items, if `items` has no length.
        unit: what an item is called.
        initial: items that were done before.
        has_lines: whether there are lines without a terminal; False for jobs that print their own.
        stays: whether the bar stays when the job is done; False for one of many steps.
    """
    total = len(items) if total is None and isinstance(items, Sized) else total
    watch, is_sized, is_terminal = _watcher.get(), _tells_its_size(), sys.stderr.isatty()
    if watch is not None:
        items = _watched(items, watch, description, initial, total)
    if has_lines and not is_terminal and not _is_silent():
        items = _in_lines(items, description, unit, initial, total)
    return tqdm(
        items,
        desc=description,
        total=total,
        unit=unit,
        initial=initial,
        leave=stays,
        disable=_is_silent() or not is_terminal,
        dynamic_ncols=is_sized,
        ncols=None if is_sized else _COLUMNS,
        nrows=None if is_sized else _ROWS,
    )


def progress_by_rows(bands: Iterable[T], description: str, *, rows_of: Callable[[T], int], total: int) -> Iterator[T]:
    """Yield bands of one large image; show how many of its rows are done.

    A band is not held while the next one is computed.

    Args:
        bands: parts of the image, or of what is computed for it, from the top to the bottom.
        description: the image.
        rows_of: how many rows a band has.
        total: rows of all bands.
    """
    done, watch, has_lines = 0, _watcher.get(), not (sys.stderr.isatty() or _is_silent())
    lines, nothing = _Lines(description, "row", 0, total), list[T]()
    with progress(nothing, description, total=total, unit="row", has_lines=False, stays=False) as bar:
        for band in bands:
            rows = rows_of(band)
            yield band
            del band
            done += rows
            bar.update(rows)
            if has_lines:
                lines.add(rows)
            if watch is not None:
                watch(description, done, total)


def _tells_its_size() -> bool:
    """Whether the terminal says how large it is; one in a container may say 0, and tqdm would show nothing."""
    try:
        return min(os.get_terminal_size(sys.stderr.fileno())) > 0
    except (OSError, ValueError):
        return False


@contextmanager
def watched(watch: Watcher) -> Iterator[None]:
    """Tell `watch` the progress of all jobs that this thread begins within the ``with`` block.

    What `watch` raises ends the job as an error or Ctrl-C would.
    """
    token = _watcher.set(watch)
    try:
        yield
    finally:
        _watcher.reset(token)


def _watched(items: Iterable[T], watch: Watcher, description: str, done: int, total: int | None) -> Iterator[T]:
    watch(description, done, total)
    for count, item in enumerate(items, start=done + 1):
        yield item
        watch(description, count, total)


class _Lines:
    """Prints how far a job is, every 30 seconds, or if the command has told nothing for as long.

    Args:
        description: the job.
        unit: what an item is called.
        initial: items that were done before.
        total: how many there are, if that is known.
    """

    def __init__(self, description: str, unit: str, initial: int, total: int | None):
        self._description, self._unit, self._initial, self._total = description, unit, initial, total
        self._began = self._told = time.monotonic()
        self._count = 0

    def add(self, count: int) -> None:
        """Count items that were done."""
        self._count += count
        now, done, total = time.monotonic(), self._initial + self._count, self._total
        if max(now - self._told, silence(now)) < LINE_EVERY or done == total:
            return
        end_silence(now)
        self._told, rate = now, self._count / (now - self._began)
        left = f" {self._unit}s"
        if total is not None and done < total:  # clips may have more frames than they say
            left = f" of {total} {self._unit}s, {time_left(total - done, rate)} left"
        print(f"{self._description}: {done}{left}, {rate:.3g} per second", file=sys.stderr, flush=True)


def _in_lines(items: Iterable[T], description: str, unit: str, initial: int, total: int | None) -> Iterator[T]:
    lines = _Lines(description, unit, initial, total)
    for item in items:
        yield item
        lines.add(1)


def show_numbers(bar: "tqdm[Any]", where: str, numbers: Mapping[str, float]) -> None:
    """Show numbers beside a bar, or print them if there is no bar.

    Args:
        bar: the job's bar.
        where: the job and its step, printed before the numbers.
        numbers: by name.
    """
    if not bar.disable:
        bar.set_postfix(_shown(numbers), refresh=False)
    else:
        tell_numbers(bar, where, numbers)


def tell_numbers(bar: "tqdm[Any]", where: str, numbers: Mapping[str, float]) -> None:
    """Print a permanent line of numbers, above the bar if there is one."""
    listed = ", ".join(f"{name} {value}" for name, value in _shown(numbers).items())
    tell_beside(bar, f"{where}: {listed}")


def tell_beside(bar: "tqdm[Any]", text: str) -> None:
    """Print a permanent line, above the bar if there is one."""
    if not _is_silent():
        bar.write(text, file=sys.stderr)
        sys.stderr.flush()
        end_silence(time.monotonic())


def time_left(steps: int, per_second: float) -> str:
    """Return how long some steps take, e.g. ``"40 s"``, ``"12 min"`` or ``"3 h 20 min"``."""
    seconds = steps / per_second
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _shown(numbers: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.4g}" for name, value in numbers.items()}


def _is_silent() -> bool:
    return _silenced or is_quiet()


def silence_progress() -> None:
    """Show neither bars nor numbers in this process from now on: for processes that share a terminal."""
    global _silenced
    _silenced = True
