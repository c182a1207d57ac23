"""Tables as text, laid out for the terminal that they are printed on."""

import os
import sys
import textwrap
from collections.abc import Sequence

_GAP = "  "
_SHORTEST_NAME = 12
"""Characters to which names may be shortened in a table that is too wide."""

_NARROWEST = 24
"""Smallest width of a wrapped last column; a narrower one is printed below its row."""


def terminal_width() -> int | None:
    """Return the columns of the terminal that standard output is, or those that COLUMNS names.

    None for files, pipes and terminals that do not say how wide they are: lines are not broken there.
    """
    try:
        wanted = int(os.environ.get("COLUMNS", "0"))
        return wanted if wanted > 0 else os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None


def text_table(rows: Sequence[Sequence[str]], head: Sequence[str] = (), *, width: int | None = None) -> list[str]:
    """Return the lines of a table with aligned columns that is no wider than `width`, where its words allow that.

    A table that is too wide gets titles of several lines, and shorter names. If that is not enough, its last column is
    wrapped, or stands below each row if it is narrow. Words are never broken, so that addresses can be copied.

    Args:
        rows: the cells; the first column holds names, the last one may hold sentences.
        head: the titles; none if empty.
        width: of the terminal in columns; None for any.
    """
    cells = [list(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, *[head] * bool(head), strict=True)]
    if width is None or _total(widths) <= width:
        return [_line(row, widths) for row in [*[head] * bool(head), *cells]]
    titles = [max(map(len, title.split()), default=0) for title in head] or [0] * len(widths)
    widths = [max(title, *map(len, column)) for title, column in zip(titles, zip(*cells, strict=True), strict=True)]
    least = _total(widths) - max(0, widths[0] - _SHORTEST_NAME)
    below: list[str] = []
    if least > width and widths[-1] > _NARROWEST:
        widths[-1] = max(_NARROWEST, widths[-1] - (_total(widths) - width))
    elif least > width and len(widths) > 2:
        below, widths = [row[-1] for row in cells], widths[:-1]
        head, cells = head[:-1], [row[:-1] for row in cells]
    if _total(widths) > width:
        widths[0] = min(widths[0], max(_SHORTEST_NAME, widths[0] - (_total(widths) - width)))
        cells = [[_shortened(row[0], widths[0]), *row[1:]] for row in cells]
    lines = _wrapped_row(head, widths, at_the_end=True)
    for number, row in enumerate(cells):
        lines += _wrapped_row(row, widths)
        lines += indented(below[number], width) if below else []
    return lines


def indented(text: str, width: int | None) -> list[str]:
    """Return a sentence as lines that begin with two spaces and are no longer than `width`; None for one line."""
    return [f"{_GAP}{line}" for line in ([text] if width is None else wrapped(text, width - len(_GAP)))]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a sentence; words and addresses are never broken, and may be wider than `width`."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _wrapped_row(cells: Sequence[str], widths: Sequence[int], at_the_end: bool = False) -> list[str]:
    """Return the lines of a row; shorter cells stand at its beginning, or at its end."""
    parts = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=False)]
    height = max(map(len, parts), default=0)
    blank = [[""] * (height - len(part)) for part in parts]
    full = [[*space, *part] if at_the_end else [*part, *space] for space, part in zip(blank, parts, strict=True)]
    return [_line(line, widths) for line in zip(*full, strict=True)]


def _shortened(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    end = (width - 1) // 2
    return f"{name[: width - 1 - end]}…{name[-end:]}"
