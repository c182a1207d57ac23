"""The NumPy files that operations read."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from patina.errors import PatinaError


def read_arrays(path: Path, content: str) -> dict[str, np.ndarray]:
    """Read the arrays of an ``.npz`` file by name, or the one of an ``.npy`` file, whose name is empty.

    Args:
        path: the file.
        content: what it should hold, for the message.

    Raises:
        PatinaError: the file cannot be read.
    """
    try:
        loaded = np.load(path)
        if isinstance(loaded, np.ndarray):
            return {"": loaded}
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except (OSError, EOFError, MemoryError, SyntaxError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise PatinaError(f"{path}: cannot be read as a NumPy file of {content} ({error})") from None
