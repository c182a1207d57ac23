"""HEIC pictures. The library ends its process on some damaged files, so it works in one of its own.

The process is started with the first HEIC, and again after a file that ended it, which is that file's failure alone.
"""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from patina.imaging.heic_process import HEADER, PIXELS, received, send
from patina.imaging.plugin_pictures import UnreadablePlugin

_PROGRAM = "from patina.imaging.heic_process import serve; import sys; serve(sys.stdin.buffer, sys.stdout.buffer)"

_locks: dict[int, threading.Lock] = {}
_readers: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class HeicHeader:
    """What a HEIC says about itself.

    Attributes:
        width, height: in pixels, upright.
        exif: its EXIF data; empty for none.
        profile: its ICC profile; empty for none.
    """

    width: int
    height: int
    exif: bytes
    profile: bytes


def heic_header(data: bytes) -> HeicHeader:
    """Parse a HEIC without decoding its pixels.

    Raises:
        UnreadablePlugin: it is damaged.
    """
    told, content = _asked(HEADER, data)
    width, height = told["size"]
    return HeicHeader(width, height, content[: told["exif"]], content[told["exif"] :])


def decode_heic(data: bytes) -> np.ndarray:
    """Decode the first picture of a HEIC, upright.

    Returns:
        uint8, gray ``[H, W]``, RGB ``[H, W, 3]`` or RGBA ``[H, W, 4]``.

    Raises:
        UnreadablePlugin: it is damaged.
        MemoryError: there is too little memory.
    """
    told, content = _asked(PIXELS, data)
    return np.frombuffer(content, np.uint8).reshape(told["shape"])


def _asked(wanted: bytes, data: bytes) -> tuple[dict[str, Any], bytes]:
    with _locks.setdefault(os.getpid(), threading.Lock()):
        reader = _reader()
        assert reader.stdin is not None
        assert reader.stdout is not None
        try:
            send(reader.stdin, wanted, data)
            told, content = json.loads(received(reader.stdout)), received(reader.stdout)
        except (EOFError, OSError):
            _end(_readers.pop(os.getpid()))
            raise UnreadablePlugin("damage that ends its decoder") from None
    if told.get("lacks_memory"):
        raise MemoryError
    if "error" in told:
        raise UnreadablePlugin(" ".join(told["error"].split())[:100])
    return told, content


def _reader() -> subprocess.Popen[bytes]:
    """Return this process's reader; a forked process may not use its parent's."""
    if os.getpid() not in _readers:
        _readers.clear()
        _readers[os.getpid()] = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the command, which may end its work first
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
    return _readers[os.getpid()]


def _end(reader: subprocess.Popen[bytes]) -> None:
    reader.kill()
    reader.communicate()
