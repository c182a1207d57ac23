"""Perlin noise: smooth random fields whose features have a chosen size, and the octaves that such noise has."""

from collections.abc import Callable
from typing import Annotated

import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import Between, Probability, RealRange, WholeRange, draw_real, draw_whole
from patina.seeding import numpy_rng

FINEST = 2.0
"""Smallest side of a cell in pixels; finer cells would be sampled at like places."""


Field = Callable[[tuple[int, int], float, np.random.Generator], np.ndarray]
"""Returns a field ``[H, W]`` of variance 1 by its size, the side of its cells and a generator."""


class OctaveNoise(Operation):
    """Additive noise of random fields, each finer than the one before."""

    sigma: Annotated[RealRange, Between(0, 255)]
    """Std (8-bit)."""

    scale: Annotated[RealRange, Between(FINEST, 4096)] = (8.0, 8.0)
    """Side of the largest cells, which is the size of the blotches, in pixels."""

    octaves: Annotated[WholeRange, Between(1, 8)] = (1, 1)
    """Number of fields; each has cells half as large as the one before. Cells below 2 pixels are left out."""

    persistence: Annotated[RealRange, Between(0, 1)] = (0.5, 0.5)
    """Std of an octave relative to the one before."""

    gray: Probability = 0.0
    """Probability that all channels share one noise (grey noise)."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all five."""
        return {
            "sigma": draw_real(rng, self.sigma),
            "scale": draw_real(rng, self.scale),
            "octaves": draw_whole(rng, self.octaves),
            "persistence": draw_real(rng, self.persistence),
            "gray": bool(rng.random() < self.gray),
        }


def add_octaves(image: np.ndarray, parameters: Parameters, key: int, field: Field) -> np.ndarray:
    """Add fields to a picture, scaled to the std; `parameters` are those of `OctaveNoise`."""
    height, width, channels = image.shape
    rng, noise, variance = numpy_rng(key, "noise"), np.zeros((height, width, 1), np.float32), 0.0
    for octave in range(parameters["octaves"]):
        cell = parameters["scale"] / 2**octave
        if cell < FINEST:
            break
        weight = parameters["persistence"] ** octave
        fields = [field((height, width), cell, rng) for _ in range(1 if parameters["gray"] else channels)]
        noise = noise + np.float32(weight) * np.stack(fields, axis=-1)
        variance += weight**2
    return np.clip(image + np.float32(parameters["sigma"] / 255 / np.sqrt(variance)) * noise, 0, 1)


class PerlinNoise(OctaveNoise):
    """Additive Perlin noise (Perlin 2002): cloudy blotches, with finer ones for every octave."""

    name = "perlin_noise"
    family = "noise"

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add the octaves."""
        return add_octaves(image, parameters, key, perlin)


def perlin(size: tuple[int, int], cell: float, rng: np.random.Generator) -> np.ndarray:
    """Return a field of Perlin noise with mean 0 and an expected variance of 1.

    Every corner of a square grid has a random unit vector g. At the offset d from a corner its term is g·d times a
    weight that falls from 1 at the corner to 0 at its neighbours, 6t⁵ − 15t⁴ + 10t³ along each axis; a pixel is the sum
    of the four corners around it. A term has the variance (weight |d|)²/2.

    Args:
        size: height and width in pixels.
        cell: side of the grid's cells in pixels.
        rng: draws the grid's place and its vectors.

    Returns:
        ``[H, W]`` float32.
    """
    (rows, v), (columns, u) = (_places(length, cell, rng.random()) for length in size)
    angles = 2 * np.pi * rng.random((rows[-1] + 2, columns[-1] + 2), np.float32)
    across, down = np.cos(angles), np.sin(angles)
    v_weights, u_weights = (_fade(1 - v), _fade(v)), (_fade(1 - u), _fade(u))
    field = np.zeros(size, np.float32)
    for below in (0, 1):
        for right in (0, 1):
            corner = np.ix_(rows + below, columns + right)
            term = across[corner] * (u - right) + down[corner] * (v - below)[:, None]
            field += term * u_weights[right] * v_weights[below][:, None]
    (v_far, v_mass), (u_far, u_mass) = _moments(v, v_weights), _moments(u, u_weights)
    return field / np.float32(np.sqrt((v_far * u_mass + u_far * v_mass) / 2))


def _places(length: int, cell: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of every pixel and its offset within it, in cells."""
    place = start + np.arange(length) / cell
    whole = np.floor(place)
    return whole.astype(np.intp), (place - whole).astype(np.float32)


def _fade(t: np.ndarray) -> np.ndarray:
    return t * t * t * (t * (t * 6 - 15) + 10)


def _moments(offset: np.ndarray, weights: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Return the mean squared weight along an axis, with and without the squared offset as a factor."""
    near, far = weights[0] ** 2, weights[1] ** 2
    return float(np.mean(near * offset**2 + far * (1 - offset) ** 2)), float(np.mean(near + far))
