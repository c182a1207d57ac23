"""The log of a training run, ``log.jsonl``: a header, then numbers and events."""

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from patina.runs.journal import Header
from patina.runs.journal_place import LOG_NAME
from patina.runs.made_by import MadeBy
from patina.runs.watchers import Watcher
from patina.system.jsonl import Line, append_lines, read_lines, write_lines
from patina.system.typed_values import Malformed
from patina.version import __version__


def read_header(run: Path) -> Header | None:
    """Return the header of the log in a run's folder; None if there is none that can be read."""
    lines = (line for line in read_lines(run / LOG_NAME) if "part" not in line)
    with suppress(Malformed, StopIteration):
        return Header.from_line(next(lines))
    return None


def read_log(run: Path) -> list[Line]:
    """Return the lines of the log in a run's folder, without its header."""
    return [line for line in read_lines(run / LOG_NAME) if "part" in line]


def write_header(run: Path, made_by: MadeBy) -> None:
    """Write the header of the log in a run's folder; its other lines are kept."""
    write_lines(run / LOG_NAME, [Header(__version__, made_by, None).to_line(), *read_log(run)])


class RunLog:
    """Writes the numbers and events of a run to its log, and the numbers to TensorBoard.

    The numbers of a step are written once: whoever continues may write them again if an error came soon after.

    Args:
        run: the run's folder.
        name: name of the run in TensorBoard.
        last_step: the step from which the run continues; later lines are from an interrupted run and are dropped.
        unwritten: lines that an earlier call could not write, see the attribute; later ones are dropped, too.
        watchers: services that show the numbers and pictures, too.

    Attributes:
        unwritten: lines that could not be written, on a full disk for example; they are written with the next one.
    """

    def __init__(
        self,
        run: Path,
        name: str,
        last_step: int,
        unwritten: Iterable[dict[str, Any]] = (),
        watchers: Sequence[Watcher] = (),
    ):
        from torch.utils.tensorboard import SummaryWriter

        self._path = run / LOG_NAME
        self._watchers = watchers
        lines = [line for line in read_lines(self._path) if _is_at_most(line.get("step"), last_step)]
        there = {_key(line) for line in lines}
        kept = (line for line in unwritten if _is_at_most(line.get("step"), last_step))
        self.unwritten: list[dict[str, Any]] = [line for line in kept if _key(line) not in there]
        self._there = there | {_key(line) for line in self.unwritten}
        write_lines(self._path, lines)
        curves = run / "tb" / name
        self._writers = {
            part: SummaryWriter(str(curves / part), purge_step=last_step + 1 if last_step else None)
            for part in ("train", "valid")
        }

    def write(self, part: str, step: int, values: dict[str, float], events: Iterable[str] = ()) -> None:
        """Log the numbers of a step, and events that belong to them; `part` is ``"train"`` or ``"valid"``."""
        for name, value in values.items():
            self._writers[part].add_scalar(name, value, step)
        for watcher in self._watchers:
            watcher.numbers(part, step, values)
        line = {"part": part, "step": step, **values}
        if _key(line) not in self._there:
            self._append(line, *map(partial(_event, step), events))

    def event(self, step: int, message: str) -> None:
        """Log an event."""
        self._append(_event(step, message))

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Show a picture (RGB uint8 ``[H, W, 3]``) in TensorBoard."""
        self._writers["valid"].add_image(name, pixels, step, dataformats="HWC")
        for watcher in self._watchers:
            watcher.picture(step, name, pixels)

    def close(self) -> None:
        """Flush and close the TensorBoard files, and finish the run in other services."""
        for writer in self._writers.values():
            writer.close()
        for watcher in self._watchers:
            watcher.close()

    def _append(self, *lines: dict[str, Any]) -> None:
        self.unwritten += [{**line, "time": round(time.time(), 1)} for line in lines]
        append_lines(self._path, self.unwritten)
        self.unwritten = []


class SilentLog(RunLog):
    """Writes nothing: the log of a process that only computes."""

    def __init__(self) -> None:
        self.unwritten = []

    def write(self, part: str, step: int, values: dict[str, float], events: Iterable[str] = ()) -> None:
        """Do nothing."""

    def event(self, step: int, message: str) -> None:
        """Do nothing."""

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def _event(step: int, message: str) -> dict[str, Any]:
    return {"part": "event", "step": step, "message": message}


def _key(line: Line) -> str:
    """Return the identity of a line: part and step for numbers, the whole line for events."""
    part = line.get("part")
    return json.dumps([part, line.get("step")] if part in ("train", "valid") else line, sort_keys=True)


def _is_at_most(step: object, last: int) -> bool:
    """Whether a line belongs to the steps that are kept; one without a step, as the header, does."""
    return step is None or (isinstance(step, int | float) and step <= last)
