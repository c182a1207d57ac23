"""Image files in an LMDB as BasicSR lays them out: ``NAME.lmdb/data.mdb``, and their list ``meta_info.txt``.

A line of the list is ``name.png (height,width,channels) compression``; the key of an image is its name without suffix.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from patina.errors import PatinaError
from patina.hints import install
from patina.system.inner_paths import require_inner_names

SUFFIX = ".lmdb"
DATA, LIST = "data.mdb", "meta_info.txt"

_LINE = re.compile(r"(\S.*\.\w+) \(\d+, ?\d+, ?\d+\) \d+")
_open: dict[str, tuple[int, Any]] = {}


def lmdb_names(folder: Path) -> list[str]:
    """Return the names of the images, in the order of the list.

    Raises:
        PatinaError: the list is missing, has other lines, or names an image twice or outside of its folder.
    """
    path = folder / LIST
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise PatinaError(f"{path} cannot be read ({reason}); expected the list of images of an LMDB") from None
    names: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if (found := _LINE.fullmatch(line.strip())) is None:
            raise PatinaError(f"{path}, line {number}: expected `name.png (height,width,channels) compression`")
        if (first := names.setdefault(found[1], number)) != number:
            raise PatinaError(f"{path}, line {number}: {found[1]} is already in line {first}; remove one of them")
    require_inner_names(names, path)
    return list(names)


@contextmanager
def lmdb_value(folder: Path, name: str) -> Iterator[memoryview]:
    """Yield the content of an image's file, a view that is valid inside the block.

    Raises:
        FileNotFoundError: the LMDB has no such image.
        OSError: the LMDB cannot be read.
        PatinaError: the package is not installed.
    """
    with _environment(folder).begin(buffers=True) as transaction:
        for key in (os.path.splitext(name)[0], name.split(".")[0]):
            if (value := transaction.get(key.encode())) is not None:
                yield value
                return
        raise FileNotFoundError(2, f"no such key in {DATA}", f"{folder}/{name}")


def require_lmdb(folder: Path) -> None:
    """Check that the package is installed.

    Raises:
        PatinaError: it is not; says how to get it.
    """
    if find_spec("lmdb") is None:
        raise PatinaError(f"{folder} is an LMDB, which needs another package to be read: {install('lmdb')}")


def _environment(folder: Path) -> Any:
    """Open an LMDB once per process; a forked process may not use its parent's."""
    path, process = os.path.realpath(folder), os.getpid()
    opener, environment = _open.get(path, (None, None))
    if opener != process:
        require_lmdb(folder)
        import lmdb

        if environment is not None:  # the package refuses a second one, also of a parent process
            environment.close()
        try:
            environment = lmdb.open(path, readonly=True, lock=False, readahead=False, meminit=False, create=False)
        except lmdb.Error as error:
            raise OSError(5, str(error).removeprefix(f"{path}: "), str(folder)) from None
        _open[path] = process, environment
    return environment
