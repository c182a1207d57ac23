"""Working folders for addresses: every command works on this machine, and what lies elsewhere is copied as needed.

``s3://bucket/folder`` becomes ``~/.cache/patina/places/s3/bucket/folder`` (`PATINA_PLACES` names another folder). Files
that are only listed stand there as empty places of the right size that nobody may read; `present` fetches one when it
is read. `WorkingPlace.push` sends what has changed back.
"""

import json
import os
import re
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from patina.errors import PatinaError
from patina.system.atomic import write_text
from patina.system.remote_files import Remote, RemoteFile, split_address

READ_WHOLE = frozenset({".csv", ".json", ".jsonl", ".mdb", ".tar", ".txt", ".yaml", ".yml"})
"""Suffixes of files in a folder that are fetched at once, because more than images' readers read them."""

LISTS = READ_WHOLE - {".tar", ".mdb"}
"""Those of them that commands read in folders of results."""

STATE = ".state"
"""Suffix of training states; where one is, everything else of its step is, too."""

_RANGE = re.compile(r"\\\{\d+\\\.\\\.\d+\\\}")
_STATES = ".states"
_ONLY_LISTED = 0o200

Key = list[int]
"""Size and modification time of a file."""


def places_root() -> Path:
    """Return the folder of all working folders."""
    given = os.environ.get("PATINA_PLACES")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "patina/places"


def remote_of(path: Path) -> Remote | None:
    """Return what a path in a working folder stands for; None for other paths."""
    root = os.fspath(places_root()) + os.sep
    text = os.fspath(path)
    if not text.startswith(root) or _STATES in text[len(root) :].split(os.sep)[:1]:
        return None
    service, _, rest = text[len(root) :].replace(os.sep, "/").partition("/")
    return Remote(service, rest)


def present(path: Path) -> None:
    """Fetch a file that is only listed; other files, and what does not exist, are left as they are.

    Raises:
        OSError: it is gone.
        PatinaError: the service does not answer, or the disk is full.
    """
    text = os.fspath(path)
    if not text.startswith(os.fspath(places_root())):
        return
    try:
        state = os.stat(text)
    except OSError:
        return
    if state.st_mode & 0o400 or not stat.S_ISREG(state.st_mode):
        return
    if (remote := remote_of(path)) is not None:
        _fetch(remote, "", path, RemoteFile(state.st_size, state.st_mtime_ns))


@dataclass(frozen=True)
class WorkingPlace:
    """A folder, or a file, that is worked on here and lies elsewhere.

    Attributes:
        remote: where it lies.
        local: where it is worked on.
    """

    remote: Remote
    local: Path

    @classmethod
    def of(cls, address: str) -> "WorkingPlace":
        """Return the place of an address.

        Raises:
            PatinaError: it leads out of its service.
        """
        service, path = split_address(address) or ("", "")
        if not path or {"", ".", ".."} & set(path.split("/")):
            raise PatinaError(f"{address} is not an address; expected e.g. s3://bucket/folder")
        return cls(Remote(service, path), places_root() / service / path)

    def pull(
        self,
        whole: frozenset[str] | None = READ_WHOLE,
        *,
        is_result: bool = False,
        only: str | None = None,
        is_newer: Callable[[set[str], set[str]], bool] | None = None,
    ) -> Path:
        """Make the working folder as the remote one is now; return its path.

        Args:
            whole: suffixes of files that are fetched at once; None for all files.
            is_result: keep what only this machine has: results that could not be sent.
            only: a pattern of names; None for all files, and those in subfolders.
            is_newer: decides, by the names here that were never sent and those there, whether what this machine has is
                newer: then all of it stays as it is, to be sent.

        Raises:
            PatinaError: nothing is there and it is no result, or the service does not answer.
        """

        def is_asked_for(name: str) -> bool:
            return only is None or re.fullmatch(only, name) is not None

        with self._locked():
            files = {name: file for name, file in self.remote.files(deep=only is None).items() if is_asked_for(name)}
            if not files and not is_result:
                raise PatinaError(f"{self.remote}: nothing is there; check the address")
            known = self._state()
            if is_newer is not None and is_newer({*self._here()} - {*known}, {*files}):
                self._keep({name: both for name, both in known.items() if both["there"] == _mark(files.get(name))})
                return self.local
            for name in filter(is_asked_for, self._here()):
                if name not in files and (name in known or not is_result):
                    self._path(name).unlink()
            state = {name: both for name, both in known.items() if not is_asked_for(name)}
            for name, file in files.items():
                path, mark = self._path(name), _mark(file)
                both = known.get(name)
                is_kept = both is not None and both["there"] == mark and path.is_file()
                if both is None or not is_kept or not (is_result or both["here"] == _key(path)):
                    _list(path, file)
                    both = {"there": mark, "here": _key(path)}
                if not name or whole is None or path.suffix.lower() in whole or self.remote.service == "memory":
                    _complete(self.remote, name, path, file)
                state[name] = both
            self._keep(state)
        return self.local

    def push(self) -> None:
        """Send new and changed files, and remove there what was removed here.

        Lists of results go last, and training states after them: what they speak of is there already.

        Raises:
            PatinaError: the service does not answer.
        """
        with self._locked():
            state, sent = self._state(), False
            here = {name: _key(self._path(name)) for name in self._here()}
            changed = [name for name, key in here.items() if state.get(name, {}).get("here") != key]
            for name in sorted(changed, key=_order):
                path = self._path(name)
                if path.stat().st_mode & 0o400:
                    self.remote.put(name, path)
                    sent = True
            gone = [name for name in state if name not in here]
            for name in gone:
                self.remote.remove(name)
            if not sent and not gone:
                return
            there = self.remote.files()
            self._keep(
                {name: {"there": _mark(there[name]), "here": key} for name, key in here.items() if name in there}
            )

    def siblings(self, beginning: str) -> list["WorkingPlace"]:
        """Return the folders and files beside this one, there, whose names begin so.

        Raises:
            PatinaError: the service does not answer.
        """
        folder, _, name = self.remote.path.rpartition("/")
        above = Remote(self.remote.service, folder)
        names = above.names() if folder else []
        return [WorkingPlace.of(f"{above}/{found}") for found in names if found.startswith(name + beginning)]

    def _here(self) -> list[str]:
        """Return the names of all files here, but hidden ones."""
        if self.local.is_file():
            return [""]
        found = []
        for folder, folders, names in os.walk(self.local):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(folder).relative_to(self.local)
            found += [(below / name).as_posix() for name in names if not name.startswith(".")]
        return found

    def _path(self, name: str) -> Path:
        return self.local / name if name else self.local

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._state_file.with_suffix(".lock")
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            yield

    @property
    def _state_file(self) -> Path:
        return places_root() / _STATES / self.remote.service / f"{self.remote.path.replace('/', '%')}.json"

    def _state(self) -> dict[str, dict[str, Key]]:
        """Return what is known of the files: how they are there, and how they were here when that was so."""
        try:
            found: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
            return {name: {"there": list(both["there"]), "here": list(both["here"])} for name, both in found.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # then all is fetched again

    def _keep(self, state: dict[str, dict[str, Key]]) -> None:
        write_text(self._state_file, json.dumps(state))


def working_folder(address: str) -> Path:
    """Return the working folder, or file, of a source, as it is now; of a range of tars, their pattern there.

    Raises:
        PatinaError: nothing is there, or the service does not answer.
    """
    folder, _, name = address.rpartition("/")
    if "{" not in name:
        return WorkingPlace.of(address).pull()
    place = WorkingPlace.of(folder)
    place.pull(only=_RANGE.sub(r"\\d+", re.escape(name)))
    return place.local / name


def _order(name: str) -> tuple[bool, bool, str]:
    """Return the place of a file in the order in which files are sent."""
    suffix = Path(name).suffix
    return suffix == STATE, suffix in LISTS, name


def _mark(file: RemoteFile | None) -> Key:
    """Return what marks the content of a file there."""
    return [] if file is None else [file.size, file.mtime_ns]


def _key(path: Path) -> Key:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]


def _list(path: Path, file: RemoteFile) -> None:
    """Make the empty place of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.unlink()
    with path.open("xb") as stream:
        stream.truncate(file.size)
    os.utime(path, ns=(file.mtime_ns, file.mtime_ns))
    if file.size:
        path.chmod(_ONLY_LISTED)


def _complete(remote: Remote, name: str, path: Path, file: RemoteFile) -> None:
    if not path.stat().st_mode & 0o400:
        _fetch(remote, name, path, file)


def _fetch(remote: Remote, name: str, path: Path, file: RemoteFile) -> None:
    """Copy a file, which appears whole or not at all, with the time stamp of its empty place."""
    temporary = path.with_name(f".get-{uuid.uuid4().hex}")
    try:
        remote.get(name, temporary, file.size)
        os.utime(temporary, ns=(file.mtime_ns, file.mtime_ns))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
