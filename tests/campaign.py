"""Campaigns: small counts by `pytest -m reliability`, large ones by `make check-reliability`."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

OUTSIDE = Path(tempfile.gettempdir()) / "patina_attack.png"
"""An absolute path that attacks name, and where nothing may be written."""


@dataclass
class Tally:
    """What came of the attempts of one kind.

    Attributes:
        tried: attempts.
        lost: descriptions of those that lost work, gave a wrong result or ended in a traceback.
    """

    tried: int
    lost: list[str]


class Campaign:
    """Counts for tests of reliability, and a file for what came of them.

    Args:
        is_large: whether counts are large.
        file: JSON lines, to which every row of the table is appended; None for no file.
    """

    def __init__(self, is_large: bool, file: Path | None):
        self._is_large = is_large
        self._file = file

    def count(self, small: int, large: int) -> int:
        """Return how often to try: `small` in a test run, `large` in a campaign."""
        return large if self._is_large else small

    def require_large(self, reason: str) -> None:
        """Skip what only a campaign does."""
        if not self._is_large:
            pytest.skip(f"{reason}: only with --large")

    @contextmanager
    def row(self, name: str, tried: int = 0) -> Iterator[Tally]:
        """Record a row of the table in a ``with`` block, and fail if anything was lost.

        Args:
            name: a row of `docs/make_reliability.py`; tests that record the same one are added up.
            tried: attempts, where they are known before.
        """
        tally = Tally(tried, [])
        try:
            yield tally
        finally:
            if self._file is not None:
                line = {"row": name, "tried": tally.tried, "lost": len(tally.lost)}
                with self._file.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(line) + "\n")
        assert tally.tried > 0
        assert not tally.lost, "\n".join([f"{len(tally.lost)} of {tally.tried} lost:", *tally.lost[:5]])
