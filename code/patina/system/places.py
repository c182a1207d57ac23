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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from patina.errors import PatinaError
from patina.system.atomic import write_text
from patina.system.place_paths import (
    note_results,
    places_root,
    remote_of,
    results_around,
    results_inside,
    state_file,
    working_path,
)
from patina.system.remote_files import Remote, RemoteFile, split_address
from patina.system.unsent_states import STATE, has_newer_states

READ_WHOLE = frozenset({".csv", ".json", ".jsonl", ".mdb", ".tar", ".txt", ".yaml", ".yml"})
"""Suffixes of files in a folder that are fetched at once, because more than images' readers read them."""

LISTS = READ_WHOLE - {".tar", ".mdb"}
"""Those of them that commands read in folders of results."""

_RANGE = re.compile(r"\\\{\d+\\\.\\\.\d+\\\}")
_ONLY_LISTED = 0o200

Key = list[int]
"""Size and modification time of a file."""


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
        left_out: names of folders in it that are of this machine alone, as hidden ones are.
    """

    remote: Remote
    local: Path
    left_out: frozenset[str] = frozenset()

    @classmethod
    def of(cls, address: str) -> "WorkingPlace":
        """Return the place of an address.

        Raises:
            PatinaError: it leads out of its service.
        """
        service, path = split_address(address) or ("", "")
        if not path or {"", ".", ".."} & set(path.split("/")):
            raise PatinaError(f"{address} is not an address; expected e.g. s3://bucket/folder")
        remote = Remote(service, path)
        return cls(remote, working_path(remote))

    def pull(
        self, whole: frozenset[str] | None = READ_WHOLE, *, is_result: bool = False, only: str | None = None
    ) -> Path:
        """Make the working folder as the remote one is now; return its path.

        Args:
            whole: suffixes of files that are fetched at once; None for all files.
            is_result: this machine sends results there: keep those that were not sent; all that is here, if one of
                them is a training state that is newer than those there.
            only: a pattern of names; None for all files, and those in subfolders.

        Raises:
            PatinaError: nothing is there and it is no result, or the service does not answer.
        """
        with self._locked():
            if is_result:
                note_results(self.remote)
            inside = self._pulled_inside() if only is None else ()

            def is_asked_for(name: str) -> bool:
                return not name.startswith(inside) if only is None else re.fullmatch(only, name) is not None

            there = {name: file for name, file in self.remote.files(deep=only is None).items() if self._is_shared(name)}
            if not any(map(is_asked_for, there)) and not is_result and not (inside and self.has_files()):
                raise PatinaError(f"{self.remote}: nothing is there; check the address")
            files = {name: file for name, file in there.items() if is_asked_for(name)}
            here, known = [*filter(is_asked_for, self._here())], self._state()
            if is_result and has_newer_states({*here} - {*known}, {*files}):
                self._keep({name: both for name, both in known.items() if both["there"] == _mark(there.get(name))})
                return self.local
            for name in here:
                if name not in files and (not is_result or known.get(name, {}).get("here") == _key(self._path(name))):
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
            PatinaError: the service does not answer; what was sent before is not sent again.
        """
        with self._locked():
            note_results(self.remote)
            here = {name: _key(self._path(name)) for name in self._here()}
            state, known = self._state(), self._state()
            try:
                self._send(here, state)
            finally:
                if state != known:
                    self._keep(state)
            if state == known and all(both["there"] for both in state.values()):
                return
            there = self.remote.files()
            self.remote.remove_half_sent(there, here)
            still = {name: both for name, both in state.items() if name in there}
            self._keep({name: both | {"there": both["there"] or _mark(there[name])} for name, both in still.items()})

    def _send(self, here: dict[str, Key], state: dict[str, dict[str, Key]]) -> None:
        """Make the files there as those here, and note what was sent in `state`, without how it is there."""
        for name in sorted((name for name, key in here.items() if state.get(name, {}).get("here") != key), key=_order):
            path = self._path(name)
            if path.stat().st_mode & 0o400:
                self.remote.put(name, path)
            state[name] = {"there": [], "here": here[name]}
        for name in [name for name in state if name not in here]:
            self.remote.remove(name)
            del state[name]

    def siblings(self, beginning: str) -> list["WorkingPlace"]:
        """Return the folders and files beside this one, there, whose names begin so.

        Raises:
            PatinaError: the service does not answer.
        """
        folder, _, name = self.remote.path.rpartition("/")
        above = Remote(self.remote.service, folder)
        names = above.names() if folder else []
        return [WorkingPlace.of(f"{above}/{found}") for found in names if found.startswith(name + beginning)]

    def has_files(self) -> bool:
        """Return whether anything lies here."""
        return bool(self._here())

    def _pulled_inside(self) -> tuple[str, ...]:
        """Pull the places inside to which this machine sends results; return what names of their files begin with."""
        inside = results_inside(self.remote)
        for remote in inside:
            WorkingPlace(remote, working_path(remote)).pull(is_result=True)
        return tuple(f"{remote.path.removeprefix(self.remote.path + '/')}/" for remote in inside)

    def _is_shared(self, name: str) -> bool:
        """Whether a file is sent and fetched: not hidden, and not left out."""
        parts = name.split("/")
        return parts[0] not in self.left_out and not any(part.startswith(".") for part in parts)

    def _here(self) -> list[str]:
        """Return the names of all files here that are sent."""
        if self.local.is_file():
            return [""]
        found = []
        for folder, folders, names in os.walk(self.local):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(folder).relative_to(self.local)
            found += [(below / name).as_posix() for name in names]
        return list(filter(self._is_shared, found))

    def _path(self, name: str) -> Path:
        return self.local / name if name else self.local

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = state_file(self.remote).with_suffix(".lock")
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            yield

    def _state(self) -> dict[str, dict[str, Key]]:
        """Return what is known of the files: how they are there, and how they were here when that was so."""
        try:
            found: dict[str, Any] = json.loads(state_file(self.remote).read_text(encoding="utf-8"))
            found = {name: both for name, both in found.items() if self._is_shared(name)}
            return {name: {"there": list(both["there"]), "here": list(both["here"])} for name, both in found.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # then all is fetched again

    def _keep(self, state: dict[str, dict[str, Key]]) -> None:
        write_text(state_file(self.remote), json.dumps(state))


def working_folder(address: str) -> Path:
    """Return the working folder, or file, of a source, as it is now; of a range of tars, their pattern there.

    Where this machine sends results, e.g. while it trains, those that were not sent yet belong to the source.

    Raises:
        PatinaError: nothing is there, or the service does not answer.
    """
    folder, _, name = address.rpartition("/")
    is_range = "{" in name
    place = WorkingPlace.of(folder if is_range else address)
    if (results := results_around(place.remote)) is None:
        place.pull(only=_RANGE.sub(r"\\d+", re.escape(name)) if is_range else None)
    else:
        WorkingPlace(results, working_path(results)).pull(is_result=True)
        if not place.has_files():
            raise PatinaError(f"{place.remote}: nothing is there; check the address")
    return place.local / name if is_range else place.local


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
