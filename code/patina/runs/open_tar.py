"""A tar in progress: headers that are a function of the contents, a digest, and the disk before the end."""

import hashlib
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from patina.errors import PatinaError

Sample = Sequence[tuple[str, bytes]]
"""Members of one key: names and contents."""

_BLOCK = 512


@dataclass
class OpenTar:
    """A tar in progress. Its headers hold nothing but names and sizes, so equal contents give equal tars.

    Attributes:
        path: the file.
        count: number of samples.
        size: bytes so far.
    """

    path: Path
    count: int = 0
    size: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        with telling_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                self.path.unlink()
            self._file: IO[bytes] = self.path.open("xb")

    def add(self, sample: Sample) -> None:
        """Append the members of a sample."""
        for name, data in sample:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o644
            self._write(info.tobuf(tarfile.PAX_FORMAT, "utf-8") + data + bytes(-len(data) % _BLOCK))
        self.count += 1

    def close(self) -> tuple[int, str]:
        """Write the end to the disk; return the tar's size and digest."""
        if not self._file.closed:
            self._write(bytes(2 * _BLOCK))
            self._write(bytes(-self.size % tarfile.RECORDSIZE))
            with telling_errors(self.path), self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
        return self.size, self._digest.hexdigest()

    def _write(self, data: bytes) -> None:
        with telling_errors(self.path):
            self._file.write(data)
        self._digest.update(data)
        self.size += len(data)


@contextmanager
def telling_errors(path: Path) -> Iterator[None]:
    """Turn errors of the system into one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise PatinaError(f"{path} cannot be written: {reason}; free some space or choose another place") from error


def tar_bytes(data: bytes) -> int:
    """Return how many bytes a member takes, with its header."""
    return _BLOCK + len(data) + -len(data) % _BLOCK
