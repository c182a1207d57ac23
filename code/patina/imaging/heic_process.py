"""The process that `patina.imaging.heic_pictures` starts: it reads HEICs from its input, and answers on its output.

A request is one byte, what is wanted, and the file; an answer is a JSON and bytes. Lengths, 8 bytes each, go before.
"""

import io
import json
import struct
from typing import IO, Any

HEADER, PIXELS = b"h", b"p"
_LENGTH = struct.Struct(">Q")


def send(stream: IO[bytes], *parts: bytes) -> None:
    """Write parts with their lengths.

    Raises:
        OSError: the other process has ended.
    """
    for part in parts:
        stream.write(_LENGTH.pack(len(part)))
        stream.write(part)
    stream.flush()


def received(stream: IO[bytes]) -> bytes:
    """Read a part.

    Raises:
        EOFError: the other process has ended.
    """
    head = stream.read(_LENGTH.size)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else -1
    part = stream.read(length) if length >= 0 else b""
    if len(part) != length:
        raise EOFError
    return part


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until there are no more requests."""
    while True:
        try:
            wanted, data = received(requests), received(requests)
        except EOFError:
            return
        try:
            told, content = _answer(wanted, data)
        except MemoryError:
            told, content = {"lacks_memory": True}, b""
        except Exception as error:  # parsing damaged files can end in anything
            told, content = {"error": str(error) or type(error).__name__}, b""
        send(answers, json.dumps(told).encode(), content)


def _answer(wanted: bytes, data: bytes) -> tuple[dict[str, Any], bytes]:
    from pi_heif import HeifImageFile

    with HeifImageFile(io.BytesIO(data)) as image:
        if wanted == PIXELS:
            image.load()
            shown = image.convert("RGBA" if image.mode[-1] in "Aa" else "L" if image.mode in ("1", "L") else "RGB")
            return {"shape": [shown.height, shown.width, *[len(shown.mode)] * (shown.mode != "L")]}, shown.tobytes()
        exif, profile = (image.info.get(name) or b"" for name in ("exif", "icc_profile"))
        return {"size": image.size, "exif": len(exif)}, exif + profile
