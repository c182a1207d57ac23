"""Where the journal of an output folder lies: among the results, or beside the folder, which then has images alone.

neosr, traiNNer-redux and BasicSR take every file of a folder for an image, neosr those of hidden subfolders, too. So
the journal of ``pairs/lq`` can lie in ``pairs/.lq.patina``.
"""

import os
from contextlib import suppress
from pathlib import Path

from patina.errors import PatinaError
from patina.runs.folder_lock import DIGESTS_NAME, HIDDEN
from patina.system.inner_paths import require_no_link_out

LOG_NAME = "log.jsonl"

READABLE_NAME = "applied_degradations.txt"
"""A readable version of the journal of a degraded set, beside it."""

_NAMES = (LOG_NAME, READABLE_NAME, DIGESTS_NAME)


def journal_file(folder: Path) -> Path:
    """Return the journal of a folder: the one beside it, if there is one, or else the one in it, which may be missing.

    Raises:
        PatinaError: the folder of logs beside it is a link, or a file in it leads elsewhere.
    """
    beside = _beside(folder)
    if not (beside / LOG_NAME).is_file():
        return folder / LOG_NAME
    _refuse_links(beside)
    return beside / LOG_NAME


def digests_file(log: Path) -> Path:
    """Return the file of the source digests that belongs to a journal; it may be missing."""
    return (log.parent if is_beside(log) else log.parent / HIDDEN) / DIGESTS_NAME


def is_beside(log: Path) -> bool:
    """Return whether a journal lies beside its folder."""
    return folder_of_journal(log) != log.parent


def folder_of_journal(log: Path) -> Path:
    """Return the folder whose journal this is."""
    place = log.parent
    folder = place.with_name(place.name[1 : -len(HIDDEN)]) if _may_be_beside(place.name) else place
    return folder if folder.is_dir() else place


def move_journal_out(folder: Path) -> Path:
    """Move the journal of a folder and its readable version, as far as they exist, beside the folder.

    The digests are left to be read again, as a killed move could leave some in both places.

    Returns:
        The journal's new place.

    Raises:
        PatinaError: as `journal_file`.
    """
    beside = _beside(folder)
    beside.mkdir(exist_ok=True)
    _refuse_links(beside)
    for name in (READABLE_NAME, LOG_NAME):
        if (folder / name).is_file():
            os.replace(folder / name, beside / name)
    with suppress(FileNotFoundError):
        os.unlink(folder / HIDDEN / DIGESTS_NAME)
    return beside / LOG_NAME


def remove_journal(folder: Path) -> None:
    """Remove a folder's journal, its readable version and the source digests, wherever they lie."""
    for place in (folder, folder / HIDDEN, beside := _beside(folder)):
        for name in _NAMES:
            with suppress(OSError):
                os.unlink(place / name)
    for place in (folder / HIDDEN, beside):
        with suppress(OSError):
            place.rmdir()


def _beside(folder: Path) -> Path:
    whole = Path(os.path.abspath(folder))
    return whole.with_name(f".{whole.name}{HIDDEN}")


def _refuse_links(beside: Path) -> None:
    if beside.is_symlink():
        raise PatinaError(f"{beside} is a link, expected a folder of logs; remove it")
    require_no_link_out(_NAMES, beside)


def _may_be_beside(name: str) -> bool:
    return name.startswith(".") and name.endswith(HIDDEN) and len(name) > 1 + len(HIDDEN)
