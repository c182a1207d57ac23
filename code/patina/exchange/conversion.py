"""What a conversion gives: plain values, and a remark for everything that is lost or different."""

from dataclasses import dataclass, field
from typing import Any

Block = dict[str, Any]
"""A block of a recipe as plain values: ``{operation: settings}``."""


class Remarks:
    """What the user should know about a conversion; all formats report through it."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, int], None] = {}

    @property
    def lines(self) -> list[str]:
        """One line a remark, none twice: those about the whole first, then by the line that they are about."""
        told = sorted(self._told, key=lambda remark: remark[1])
        return [f"line {line}: {text}" if line else text for text, line in told]

    def add(self, text: str, line: int | None = None) -> None:
        """Keep a remark; `line` is the number of the line in the source that it is about."""
        self._told[text, line or 0] = None

    def lost(self, what: str, line: int | None = None) -> None:
        """Keep the remark that something has no counterpart."""
        self.add(f"{what}: no counterpart, omitted", line)


@dataclass
class Conversion:
    """A recipe or a configuration as plain values, and a remark for every setting that was lost or changed."""

    values: dict[str, Any]
    remarks: list[str] = field(default_factory=list)
