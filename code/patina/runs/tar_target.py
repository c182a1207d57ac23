"""Where numbered tars are written, and when a tar is full."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from patina.errors import PatinaError, require_range

_NUMBER = re.compile(r"%0?(\d?)d")


@dataclass(frozen=True)
class TarLimits:
    """When a tar is full, whichever comes first.

    Attributes:
        samples: most samples in a tar.
        megabytes: most megabytes of a tar; only a sample that is larger by itself exceeds it.
    """

    samples: int = 10_000
    megabytes: int = 1000

    def require(self) -> None:
        """Refuse limits that no tar can have; the message names the flag."""
        require_range("shard_size", self.samples, 1)
        require_range("shard_mb", self.megabytes, 1)


@dataclass(frozen=True)
class TarTarget:
    """Where tars are written.

    Attributes:
        pattern: path with a number, e.g. ``shards/%06d.tar``.
    """

    pattern: Path

    @classmethod
    def parse(cls, out: Path) -> "TarTarget | None":
        """Return the target that a path names; None for a folder.

        Raises:
            PatinaError: a tar without exactly one number in its name.
        """
        if out.suffix != ".tar":
            return None
        if len(_NUMBER.findall(out.name)) != 1 or out.name.count("%") != 1 or "%" in str(out.parent):
            raise PatinaError(f"{out}: tars are numbered; expected a name such as {out.with_name('%06d.tar')}")
        return cls(out)

    @property
    def folder(self) -> Path:
        """The folder of the tars."""
        return self.pattern.parent

    @property
    def making(self) -> Path:
        """The hidden folder for what is not finished."""
        return self.folder / f".making-{_NUMBER.sub('N', self.pattern.stem)}"

    def tar(self, number: int) -> Path:
        """Return the path of a tar, from 0."""
        return self.folder / (self.pattern.name % number)

    def numbers(self) -> list[int]:
        """Return the numbers of the tars and statistics files that are there, in order."""
        found = {number for name in os.listdir(self.folder) if (number := self._number_of(name)) is not None}
        return sorted(found)

    def is_own(self, path: Path) -> bool:
        """Whether a path is that of one of the tars."""
        return path.resolve().parent == self.folder.resolve() and self._number_of(path.resolve().name) is not None

    def _number_of(self, name: str) -> int | None:
        """Return the number of the tar or statistics file with this name."""
        before, _, after = _NUMBER.split(self.pattern.stem)
        match = re.fullmatch(rf"{re.escape(before)}(\d+){re.escape(after)}\.(?:tar|json)", name)
        if match is None or self.tar(int(match[1])).stem != name.rpartition(".")[0]:
            return None
        return int(match[1])
