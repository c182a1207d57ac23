"""Curves that show what a fit compared: photos, fitted and clean pictures over brightness, size, distance, an edge."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from patina.fitting.quantities import MeasuredSets, Values, as_arrays, means, noise_correlation
from patina.fitting.texture import LEVELS

_DISTANCES = (1, 2, 3)
_SCALES = (2, 1, 0)
_EDGE_PLACES = 13
"""Samples of an edge's profile among the measures, one a pixel."""


@dataclass(frozen=True)
class MeasuredCurve:
    """A curve over a set's mean measures.

    Attributes:
        key: name in files.
        title: above the chart.
        note: how to read it.
        x_label, y_label: of the axes.
        x: ``[points]``.
        y: of a set's mean measures, ``[points]``.
    """

    key: str
    title: str
    note: str
    x_label: str
    y_label: str
    x: np.ndarray
    y: Callable[[Values], np.ndarray]

    def of(self, sets: MeasuredSets, measures: np.ndarray) -> np.ndarray:
        """Return the curve of pictures, ``[N, k]`` measures of one of the sets."""
        return self.y(as_arrays(means(sets.by_name(measures))))


def _edge(measures: Values) -> np.ndarray:
    return 100 * np.array([measures[f"edge.profile{place}"] for place in range(_EDGE_PLACES)])


def _noise_by_brightness(measures: Values) -> np.ndarray:
    # Changes by brightness are relative to the windows' 20 % quantile.
    usual = (measures["y.0d.q10"] + measures["y.0d.q30"]) / 2
    return np.array([np.exp((usual + measures[f"y.0d.level{low}"]) / 2) for low, _ in LEVELS])


def _noise_by_size(measures: Values) -> np.ndarray:
    energies = [[measures[f"y.{scale}{way}.quiet"] for way in "xyd"] for scale in _SCALES]
    return np.exp(np.mean(energies, axis=1) / 2)


def _correlation(measures: Values) -> np.ndarray:
    return np.array([1.0, *(float(noise_correlation(measures, distance)) for distance in _DISTANCES)])


CURVES = (
    MeasuredCurve(
        "edge", "Edges",
        "The brightness across the strongest edges, from their dark side (left) to their bright one (right). A steep "
        "line is sharp. A bump above 100 % or below 0 % is the halo of sharpening.",
        "distance from the edge (pixels)", "brightness (%)",
        np.arange(_EDGE_PLACES) - _EDGE_PLACES // 2, _edge,
    ),
    MeasuredCurve(
        "noise_by_brightness", "Noise by brightness",
        "How much neighbouring pixels differ in the smoothest places, where an image is dark (left) and bright "
        "(right).",
        "brightness (0 to 255)", "std (grey levels, 0 to 255)",
        np.array([(low + high) / 2 for low, high in LEVELS]), _noise_by_brightness,
    ),
    MeasuredCurve(
        "noise_by_size", "Noise by size of its grain",
        "How strong the noise of smooth places is in coarse grains (left) and from pixel to pixel (right). White noise "
        "is flat; what rises to the left is coarse grain or faint texture.",
        "frequency (cycles per pixel)", "std (grey levels, 0 to 255)",
        np.array([0.375 / 2**scale for scale in _SCALES]), _noise_by_size,
    ),
    MeasuredCurve(
        "correlation", "Correlation with distance",
        "How much of its noise a pixel shares with those beside it. Fine noise falls at once, coarse grain slowly.",
        "distance (pixels)", "correlation",
        np.array([0, *_DISTANCES]), _correlation,
    ),
)  # fmt: skip
"""Every curve of a fit."""
