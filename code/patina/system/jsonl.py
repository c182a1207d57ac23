"""JSON-lines logs: one JSON object per line. A killed run may leave an incomplete last line."""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from patina.system.atomic import write_text
from patina.system.typed_values import Malformed, parsed_object

Line = dict[str, Any]


def read_lines(path: Path) -> list[Line]:
    """Return the complete lines of a log, without what is no object; an empty list if the file does not exist."""
    found = []
    for text in path.read_bytes().splitlines() if path.is_file() else []:
        with suppress(Malformed):
            found.append(parsed_object(text))
    return found


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    """Replace a log atomically."""
    write_text(path, _text(lines))


def ensure_lines(path: Path, lines: Iterable[Line]) -> None:
    """Replace a log unless it consists of exactly these lines."""
    text = _text(lines)
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)


def append_lines(path: Path, lines: Iterable[Line]) -> None:
    """Append lines to a log, on a new line if a killed run left an incomplete one."""
    text = _text(lines)
    with path.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, 2)
            if stream.read(1) != b"\n":
                text = "\n" + text
        stream.write(text.encode())


def _text(lines: Iterable[Line]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)
