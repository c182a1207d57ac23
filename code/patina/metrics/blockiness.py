"""Blockiness: larger steps between neighbouring pixels at the borders of JPEG's 8x8 blocks."""

import numpy as np

BLOCK = 8


def blockiness(pixels: np.ndarray) -> float:
    """Return the relative excess of the steps across the 8x8 grid over all other steps.

    It follows the horizontal and vertical difference signals of Wang, Sheikh and Bovik (2002), but is a ratio, so that
    it does not depend on contrast. The grid starts at the top left pixel.

    Args:
        pixels: ``[H, W, C]``, any type, at least two blocks along either side.

    Returns:
        Mean absolute step across the grid divided by the mean absolute step elsewhere, minus 1; 0 without a grid.
    """
    values = pixels.astype(np.float64)
    return float(np.mean([_along(values.swapaxes(0, 1)), _along(values)]))


def _along(values: np.ndarray) -> float:
    """Return the blockiness of the steps from row to row."""
    steps = np.abs(np.diff(values, axis=0)).mean(axis=tuple(range(1, values.ndim)))
    on_grid = np.arange(len(steps)) % BLOCK == BLOCK - 1
    elsewhere = steps[~on_grid].mean()
    return steps[on_grid].mean() / elsewhere - 1 if elsewhere > 0 else 0.0
