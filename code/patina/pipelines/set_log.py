"""The log of a degraded set: a line for every LQ picture with everything that was drawn for it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from patina.degradations.base import Size
from patina.degradations.blocks import LearnedBlock
from patina.degradations.description import describe
from patina.degradations.execution import wants_batch
from patina.degradations.operations import OPERATIONS
from patina.degradations.plans import Plan, Step
from patina.errors import PatinaError
from patina.imaging.size_limit import pixel_limit
from patina.runs.journal import Header, Result, Wanted, read_journal
from patina.runs.journal_place import READABLE_NAME
from patina.runs.output_folder import OutputFolder
from patina.system.atomic import write_text
from patina.system.typed_values import Malformed, shortened, typed

COMMAND = "degrade"
"""The command that makes sets."""


@dataclass(frozen=True)
class SetDetails:
    """What the log says of an LQ picture beside its names; see `Entry`."""

    variant: str
    size: Size
    steps: Plan
    digest: str


_SIZES = frozenset({"size", "size_between"})
"""Parameters that decide how large a picture becomes."""

_Side = Annotated[int, Field(ge=1)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True)
class Entry:
    """An LQ picture with everything that is done to make it.

    Attributes:
        output: its file, relative to the set's folder.
        source: name of the clean picture, see `Source`.
        source_digest: digest of the clean picture's file.
        variant: name of the recipe's variant; empty if the recipe has none.
        size: height and width of the clean picture, cropped to multiples of the scale.
        steps: everything that is done to the clean picture.
        digest: digest of the LQ picture's file; a file that must come out with another one is not written.
    """

    output: str
    source: str
    source_digest: str | None
    variant: str
    size: Size
    steps: Plan
    digest: str = ""

    @property
    def details(self) -> dict[str, Any]:
        """The details of the journal's line, as plain values."""
        steps = [step.to_dict() for step in self.steps]
        return {"variant": self.variant, "size": self.size, "steps": steps, "digest": self.digest}

    def to_result(self) -> Result:
        """Return the entry for the journal."""
        return Result(self.output, self.source, self.source_digest, self.details)

    @classmethod
    def from_result(cls, result: Result) -> "Entry":
        """Undo `to_result`.

        Raises:
            Malformed: the result is not of a set.
        """
        own = {"output": result.output, "source": result.source, "source_digest": result.source_digest}
        return typed(cls, {**result.details, **own})


@dataclass(frozen=True)
class _Settings:
    """The settings of a set that its log must have."""

    scale: Annotated[int, Field(ge=1, le=64)]


@dataclass(frozen=True)
class _LearnedStep:
    """The parameters of a step of a learned model."""

    model: str
    knobs: Mapping[str, _Finite]


@dataclass(frozen=True)
class _BatchedJpeg:
    """The parameters of a step that compresses on an accelerator."""

    quality: Annotated[float, Field(ge=0, le=100)]


def by_source(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Group entries by the name of their clean picture."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.source].append(entry)
    return groups


def read_set_log(log: Path) -> tuple[Header, list[Entry]]:
    """Read the log of a set; an incomplete last line, which a killed run may leave, is ignored.

    Raises:
        PatinaError: the log is missing, or is not the log of a set.
    """
    journal = read_journal(log, COMMAND)
    try:
        typed(_Settings, journal.header.made_by.settings)
        entries = [Entry.from_result(result) for result in journal.results.values()]
        for step in {step.text: step for entry in entries for step in entry.steps}.values():
            _require_doable(step)
        return journal.header, entries
    except Malformed as error:
        raise PatinaError(
            f"{log} has lines that are not of `patina {COMMAND}` ({error}); expected the log of a set"
        ) from None


def _require_doable(step: Step) -> None:
    """Refuse what no recipe draws, before anything is made of it."""
    if step.op not in OPERATIONS and step.op != LearnedBlock.name:
        raise Malformed(f"{shortened(step.op, 40)!r} is not an operation of this version")
    if wants_batch(step):
        typed(_LearnedStep if step.op == LearnedBlock.name else _BatchedJpeg, step.parameters)
    for name in _SIZES & step.parameters.keys():
        height, width = typed(tuple[_Side, _Side], step.parameters[name])
        if height * width > pixel_limit():
            raise Malformed(f"{step.op} makes {width}x{height} pixels, more than images may have")


def begin_set(folder: OutputFolder, todo: Sequence[Wanted]) -> None:
    """Begin LQ pictures in the folder of a set, and remove its readable log, which becomes outdated."""
    if todo:
        folder.log.with_name(READABLE_NAME).unlink(missing_ok=True)
    folder.begin(todo)


def finish_set(folder: OutputFolder) -> None:
    """Write the readable log of a set if it is missing, and finish the folder."""
    readable = folder.log.with_name(READABLE_NAME)
    if not readable.exists():
        entries = map(Entry.from_result, folder.results)
        write_text(readable, "".join(f"{entry.output} - {describe(entry.steps, entry.size)}\n" for entry in entries))
    folder.finish()
