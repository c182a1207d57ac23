"""Where working folders lie on this machine, and what is noted about them beside them."""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

from patina.system.atomic import write_text
from patina.system.remote_files import Remote

_NOTES = ".states"
_RESULTS = ".results"
_LONGEST = 200
"""Characters of a note's name without its suffix; file systems allow 255 bytes, and temporary names are longer."""


def places_root() -> Path:
    """Return the folder of all working folders."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("PATINA_PLACES") or f"{cache}/patina/places").expanduser().absolute()


def working_path(remote: Remote) -> Path:
    """Return where a remote folder or file is worked on."""
    return places_root() / remote.service / remote.path


def remote_of(path: Path) -> Remote | None:
    """Return what a path in a working folder stands for; None for other paths."""
    root = os.fspath(places_root()) + os.sep
    text = os.fspath(path)
    if not text.startswith(root) or _NOTES in text[len(root) :].split(os.sep)[:1]:
        return None
    service, _, rest = text[len(root) :].replace(os.sep, "/").partition("/")
    return Remote(service, rest)


def state_file(remote: Remote) -> Path:
    """Return the state file of a place; no two places share one."""
    name = quote(remote.path, safe="", errors="surrogateescape")
    if len(name) > _LONGEST:  # two percent signs are in no quoted name
        digest = hashlib.sha256(name.encode()).hexdigest()
        name = f"{name[: _LONGEST - len(digest) - 2]}%%{digest}"
    return places_root() / _NOTES / remote.service / f"{name}.json"


def note_results(remote: Remote) -> None:
    """Note that this machine sends results to a place."""
    if not (note := _note(remote)).exists():
        write_text(note, remote.path)


def results_around(remote: Remote) -> Remote | None:
    """Return the place, or the nearest one around it, if this machine sends results there."""
    parts = remote.path.split("/")
    around = (Remote(remote.service, "/".join(parts[:end])) for end in range(len(parts), 0, -1))
    return next((place for place in around if _note(place).exists()), None)


def results_inside(remote: Remote) -> list[Remote]:
    """Return the places inside a place to which this machine sends results."""
    paths = [found.read_text(encoding="utf-8") for found in _note(remote).parent.glob(f"*{_RESULTS}")]
    return [Remote(remote.service, path) for path in sorted(paths) if path.startswith(f"{remote.path}/")]


def _note(remote: Remote) -> Path:
    return state_file(remote).with_suffix(_RESULTS)
