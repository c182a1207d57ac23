"""What tells one camera's noise from another's: strength, and correlation over space and channels.

A residual is a degraded picture minus its clean one at the same size, float ``[H, W, C]``. White noise has no
correlation between neighbours; noise that went through demosaicking, denoising or JPEG has.
"""

import numpy as np


def residual_std(residual: np.ndarray) -> np.ndarray:
    """Return the standard deviation of every channel.

    Args:
        residual: float ``[H, W, C]``.

    Returns:
        Float64 ``[C]`` in the residual's units.
    """
    return residual.std(axis=(0, 1), dtype=np.float64)


def neighbour_correlation(residual: np.ndarray, dx: int, dy: int, channel: int) -> float:
    """Return the correlation between a channel and itself `dx` columns to the right and `dy` rows below.

    Args:
        residual: float ``[H, W, C]``.
        dx, dy: offset in pixels; either may be negative, and smaller than the residual's side.
        channel: which channel.

    Returns:
        Pearson's correlation in [-1, 1]; NaN where the residual is constant.
    """
    plane = residual[..., channel]
    return _correlate(_overlap(plane, dx, dy), _overlap(plane, -dx, -dy))


def channel_correlation(residual: np.ndarray) -> np.ndarray:
    """Return the correlation matrix of the channels.

    Args:
        residual: float ``[H, W, C]``.

    Returns:
        Float64 ``[C, C]`` with ones on the diagonal; NaN where a channel is constant.
    """
    planes = np.moveaxis(residual, -1, 0)
    return np.array([[_correlate(one, other) for other in planes] for one in planes])


def _overlap(plane: np.ndarray, dx: int, dy: int) -> np.ndarray:
    """Cut away the pixels that have no partner at (+dx, +dy)."""
    height, width = plane.shape
    return plane[max(-dy, 0) : height - max(dy, 0), max(-dx, 0) : width - max(dx, 0)]


def _correlate(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    scale = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale > 0 else float("nan")


def flat_deviation(pixels: np.ndarray, side: int = 8) -> np.ndarray:
    """Return each channel's median deviation within small squares, the local slope taken off.

    Noise shows in it whether neighbours are correlated or not, as long as their correlation is shorter than a
    square; so does texture, which most squares of a photograph have little of.

    Args:
        pixels: ``[H, W, C]``, any type; at least one square.
        side: of a square, in pixels.

    Returns:
        Float64 ``[C]`` in the picture's units.
    """
    rows, columns = (length // side for length in pixels.shape[:2])
    squares = pixels[: rows * side, : columns * side].astype(np.float64)
    squares = (
        squares.reshape(rows, side, columns, side, -1).transpose(0, 2, 1, 3, 4).reshape(rows * columns, side**2, -1)
    )
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    planes = np.stack([np.ones(side**2), y.ravel(), x.ravel()]) / np.sqrt([[side**2], [(y**2).sum()], [(x**2).sum()]])
    weights = planes @ squares
    energy = (squares**2).sum(axis=1) - (weights**2).sum(axis=1)
    return np.median(np.sqrt(energy.clip(0) / (side**2 - len(planes))), axis=0)
