"""A lock on a folder while a command writes into it, so that two commands never do so at once."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from patina.errors import PatinaError
from patina.runs.fingerprint import digest_of
from patina.system.atomic import write_text
from patina.system.inner_paths import require_no_link_out
from patina.system.telling import warn
from patina.system.typed_values import parsed_object, shortened

HIDDEN = ".patina"
"""The hidden folder for the lock and other files that may be deleted while no command runs."""

LOCK_NAME, HOLDER_NAME = "lock", "holder.json"
"""The lock, which the operating system releases when its process dies, and a description of that process."""

DIGESTS_NAME = "sources.jsonl"
"""Digests of sources; see `patina.runs.source_digests`."""

_POLL_SECONDS = 0.2
_ATTEMPTS = 10


@contextmanager
def folder_lock(folder: Path, command: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a folder; the folder is made if it is missing, and removed again if it stays empty.

    Args:
        folder: what to lock.
        command: the command of Patina, named to others that want the lock.
        wait: wait for another holder, instead of refusing.

    Raises:
        PatinaError: the lock is held already, by another process or this one, or the folder cannot be locked, or its
            hidden folder leads elsewhere.
    """
    with _lock(_Place(folder, folder, LOCK_NAME, HOLDER_NAME), command, wait):
        yield


@contextmanager
def file_lock(file: Path, command: str) -> Iterator[None]:
    """Hold the lock of one file; other commands may write other files beside it meanwhile.

    Args:
        file: what the command writes.
        command: the command of Patina, named to others that want the lock.

    Raises:
        PatinaError: as in `folder_lock`.
    """
    name = digest_of(os.fsencode(file.name))
    with _lock(_Place(file, file.parent, f"{name}.{LOCK_NAME}", f"{name}.{HOLDER_NAME}"), command, wait=False):
        yield


@dataclass(frozen=True)
class _Place:
    """What is locked, and the files in the hidden folder of `folder` that do so."""

    locked: Path
    folder: Path
    lock_name: str
    holder_name: str

    @property
    def lock(self) -> Path:
        return self.folder / HIDDEN / self.lock_name

    @property
    def holder(self) -> Path:
        return self.folder / HIDDEN / self.holder_name


@contextmanager
def _lock(place: _Place, command: str, wait: bool) -> Iterator[None]:
    require_no_link_out(
        [f"{HIDDEN}/{name}" for name in (place.lock_name, place.holder_name, DIGESTS_NAME)], place.folder
    )
    is_new = not place.folder.exists()
    lock = _acquired(place, wait)
    try:
        since = datetime.now().isoformat(sep=" ", timespec="seconds")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}
        write_text(place.holder, json.dumps(holder) + "\n")
        yield
    finally:
        # A process that has just opened the lock's file notices that it is unlinked, and opens a new one.
        for file in (place.holder, place.lock):
            with suppress(OSError):
                file.unlink()
        with suppress(OSError):
            place.lock.parent.rmdir()
            if is_new:
                place.folder.rmdir()
        lock.release()


def _acquired(place: _Place, wait: bool) -> FileLock:
    """Acquire a lock."""
    lock, is_told = FileLock(place.lock, thread_local=False), False
    try:
        while not _try_to_acquire(lock):
            if not wait:
                raise PatinaError(f"{_in_use(place)}; wait until it ends, or choose another {_kind(place)}")
            if not is_told:
                warn(f"{_in_use(place)}; waiting until it ends")
                is_told = True
            time.sleep(_POLL_SECONDS)
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        told = f"{place.locked} cannot be locked: {reason}"
        raise PatinaError(f"{told}; choose a {_kind(place)} that can be written to") from error
    return lock


def _kind(place: _Place) -> str:
    return "folder" if place.locked == place.folder else "file"


def _try_to_acquire(lock: FileLock) -> bool:
    """Make the folder if it is missing, and try to acquire its lock; return whether that worked."""
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError, FileExistsError):  # a holder that ends removes empty folders, at any moment
            return _try_once(lock)
    return _try_once(lock)


def _try_once(lock: FileLock) -> bool:
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _in_use(place: _Place) -> str:
    """Say which process holds a lock."""
    try:
        holder = parsed_object(place.holder.read_text(encoding="utf-8"))
        shown = {name: shortened(str(value)) for name, value in holder.items()}
        who = "process {pid} on {host} (`patina {command}`, since {since})".format(**shown)
    except (OSError, ValueError, KeyError, TypeError):  # not yet written, or just removed
        who = "another process"
    return f"{place.locked} is being written by {who}"
