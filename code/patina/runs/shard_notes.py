"""The settings that a shard's table or scores record, so that only shards of the same settings are merged."""

import json
from dataclasses import dataclass
from typing import Any

from patina.errors import PatinaError
from patina.runs.made_by import MadeBy
from patina.runs.shards import Shard, require_made_alike
from patina.system.typed_values import Malformed, parsed_object, typed
from patina.version import __version__

_MARK = "# "


@dataclass(frozen=True)
class ShardNote:
    """The settings that made a shard's values, and the images that it covers.

    Attributes:
        made_by: the command with everything that decides the values, the folders included.
        names: all images of the shard in their order, with those that could not be measured.
        version: of Patina.
    """

    made_by: MadeBy
    names: list[str]
    version: str

    @classmethod
    def now(cls, made_by: MadeBy, names: list[str]) -> "ShardNote":
        """Return the note of a shard that this version of Patina makes."""
        return cls(made_by, names, __version__)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"made_by": vars(self.made_by), "names": self.names, "version": self.version}

    def to_line(self) -> str:
        """Return the first line of a shard's table, a remark."""
        return f"{_MARK}{json.dumps(self.to_dict())}\n"

    @classmethod
    def from_line(cls, line: str) -> "ShardNote":
        """Undo `to_line`.

        Raises:
            Malformed: the line is none.
        """
        if not line.startswith(_MARK):
            raise Malformed("expected a first line with the settings that made the table")
        return typed(cls, parsed_object(line.removeprefix(_MARK)))


def require_notes_alike(notes: dict[Shard, ShardNote]) -> None:
    """Make sure that shards are parts of one whole.

    Raises:
        PatinaError: they were made by two versions of Patina or in two ways, or one image is in two of them.
    """
    (first, one), *others = notes.items()
    seen = set(one.names)
    for shard, other in others:
        require_made_alike(first, one, shard, other)
        if twice := seen.intersection(other.names):
            raise PatinaError(f"{min(twice)} is in shard {shard} and in another one; make all of them again")
        seen.update(other.names)
