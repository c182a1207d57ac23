"""Names of files that a log, a journal or a manifest holds: they may lead only into its own folder.

Such a file may be a stranger's, and what it names is written and removed. So names are checked before anything is done.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from patina.errors import PatinaError

_LONGEST = 100


def require_inner_names(names: Iterable[str], named_by: Path) -> None:
    """Check that names lie in the folder that they are relative to, as far as they tell themselves.

    Args:
        names: relative paths.
        named_by: the file that names them, for the message.

    Raises:
        PatinaError: a name is absolute, climbs by ``..``, or names no file; the message gives the first one.
    """
    for name in names:
        if not _is_inner(name):
            raise PatinaError(f"{named_by} names {_shown(name)}, a file outside of its folder; choose another one")


def require_no_link_out(names: Iterable[str], folder: Path | str) -> None:
    """Check that no link leads from a folder to elsewhere on the way to its files, or instead of one.

    Args:
        names: relative paths that passed `require_inner_names`; the files may be absent.
        folder: the folder, which may be a link itself.

    Raises:
        PatinaError: names the first path that leads elsewhere.
    """
    root = os.path.realpath(folder)
    inside: dict[str, bool] = {}  # resolving every file of a large folder would take seconds
    for name in names:
        path, parent = os.path.join(folder, name), os.path.dirname(name)
        if parent not in inside:
            inside[parent] = _is_below(os.path.join(folder, parent), root)
        if not inside[parent] or (os.path.islink(path) and not _is_below(path, root)):
            raise PatinaError(
                f"{path} leads out of {folder} through a link; remove the link, or name the folder that it leads to"
            )


def _is_inner(name: str) -> bool:
    if not name or "\0" in name or os.path.isabs(name) or os.path.splitdrive(name)[0]:
        return False
    # Most names have no dots of their own; splitting all of a large folder would take seconds.
    return (not name.startswith(".") and ".." not in name) or _climbs_nowhere(name)


def _climbs_nowhere(name: str) -> bool:
    return ".." not in Path(name).parts and os.path.normpath(name) != os.curdir


def _is_below(path: str, root: str) -> bool:
    real = os.path.realpath(path)
    return real == root or real.startswith(os.path.join(root, ""))


def _shown(name: str) -> str:
    """Return a name that may hold control characters, or be of any length, for a message of one line."""
    shown = name if name.isprintable() and name else repr(name)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
