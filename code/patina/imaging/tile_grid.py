"""Splitting pictures into a grid of square tiles of one size, and framing smaller tiles with noise."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

NOISE_MEAN, NOISE_STD = 0.5, 0.25
"""Mean and standard deviation of the frame's Gaussian noise in every channel; white is 1, and noise is clipped."""


@dataclass(frozen=True)
class GridTile:
    """A tile of a picture's grid.

    Attributes:
        row, column: its position in the grid.
        top, left, height, width: in pixels.
        kind: ``"whole"``; ``"leftover"``, a tile at the edge that was moved back over its neighbour to be whole; or
            ``"framed"``, a tile at the edge that is smaller than the others.
    """

    row: int
    column: int
    top: int
    left: int
    height: int
    width: int
    kind: Literal["whole", "leftover", "framed"]


def covering_tiles(height: int, width: int, side: int) -> list[GridTile]:
    """Split a picture into whole tiles; tiles that reach beyond the edge are moved back inside.

    Args:
        height, width: size of the picture in pixels.
        side: side of a tile in pixels.

    Returns:
        Tiles that cover the picture, row by row; none if it is smaller than a tile.
    """
    if min(height, width) < side:
        return []
    return [
        GridTile(
            row, column, min(top, height - side), min(left, width - side), side, side,
            "whole" if top + side <= height and left + side <= width else "leftover",
        )
        for row, top, column, left in _grid(height, width, side)
    ]  # fmt: skip


def clipped_tiles(height: int, width: int, side: int, least: int) -> tuple[list[GridTile], int]:
    """Split a picture into tiles that do not overlap; tiles at the edge may be smaller.

    Args:
        height, width: size of the picture in pixels.
        side: side of a whole tile in pixels.
        least: tiles with a shorter side than this are dropped.

    Returns:
        The tiles, row by row, and the number of dropped ones.
    """
    tiles = [
        GridTile(
            row, column, top, left, min(side, height - top), min(side, width - left),
            "whole" if top + side <= height and left + side <= width else "framed",
        )
        for row, top, column, left in _grid(height, width, side)
    ]  # fmt: skip
    kept = [tile for tile in tiles if min(tile.height, tile.width) >= least]
    return kept, len(tiles) - len(kept)


def frame_with_noise(pixels: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Place a picture in the centre of a square of Gaussian RGB noise.

    Args:
        pixels: ``[H, W, 3]`` uint8 or uint16, at most `side` pixels high and wide.
        side: side of the square in pixels.
        rng: generator of the noise.

    Returns:
        ``[side, side, 3]`` of the same dtype.
    """
    peak = np.iinfo(pixels.dtype).max
    noise = rng.normal(NOISE_MEAN, NOISE_STD, (side, side, 3))
    square = np.rint(noise.clip(0, 1) * peak).astype(pixels.dtype)
    top, left = ((side - length) // 2 for length in pixels.shape[:2])
    square[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return square


def _grid(height: int, width: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (row, top, column, left) of every tile that begins inside the picture."""
    for row, top in enumerate(range(0, height, side)):
        for column, left in enumerate(range(0, width, side)):
            yield row, top, column, left
