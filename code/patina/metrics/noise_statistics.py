"""The strength of noise and its correlation over space and channels, which differ from camera to camera.

A residual is a degraded image minus the clean image, float ``[H, W, C]``. White noise is uncorrelated between
neighbouring pixels; demosaicking, denoising and JPEG correlate it.
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
    """Return the correlation of a channel with itself, shifted by `dx` columns and `dy` rows.

    Args:
        residual: float ``[H, W, C]``.
        dx, dy: offset in pixels, to the right and down; may be negative.
        channel: index of the channel.

    Returns:
        Pearson's correlation in [-1, 1]; NaN if the residual is constant.
    """
    plane = residual[..., channel]
    return _correlate(_overlap(plane, dx, dy), _overlap(plane, -dx, -dy))


def channel_correlation(residual: np.ndarray) -> np.ndarray:
    """Return the correlation matrix of the channels.

    Args:
        residual: float ``[H, W, C]``.

    Returns:
        Float64 ``[C, C]`` with ones on the diagonal; NaN if a channel is constant.
    """
    planes = np.moveaxis(residual, -1, 0)
    return np.array([[_correlate(one, other) for other in planes] for one in planes])


def _overlap(plane: np.ndarray, dx: int, dy: int) -> np.ndarray:
    """Return the pixels that have a partner at (+dx, +dy)."""
    height, width = plane.shape
    return plane[max(-dy, 0) : height - max(dy, 0), max(-dx, 0) : width - max(dx, 0)]


def _correlate(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    scale = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale > 0 else float("nan")


def flat_std(pixels: np.ndarray, side: int = 8) -> np.ndarray:
    """Return the median std of every channel within small blocks, after subtracting the local slope.

    This measures noise with a correlation length shorter than a block. Texture counts, too, but most blocks of a
    photograph have little of it.

    Args:
        pixels: ``[H, W, C]``, any type; at least one block.
        side: side of a block in pixels.

    Returns:
        Float64 ``[C]`` in the image's units.
    """
    rows, columns = (length // side for length in pixels.shape[:2])
    blocks = pixels[: rows * side, : columns * side].astype(np.float64)
    blocks = blocks.reshape(rows, side, columns, side, -1).transpose(0, 2, 1, 3, 4).reshape(rows * columns, side**2, -1)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    planes = np.stack([np.ones(side**2), y.ravel(), x.ravel()]) / np.sqrt([[side**2], [(y**2).sum()], [(x**2).sum()]])
    weights = planes @ blocks
    energy = (blocks**2).sum(axis=1) - (weights**2).sum(axis=1)
    return np.median(np.sqrt(energy.clip(0) / (side**2 - len(planes))), axis=0)
