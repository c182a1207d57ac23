"""A part of a folder's images, for several jobs at once: SLURM arrays, GNU parallel, machines that share a disk.

Every job takes every N-th image and writes into a folder of its own beside the output folder; `patina merge` puts them
together. The result of an image never depends on other images, so the union equals the results of one job.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from patina.errors import PatinaError, counted
from patina.runs.made_by import MadeBy

MOST = 100_000
"""Largest number of shards."""

T = TypeVar("T")

_NOTE = "shard"
_NAMED = re.compile(r"\.shard-(\d+)-of-(\d+)")


@dataclass(frozen=True)
class Shard:
    """One of several parts of a folder.

    Attributes:
        index: number of the part, from 1.
        count: number of parts.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Parse ``3/8``.

        Raises:
            ValueError: it is something else.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]) <= MOST:
            raise ValueError(f"{text!r} is not a shard, expected I/N with I from 1 to N, e.g. 3/8")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def path(self, out: Path) -> Path:
        """Return the shard's own folder, or file, beside the one of all shards: ``out.shard-3-of-8``."""
        return out.with_name(f"{out.name}.shard-{self.index}-of-{self.count}")

    def noted(self, made_by: MadeBy) -> MadeBy:
        """Return what makes the whole as what makes this part, for its journal."""
        return replace(made_by, notes={**made_by.notes, _NOTE: str(self)})

    def part(self, items: Sequence[T], where: Path | str) -> Sequence[T]:
        """Return every `count`-th item, beginning with the `index`-th.

        Args:
            items: of the whole folder, in its order.
            where: the folder, for the message.

        Raises:
            PatinaError: there are fewer items than shards.
        """
        if len(items) < self.count:
            most = f"at most {len(items)} shards" if len(items) > 1 else "no -shard"
            raise PatinaError(f"-shard {self}: {where} has only {counted(len(items), 'image')}; use {most}")
        return items[self.index - 1 :: self.count]


def whole(parts: Sequence[Sequence[T]]) -> list[T]:
    """Put the items of all shards, in their order, back into that of the whole folder; undoes `Shard.part`."""
    longest = max(map(len, parts))
    return [part[place] for place in range(longest) for part in parts if place < len(part)]


class Versioned(Protocol):
    """A record of the version of Patina, and of the command, that made something."""

    @property
    def version(self) -> str:
        """Version of Patina."""

    @property
    def made_by(self) -> MadeBy:
        """The command with its settings and models."""


def require_made_alike(first: Shard, one: Versioned, shard: Shard, other: Versioned) -> None:
    """Refuse two shards that are not parts of one whole.

    Raises:
        PatinaError: they were made by two versions of Patina, or in two ways.
    """
    if other.version != one.version:
        raise PatinaError(
            f"shard {shard} was made by version {other.version} of Patina and shard {first} by {one.version}; "
            "make one of them again"
        )
    if difference := one.made_by.difference(other.made_by):
        raise PatinaError(f"shard {shard} was {difference} in shard {first}; make one of them again")


def without_note(made_by: MadeBy) -> MadeBy:
    """Return what made a shard as what makes the whole."""
    return replace(made_by, notes={name: text for name, text in made_by.notes.items() if name != _NOTE})


def shard_paths(out: Path) -> dict[Shard, Path]:
    """Return the shards beside `out`, by number.

    Raises:
        PatinaError: there are none, some are missing, or those of two divisions are there.
    """
    found: dict[Shard, Path] = {}
    for path in out.parent.glob(f"{_escaped(out.name)}.shard-*-of-*"):
        if named := _NAMED.fullmatch(path.name.removeprefix(out.name)):
            found[Shard(int(named[1]), int(named[2]))] = path
    if not found:
        raise PatinaError(f"{out}: there are no shards beside it, expected {out.name}.shard-1-of-N and so on")
    counts = sorted({shard.count for shard in found})
    if len(counts) > 1:
        raise PatinaError(
            f"{out}: there are shards of {' and of '.join(map(str, counts))} parts; remove those of other runs"
        )
    if missing := [str(number) for number in range(1, counts[0] + 1) if Shard(number, counts[0]) not in found]:
        some = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
        raise PatinaError(f"{out}: of {counts[0]} shards, {some} {'is' if len(missing) == 1 else 'are'} missing; run "
                          f"the command with -shard {missing[0]}/{counts[0]}, then merge again")  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: item[0].index))


def _escaped(name: str) -> str:
    return re.sub(r"([\[*?])", r"[\1]", name)
