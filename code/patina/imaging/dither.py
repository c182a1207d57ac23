"""Quantisation to few levels per channel or to a palette: rounding, ordered dithering and error diffusion."""

import math
from collections.abc import Callable

import numpy as np

from patina.imaging.riemersma import HISTORY, RATIO, riemersma, riemersma_levels

_DIFFUSIONS: dict[str, tuple[int, list[list[int]]]] = {
    "floyd_steinberg": (16, [[7], [3, 5, 1]]),
    "jarvis_judice_ninke": (48, [[7, 5], [3, 5, 7, 5, 3], [1, 3, 5, 3, 1]]),
    "stucki": (42, [[8, 4], [2, 4, 8, 4, 2], [1, 2, 4, 2, 1]]),
    "atkinson": (8, [[1, 1], [1, 1, 1], [1]]),
    "burkes": (32, [[8, 4], [2, 4, 8, 4, 2]]),
    "sierra": (32, [[5, 3], [2, 4, 5, 4, 2], [2, 3, 2]]),
    "two_row_sierra": (16, [[4, 3], [1, 2, 3, 2, 1]]),
    "sierra_lite": (4, [[2], [1, 1, 0]]),
}
"""Where error diffusion puts a pixel's rounding error: the weights' divisor, the weights to the right of the pixel, and
those of the rows below, centred below it. Floyd and Steinberg (1976), Jarvis, Judice and Ninke (1976),
Stucki (1981), Atkinson's for the Macintosh, which drops a quarter, Burkes (1988), and Sierra's three (1989, 1990)."""

_ORDERED = {"ordered_2": 2, "ordered_4": 4, "ordered": 8, "ordered_16": 16}
"""Side of the threshold matrix by the kind of ordered dithering."""

RIEMERSMA = "riemersma"

DITHERS = ("none", *_ORDERED, *_DIFFUSIONS, RIEMERSMA)

_COMPARISONS = 1 << 22
"""Distances to the palette's colours computed at a time, which bounds their memory."""


def quantise(image: np.ndarray, levels: int, dither: str, history: int = HISTORY, ratio: float = RATIO) -> np.ndarray:
    """Quantise a picture to evenly spaced levels.

    Args:
        image: ``[H, W, 3]`` float32 in [0, 1].
        levels: number of levels per channel, at least 2; black and white are two of them.
        dither: one of `DITHERS`.
        history, ratio: of Riemersma's dithering, see `riemersma`.

    Returns:
        ``[H, W, 3]`` float32 of ``k / (levels - 1)``.
    """
    if dither == RIEMERSMA:
        return riemersma_levels(image, levels, history, ratio)
    steps = np.float32(levels - 1)
    if dither in _DIFFUSIONS:

        def rounded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return values, np.floor(values + np.float32(0.5)).clip(0, steps)

        return _diffused(image * steps, rounded, *_DIFFUSIONS[dither]) / steps
    offset = _threshold(image, _ORDERED[dither]) if dither in _ORDERED else np.float32(0.5)
    return np.floor(image * steps + offset).clip(0, steps) / steps


def reduce_to_palette(
    image: np.ndarray, colours: int, dither: str, history: int = HISTORY, ratio: float = RATIO
) -> np.ndarray:
    """Reduce a picture to a palette of its own, made by median cut (Heckbert 1982).

    Args:
        image: ``[H, W, 3]`` float32 in [0, 1].
        colours: largest number of colours, 2 to 256.
        dither: one of `DITHERS`; ordered dithering adds to all channels at once, up to ``colours^(-1/3)`` in all.
        history, ratio: of Riemersma's dithering, see `riemersma`.

    Returns:
        ``[H, W, 3]`` float32.
    """
    palette = _median_cut(image, colours)

    def nearest(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        within = values.clip(0, 1)  # else errors that no colour can make up for would grow without end
        return within, _nearest(within, palette)

    if dither == RIEMERSMA:
        return riemersma(image, lambda colour: nearest(colour[None])[1][0], history, ratio)
    if dither in _DIFFUSIONS:
        return _diffused(image, nearest, *_DIFFUSIONS[dither])
    if dither in _ORDERED:
        spread = np.float32(1 / np.cbrt(colours))
        image = image + spread * (_threshold(image, _ORDERED[dither]) - np.float32(0.5))
    return nearest(image.reshape(-1, 3))[1].reshape(image.shape)


def _median_cut(image: np.ndarray, colours: int) -> np.ndarray:
    """Return the palette, ``[colours, 3]`` float32 in [0, 1]; fewer if the image has fewer, alike to 6 bits.

    The box with the largest product of pixels and longest side is cut there, at its median, until there are enough.
    """
    flat = image.reshape(-1, 3)
    bins = np.minimum((flat * 64).astype(np.intp), 63) @ np.array([4096, 64, 1])
    _, places, counts = np.unique(bins, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(places, channel) for channel in flat.T], axis=1)
    boxes = [_Box(sums / counts[:, None], counts)]
    while len(boxes) < colours:
        largest = max(range(len(boxes)), key=lambda place: boxes[place].size)
        if boxes[largest].size == 0:
            break
        boxes.extend(boxes.pop(largest).halves())
    return np.array([np.average(box.points, axis=0, weights=box.counts) for box in boxes], np.float32)


class _Box:
    """Colours, ``[n, 3]``, and how many pixels have each."""

    def __init__(self, points: np.ndarray, counts: np.ndarray):
        self.points, self.counts = points, counts
        sides = np.ptp(points, axis=0)
        self.axis = int(sides.argmax())
        self.size = float(sides[self.axis] * counts.sum())

    def halves(self) -> list["_Box"]:
        """Return the colours on both sides of the median along the longest side."""
        order = np.argsort(self.points[:, self.axis], kind="stable")
        reached = np.cumsum(self.counts[order])
        cut = min(max(1, int(np.searchsorted(reached, reached[-1] / 2))), len(order) - 1)
        return [_Box(self.points[part], self.counts[part]) for part in (order[:cut], order[cut:])]


def _nearest(values: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Return the palette's colour nearest to each of ``[N, 3]``."""
    squares, found = (palette**2).sum(axis=1), np.empty_like(values)
    rows = max(1, _COMPARISONS // len(palette))
    for start in range(0, len(values), rows):
        part = values[start : start + rows]
        found[start : start + rows] = palette[np.argmin(squares - 2 * part @ palette.T, axis=1)]
    return found


def _threshold(image: np.ndarray, side: int) -> np.ndarray:
    """Repeat Bayer's threshold matrix (1973) over a picture: ``[H, W, 1]`` in (0, 1)."""
    height, width = image.shape[:2]
    matrix = np.zeros((1, 1))
    for _ in range(int(math.log2(side))):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    tiled = np.tile((matrix + 0.5) / side**2, (-(-height // side), -(-width // side)))[:height, :width]
    return tiled[..., None].astype(np.float32)


def _taps(divisor: int, weights: list[list[int]]) -> list[tuple[int, int, np.float32]]:
    """Return rows down, columns right and weight of every neighbour that gets a part of the error."""
    starts = [1, *(-(len(row) // 2) for row in weights[1:])]
    return [
        (down, start + place, np.float32(weight / divisor))
        for down, (start, row) in enumerate(zip(starts, weights, strict=True))
        for place, weight in enumerate(row)
        if weight
    ]


def _diffused(
    image: np.ndarray,
    rounded: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    divisor: int,
    weights: list[list[int]],
) -> np.ndarray:
    """Diffuse each pixel's rounding error to neighbours that come later.

    With a slope k large enough for the taps, all pixels of one ``column + k row`` are independent and are computed
    together. They are stored as the rows of a skewed picture, so that each is one slice.

    Args:
        image: ``[H, W, 3]``.
        rounded: maps ``[N, 3]`` to the values from which the error is measured, and to the rounded ones.
        divisor, weights: from `_DIFFUSIONS`.
    """
    height, width, channels = image.shape
    taps = _taps(divisor, weights)
    slope = max(math.ceil((1 - right) / down) for down, right, _ in taps if down)
    skewed = np.zeros((width + slope * (height + 2) + 2, height + 2, channels), np.float32)
    rows = np.arange(height)
    places = (np.arange(width) + slope * rows[:, None], rows[:, None])
    skewed[places] = image
    for front in range(width + slope * (height - 1)):
        first, end = max(0, -((width - 1 - front) // slope)), min(height - 1, front // slope) + 1
        old, new = rounded(skewed[front, first:end])
        error = old - new
        skewed[front, first:end] = new
        for down, right, weight in taps:
            skewed[front + slope * down + right, first + down : end + down] += error * weight
    return skewed[places]
