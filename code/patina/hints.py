"""Hints: the known name that was probably meant, and how a missing extra is installed."""

import difflib
from collections.abc import Iterable

DISTRIBUTION = "patina-sr"
"""Patina's name for pip."""

_ALIKE = 0.8
"""Similarity of names, of at most 1, that are meant to be the same."""

_SHORTEST = 4
"""Letters that a name must have to be taken for the beginning or a part of a longer one."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown `name`: the nearest known name, or all known names."""
    known = list(known)
    found = nearest_name(name, known)
    return f"did you mean {found}?" if found else f"expected one of {', '.join(known)}"


def nearest_name(name: str, known: Iterable[str], *, is_whole: bool = False) -> str | None:
    """Return the known name nearest to `name`, or None; only one of nearly the same letters if `name` is whole.

    Upper and lower case, dashes, dots and underscores do not count. A name that begins as `name` does goes before those
    that are spelt alike, and these before names that only contain it.
    """
    given, names = _letters(name), {_letters(one): one for one in known}
    if given in names:
        return names[given]
    if is_whole:
        return next((names[one] for one in difflib.get_close_matches(given, names, n=1, cutoff=_ALIKE)), None)
    longer = sorted((one for one in names if given in one), key=len) if len(given) >= _SHORTEST else []
    near = [
        *(one for one in longer if one.startswith(given)),
        *difflib.get_close_matches(given, names, n=1),
        *longer,
    ]
    return names[near[0]] if near else None


def install(extra: str) -> str:
    """Return the command that installs one of Patina's extras, e.g. ``heic``, also where Patina runs from a clone."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
