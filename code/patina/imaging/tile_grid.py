"""Cutting pictures into squares of one size, and framing what is too small with noise."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

NOISE_MEAN, NOISE_DEVIATION = 0.5, 0.25
"""Of the frame's Gaussian noise in every channel, white being 1; what lies outside of black and white is clipped."""


@dataclass(frozen=True)
class Piece:
    """A window of a picture.

    Attributes:
        row, column: its place in the grid.
        top, left, height, width: in pixels.
        kind: ``"whole"``; ``"leftover"``, moved back over its neighbour to be whole; or ``"framed"``, smaller than a
            square.
    """

    row: int
    column: int
    top: int
    left: int
    height: int
    width: int
    kind: Literal["whole", "leftover", "framed"]


def moved_pieces(height: int, width: int, side: int) -> list[Piece]:
    """Cut a picture into squares; those of the last row and column that reach beyond it are moved back inside.

    Args:
        height, width: of the picture.
        side: of a square.

    Returns:
        Squares that cover the picture, row by row; none where it is smaller than a square.
    """
    if min(height, width) < side:
        return []
    return [
        Piece(
            row, column, min(top, height - side), min(left, width - side), side, side,
            "whole" if top + side <= height and left + side <= width else "leftover",
        )
        for row, top, column, left in _grid(height, width, side)
    ]  # fmt: skip


def framed_pieces(height: int, width: int, side: int, least: int) -> tuple[list[Piece], int]:
    """Cut a picture into squares and what is left beside them.

    Args:
        height, width: of the picture.
        side: of a square.
        least: leftovers with a side below it are dropped.

    Returns:
        The pieces, row by row, and how many were dropped.
    """
    pieces = [
        Piece(
            row, column, top, left, min(side, height - top), min(side, width - left),
            "whole" if top + side <= height and left + side <= width else "framed",
        )
        for row, top, column, left in _grid(height, width, side)
    ]  # fmt: skip
    kept = [piece for piece in pieces if min(piece.height, piece.width) >= least]
    return kept, len(pieces) - len(kept)


def framed(pixels: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Put a picture into the middle of a square of Gaussian RGB noise.

    Args:
        pixels: ``[H, W, 3]`` uint8 or uint16, no side longer than `side`.
        side: of the square.
        rng: of the noise.

    Returns:
        ``[side, side, 3]`` of the same type.
    """
    peak = np.iinfo(pixels.dtype).max
    noise = rng.normal(NOISE_MEAN, NOISE_DEVIATION, (side, side, 3))
    square = np.rint(noise.clip(0, 1) * peak).astype(pixels.dtype)
    top, left = ((side - length) // 2 for length in pixels.shape[:2])
    square[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return square


def _grid(height: int, width: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (row, top, column, left) of every square that begins inside the picture."""
    for row, top in enumerate(range(0, height, side)):
        for column, left in enumerate(range(0, width, side)):
            yield row, top, column, left
