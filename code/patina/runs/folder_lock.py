"""A lock on a folder while a command writes into it, so that two commands never do so at once."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from patina.errors import PatinaError
from patina.system.atomic import write_text
from patina.system.inner_paths import require_no_link_out

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
    require_no_link_out([f"{HIDDEN}/{name}" for name in (LOCK_NAME, HOLDER_NAME, DIGESTS_NAME)], folder)
    is_new = not folder.exists()
    lock, hidden = _acquired(folder, wait), folder / HIDDEN
    try:
        since = datetime.now().isoformat(sep=" ", timespec="seconds")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}
        write_text(hidden / HOLDER_NAME, json.dumps(holder) + "\n")
        yield
    finally:
        # A process that has just opened the lock's file notices that it is unlinked, and opens a new one.
        for name in (HOLDER_NAME, LOCK_NAME):
            with suppress(OSError):
                (hidden / name).unlink()
        with suppress(OSError):
            hidden.rmdir()
            if is_new:
                folder.rmdir()
        lock.release()


def _acquired(folder: Path, wait: bool) -> FileLock:
    """Acquire the lock of a folder."""
    lock, is_told = FileLock(folder / HIDDEN / LOCK_NAME, thread_local=False), False
    try:
        while not _try_to_acquire(lock, folder):
            if not wait:
                raise PatinaError(f"{_in_use(folder)}; wait until it ends, or choose another folder")
            if not is_told:
                print(f"{_in_use(folder)}; waiting until it ends", file=sys.stderr)
                is_told = True
            time.sleep(_POLL_SECONDS)
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PatinaError(f"{folder} cannot be locked: {reason}; choose a folder that can be written to") from error
    return lock


def _try_to_acquire(lock: FileLock, folder: Path) -> bool:
    """Make the folder if it is missing, and try to acquire its lock; return whether that worked."""
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError, FileExistsError):  # a holder that ends removes empty folders, at any moment
            return _try_once(lock, folder)
    return _try_once(lock, folder)


def _try_once(lock: FileLock, folder: Path) -> bool:
    (folder / HIDDEN).mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _in_use(folder: Path) -> str:
    """Say which process holds the lock of a folder."""
    try:
        holder = json.loads((folder / HIDDEN / HOLDER_NAME).read_text(encoding="utf-8"))
        who = "process {pid} on {host} (`patina {command}`, since {since})".format(**holder)
    except (OSError, ValueError, KeyError, TypeError):  # not yet written, or just removed
        who = "another process"
    return f"{folder} is being written by {who}"
