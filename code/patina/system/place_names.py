"""Messages about working folders: they name the addresses that users gave."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patina.errors import PatinaError
from patina.system.place_paths import places_root, remote_of, working_path
from patina.system.remote_files import Remote, address_of, split_address


def as_given(text: str) -> str:
    """Return a text with addresses in the place of working folders."""
    root = re.escape(f"{places_root()}/")
    return re.sub(root + r"([a-z0-9+.-]+)/", lambda found: address_of(found[1], ""), text)


def lasting_name(path: Path) -> str:
    """Return the resolved path of a source, for a file that other machines read: the address of a working folder."""
    remote = remote_of(path)
    return str(path.resolve()) if remote is None else str(remote)


def path_here(name: str) -> Path:
    """Return the path on this machine of a source that `lasting_name` named; nothing is fetched."""
    found = split_address(name)
    return Path(name) if found is None else working_path(Remote(*found))


@contextmanager
def named_as_given() -> Iterator[None]:
    """Let messages name addresses instead of working folders in the ``with`` block.

    Raises:
        PatinaError: one that the block raises, with its addresses.
    """
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_Renaming, streams)
    try:
        yield
    except PatinaError as error:
        lines = [as_given(str(line)) for line in error.args]
        if lines == [*error.args]:
            raise
        raise type(error)(*lines) from None
    finally:
        sys.stdout, sys.stderr = streams


class _Renaming(io.TextIOBase):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What the stream can write; progress bars ask."""
        return str(getattr(self._stream, "encoding", None) or "ascii")

    def write(self, text: str) -> int:
        self._stream.write(as_given(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return bool(self._stream.isatty())

    def fileno(self) -> int:
        return int(self._stream.fileno())
