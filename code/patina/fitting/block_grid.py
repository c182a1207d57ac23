"""What block compression leaves in pixels: steps at the edges of 8x8 blocks, and coefficients that are zero."""

from collections.abc import Sequence

import cv2
import numpy as np

BLOCK = 8
_MOST_BLOCKS = 1024
"""Blocks whose coefficients are compared with quantisation tables; more are not needed."""

_COEFFICIENTS = ((0, 1), (1, 1), (2, 2), (3, 3), (4, 4), (6, 6))
_DCT = cv2.dct(np.eye(BLOCK, dtype=np.float32), flags=cv2.DCT_ROWS).T
"""The orthonormal DCT-II: row k holds the cosine of frequency k."""


def block_measures(crops: Sequence[np.ndarray]) -> dict[str, float]:
    """Measure block edges and coefficients of a photo whose blocks may begin at the corners of the crops.

    Args:
        crops: luma and two chroma planes of each crop, float32 ``[H, W, 3]`` in grey levels.
    """
    found: dict[str, float] = {}
    profiles = {"x": step_profiles(crops, 1), "y": step_profiles(crops, 0)}
    for number, name in enumerate("ybr"):
        planes = [crop[..., number] for crop in crops]
        for along, steps in profiles.items():
            steps = steps[:, number]
            found[f"{name}.blocks_{along}"] = float(np.log(steps[7] / steps[:7].mean()))
            found[f"{name}.shifted_blocks_{along}"] = float(np.log(steps[:7].max() / np.median(steps)))
        if name == "r":  # as blue
            continue
        values = np.abs(np.concatenate([block_coefficients(plane) for plane in planes]))
        for row, column in _COEFFICIENTS:
            found[f"{name}.zeros{row}{column}"] = float(np.log((values[:, row, column] < 1.5).mean() + 0.02))
            found[f"{name}.size{row}{column}"] = float(np.log(values[:, row, column].mean() + 0.2))
    return found


def step_profiles(crops: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Return the mean absolute step between neighbours by the place of the first one modulo 8, ``[8, C]``, above 0.

    Args:
        crops: of one size, ``[H, W, C]``.
        axis: along which the neighbours lie, 0 or 1.
    """
    means = np.stack([_mean_steps(crop, axis) for crop in crops])
    whole = means.shape[1] // BLOCK * BLOCK
    return means[:, :whole].reshape(-1, BLOCK, means.shape[2]).mean(axis=0) + 0.05


def _mean_steps(crop: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean absolute step of every column (axis 1) or row, ``[length - 1, C]``."""
    after, before = (crop[:, 1:], crop[:, :-1]) if axis else (crop[1:], crop[:-1])
    means = cv2.reduce(cv2.absdiff(after, before), 1 - axis, cv2.REDUCE_AVG, dtype=cv2.CV_64F)
    return means.reshape(-1, crop.shape[2])


def sampled_coefficients(planes: Sequence[np.ndarray]) -> np.ndarray:
    """Return the DCT coefficients of up to 1024 blocks, evenly spread over planes, ``[N, 63]``, without the mean."""
    found = np.concatenate([block_coefficients(plane) for plane in planes])
    return found[:: 1 + len(found) // _MOST_BLOCKS].reshape(-1, BLOCK * BLOCK)[:, 1:]


def block_coefficients(plane: np.ndarray) -> np.ndarray:
    """Return the DCT coefficients of every 8x8 block, ``[N, 8, 8]``."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    along_columns = _DCT @ plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, -1)
    blocks = along_columns.reshape(rows, BLOCK, columns, BLOCK) @ _DCT.T
    return blocks.transpose(0, 2, 1, 3).reshape(-1, BLOCK, BLOCK)
