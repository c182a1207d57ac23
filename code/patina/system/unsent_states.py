"""Training states that were saved on this machine and could not be sent."""

from collections.abc import Iterable
from pathlib import Path

STATE = ".state"
"""Suffix of training states; where one is, everything else of its step is, too."""


def has_newer_states(unsent: set[str], there: set[str]) -> bool:
    """Return whether a training has a state that was never sent and is of a later step than all that are there.

    Args:
        unsent: names of files here that were never sent.
        there: names of files there.
    """
    sent = _newest_steps(there)
    return any(step > sent.get(folder, 0) for folder, step in _newest_steps(unsent).items())


def _newest_steps(names: Iterable[str]) -> dict[Path, int]:
    """Return the step of the newest state in every folder of states."""
    found: dict[Path, int] = {}
    for path in map(Path, names):
        if path.suffix == STATE and path.stem.isdecimal():
            found[path.parent] = max(found.get(path.parent, 0), int(path.stem))
    return found
