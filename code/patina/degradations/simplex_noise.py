"""Simplex noise: like Perlin noise, but on a grid of triangles, whose directions show less."""

import math

import numpy as np

from patina.degradations.base import Parameters
from patina.degradations.perlin_noise import OctaveNoise, add_octaves

_SKEW, _UNSKEW = (math.sqrt(3) - 1) / 2, (3 - math.sqrt(3)) / 6
"""They turn a grid of squares, each cut into two along its diagonal, into one of equilateral triangles, and back."""

_REACH = 0.5
"""Squared distance at which a corner's influence ends: that of a corner from the opposite side."""


class SimplexNoise(OctaveNoise):
    """Additive simplex noise (Perlin 2001): cloudy blotches without the squares of Perlin noise."""

    name = "simplex_noise"
    family = "noise"

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add the octaves."""
        return add_octaves(image, parameters, key, simplex)


def simplex(size: tuple[int, int], cell: float, rng: np.random.Generator) -> np.ndarray:
    """Return a field of simplex noise with mean 0 and an expected variance of 1.

    Every corner of the grid has a random unit vector g. At the offset d from a corner its term is g·d times
    (1/2 − |d|²)⁴, and 0 beyond; a pixel is the sum of the three corners of its triangle. A term has the variance
    (weight |d|)²/2.

    Args:
        size: height and width in pixels.
        cell: side of the squares that the grid is skewed from, in pixels.
        rng: draws the grid's place and its vectors.

    Returns:
        ``[H, W]`` float32.
    """
    y, x = (start + np.arange(length) / cell for start, length in zip(rng.random(2), size, strict=True))
    skew = _SKEW * (x + y[:, None])
    columns, rows = (np.floor(place + skew).astype(np.intp) for place in (x, y[:, None]))
    unskew = _UNSKEW * (columns + rows)
    across, down = x - columns + unskew, y[:, None] - rows + unskew
    angles = 2 * np.pi * rng.random((int(rows.max()) + 2, int(columns.max()) + 2))
    lower = across > down
    field, variance = np.zeros(size), 0.0
    for right, below, passed in ((0, 0, 0), (lower, ~lower, 1), (1, 1, 2)):
        u, v = across - right + passed * _UNSKEW, down - below + passed * _UNSKEW
        weight = (_REACH - u * u - v * v).clip(0) ** 4
        angle = angles[rows + below, columns + right]
        field += weight * (np.cos(angle) * u + np.sin(angle) * v)
        variance += float(np.mean(weight**2 * (u * u + v * v))) / 2
    return (field / math.sqrt(variance)).astype(np.float32)
