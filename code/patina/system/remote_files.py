"""Files at addresses (``s3://bucket/a.png``, ``memory://a.png``, …), by fsspec (extra ``cloud``); calls are retried.

An address names a service and a path. What a service needs to know, keys and endpoints, fsspec takes from its own
configuration and from environment variables.
"""

import hashlib
import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from patina.errors import PatinaError
from patina.hints import install
from patina.system.inner_paths import require_inner_names

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds to wait before a broken call is tried again."""

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/{1,3}([^/].*)", re.DOTALL)
_LASTING = (IsADirectoryError, NotADirectoryError, PermissionError, ImportError, ValueError, TypeError)
"""Errors that a second try does not mend."""

T = TypeVar("T")


_FOLDERS = frozenset({"file", "local", "sftp", "ssh"})
"""Services where others see a file grow while it is written; object stores show it when it is whole."""

_HALF_SENT = ".part-"
"""What the names of files that are being sent begin with there."""


class Unreachable(PatinaError):
    """A service does not answer, or refuses."""

    @property
    def problem(self) -> str:
        """What is wrong, without what to do."""
        return str(self).partition("; ")[0]


def split_address(text: str) -> tuple[str, str] | None:
    """Return the service and the path of an address; None for a path on this machine.

    `pathlib` leaves one slash of two, so ``s3:/bucket`` is an address, too.
    """
    found = _ADDRESS.fullmatch(text)
    return None if found is None else (found[1], found[2].rstrip("/"))


def address_of(service: str, path: str) -> str:
    """Return the address of a path at a service; paths of this machine itself (``file:///a``) begin at its root."""
    return f"{service}:///{path}" if service in ("file", "local") else f"{service}://{path}"


@dataclass(frozen=True)
class RemoteFile:
    """A file as a service lists it.

    Attributes:
        size: in bytes.
        mtime_ns: when it changed; another content has another one.
    """

    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Remote:
    """A folder or a file at a service.

    Attributes:
        service: e.g. ``s3``.
        path: there, e.g. ``bucket/folder``.
        is_patient: whether a broken call is tried again.
    """

    service: str
    path: str
    is_patient: bool = True

    def __str__(self) -> str:
        return address_of(self.service, self.path)

    def names(self) -> list[str]:
        """Return the names of what lies directly in this folder; nothing for no folder. Errors as in `files`."""

        def listed(files: Any, root: str) -> list[str]:
            files.invalidate_cache()
            try:
                return [path.rstrip("/").rpartition("/")[2] for path in files.ls(root, detail=False)]
            except FileNotFoundError:
                return []

        return sorted(self._retried(listed, ""))

    def files(self, deep: bool = True) -> dict[str, RemoteFile]:
        """Return all files below, by name; a file itself has the name ``""``, and nothing gives nothing.

        Args:
            deep: with those in subfolders.

        Raises:
            Unreachable: the service does not answer.
            PatinaError: a name leads out of the folder.
        """

        def listed(files: Any, root: str) -> dict[str, RemoteFile]:
            files.invalidate_cache()
            try:
                found = files.find(root, maxdepth=None if deep else 1, detail=True)
            except FileNotFoundError:
                return {}
            own = root.rstrip("/")
            return {path.removeprefix(own).lstrip("/"): _described(info) for path, info in sorted(found.items())}

        found = self._retried(listed, "")
        require_inner_names([name for name in found if name], Path(str(self)))
        return found

    def get(self, name: str, file: Path, size: int | None = None) -> None:
        """Copy a file to this machine.

        Args:
            name: below this folder.
            file: where to.
            size: that it must have; less is a broken connection.

        Raises:
            FileNotFoundError: it is gone.
            Unreachable: the service does not answer.
        """

        def copied(files: Any, path: str) -> None:
            files.get_file(path, str(file))
            if size is not None and file.stat().st_size != size:
                raise ConnectionError(f"{file.stat().st_size} of {size} bytes came")

        self._retried(copied, name)

    def put(self, name: str, file: Path) -> None:
        """Copy a file to the service, where it appears whole or not at all; errors as in `get`."""

        def copied(files: Any, path: str) -> None:
            folder, _, last = path.rpartition("/")
            files.makedirs(folder, exist_ok=True)
            if self.service not in _FOLDERS:
                files.put_file(str(file), path)
                return
            files.put_file(str(file), half := f"{folder}/{_HALF_SENT}{last}")
            files.mv(half, path)

        self._retried(copied, name)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there; errors as in `get`."""

        def removed(files: Any, path: str) -> None:
            try:
                files.rm_file(path)
            except FileNotFoundError:
                return

        self._retried(removed, name)

    def remove_half_sent(self, names: Iterable[str], whole: Collection[str]) -> None:
        """Remove what calls of `put` left there that were ended before; errors as in `get`.

        Args:
            names: of all files there.
            whole: of the files that are sent: what was half sent of them is sent anew.
        """
        for name in names if self.service in _FOLDERS else ():
            folder, _, last = name.rpartition("/")
            if last.startswith(_HALF_SENT) and f"{folder}/{last.removeprefix(_HALF_SENT)}".lstrip("/") not in whole:
                self.remove(name)

    def _retried(self, call: Callable[[Any, str], T], name: str) -> T:
        """Call with the service and a path there, some times if that fails."""
        address = f"{self}/{name}" if name else str(self)
        pauses = PAUSES if self.is_patient else ()
        for pause in (*pauses, None):
            try:
                return call(*_opened(address))
            except (PatinaError, FileNotFoundError):
                raise
            except Exception as error:  # every service has errors of its own
                if isinstance(error, _LASTING) or pause is None:
                    tries = "" if isinstance(error, _LASTING) or not pauses else f" {len(pauses) + 1} times"
                    raise Unreachable(
                        f"{address} cannot be used{tries} ({_reason(error)}); run the same command again when it can, "
                        "and it continues"
                    ) from None
                time.sleep(pause)
        raise AssertionError("unreachable")


def _opened(address: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise PatinaError(f"{address} is read by fsspec, which is not installed: {install('cloud')}") from None
    files, path = fsspec.core.url_to_fs(address)
    return files, path


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _described(info: dict[str, Any]) -> RemoteFile:
    """Return what a listing says; the fraction of the time stamp is a digest of whatever marks the content."""
    changed = next((info[key] for key in ("LastModified", "mtime", "created", "updated") if info.get(key)), 0)
    seconds = int(
        changed.timestamp() if isinstance(changed, datetime) else changed if isinstance(changed, float) else 0
    )
    mark = f"{info.get('ETag') or info.get('md5') or ''} {changed} {info['size']}"
    fraction = int.from_bytes(hashlib.blake2b(mark.encode(), digest_size=8).digest(), "big") % 1_000_000_000
    return RemoteFile(int(info["size"]), seconds * 1_000_000_000 + fraction)
