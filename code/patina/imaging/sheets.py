"""Contact sheets: pictures in a grid, with captions."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LIGHT = (246, 246, 244)
"""Background of a sheet, RGB."""

_INK = (40, 40, 40)
_MARGIN = 12
_FONT_SIZE = 15
_LINE = 20


def sheet(
    rows: Sequence[Sequence[np.ndarray]],
    column_titles: Sequence[str],
    row_titles: Sequence[str] | None = None,
    *,
    zoom: int = 1,
    background: tuple[int, int, int] = LIGHT,
) -> np.ndarray:
    """Draw pictures in a grid, with a title above each column.

    Pictures are centred in their cells. Titles wider than their column are shortened.

    Args:
        rows: ``[H, W, 3]`` uint8 RGB pictures.
        column_titles: one per column.
        row_titles: one per row, drawn to its left; may have several lines.
        zoom: every pixel becomes ``zoom`` x ``zoom`` pixels.
        background: RGB, 0 to 255.

    Returns:
        The sheet, ``[H', W', 3]`` uint8.

    Raises:
        ValueError: no pictures, ragged rows, or a wrong number of titles.
    """
    _check_grid(rows, column_titles, row_titles)
    font = ImageFont.load_default(size=_FONT_SIZE)
    heights = [max(picture.shape[0] for picture in row) * zoom for row in rows]
    widths = [max(row[column].shape[1] for row in rows) * zoom for column in range(len(column_titles))]
    left = _MARGIN + max(
        (round(font.getlength(line)) + _MARGIN for title in row_titles or () for line in title.split("\n")), default=0
    )
    tops = _starts(_MARGIN + _LINE, heights)
    lefts = _starts(left, widths)
    canvas = Image.new("RGB", (lefts[-1], tops[-1]), background)
    draw = ImageDraw.Draw(canvas)
    for title, x, width in zip(column_titles, lefts, widths, strict=False):
        text = _shortened(title, font, width)
        draw.text((x + width / 2, _MARGIN + _LINE / 2 - 4), text, fill=_INK, font=font, anchor="mm")
    for title, y, height in zip(row_titles or (), tops, heights, strict=False):
        draw.multiline_text((_MARGIN, y + height / 2), title, fill=_INK, font=font, anchor="lm")
    for row, y, height in zip(rows, tops, heights, strict=False):
        for picture, x, width in zip(row, lefts, widths, strict=False):
            zoomed = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
            centred = (x + (width - zoomed.shape[1]) // 2, y + (height - zoomed.shape[0]) // 2)
            canvas.paste(Image.fromarray(zoomed), centred)
    return np.asarray(canvas).copy()


def _check_grid(
    rows: Sequence[Sequence[np.ndarray]], column_titles: Sequence[str], row_titles: Sequence[str] | None
) -> None:
    if not rows or not column_titles:
        raise ValueError("a sheet needs at least one image")
    if any(len(row) != len(column_titles) for row in rows):
        raise ValueError(f"every row needs {len(column_titles)} images, one per title")
    if row_titles is not None and len(row_titles) != len(rows):
        raise ValueError(f"expected {len(rows)} row titles, got {len(row_titles)}")


def _starts(first: int, lengths: Sequence[int]) -> list[int]:
    """Return the start of every cell, and the end of the sheet after the last margin."""
    starts = [first]
    for length in lengths:
        starts.append(starts[-1] + length + _MARGIN)
    return starts


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"
