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
    for number, name in enumerate("ybr"):
        planes = [crop[..., number] for crop in crops]
        for axis, along in ((1, "x"), (0, "y")):
            steps = step_profile(planes, axis)
            found[f"{name}.blocks_{along}"] = float(np.log(steps[7] / steps[:7].mean()))
            found[f"{name}.shifted_blocks_{along}"] = float(np.log(steps[:7].max() / np.median(steps)))
        if name == "r":  # as blue
            continue
        values = np.abs(np.concatenate([block_coefficients(plane) for plane in planes]))
        for row, column in _COEFFICIENTS:
            found[f"{name}.zeros{row}{column}"] = float(np.log((values[:, row, column] < 1.5).mean() + 0.02))
            found[f"{name}.size{row}{column}"] = float(np.log(values[:, row, column].mean() + 0.2))
    return found


def step_profile(planes: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Return the mean absolute step between neighbours by the place of the first one modulo 8, ``[8]``, above 0."""
    steps = np.stack([np.abs(np.diff(plane, axis=axis)).mean(axis=1 - axis)[: _whole(plane, axis)] for plane in planes])
    return np.array([steps[:, place::BLOCK].mean() for place in range(BLOCK)]) + 0.05


def _whole(plane: np.ndarray, axis: int) -> int:
    return (plane.shape[axis] - 1) // BLOCK * BLOCK


def sampled_coefficients(planes: Sequence[np.ndarray]) -> np.ndarray:
    """Return the DCT coefficients of up to 1024 blocks, evenly spread over planes, ``[N, 63]``, without the mean."""
    found = np.concatenate([block_coefficients(plane) for plane in planes])
    return found[:: 1 + len(found) // _MOST_BLOCKS].reshape(-1, BLOCK * BLOCK)[:, 1:]


def block_coefficients(plane: np.ndarray) -> np.ndarray:
    """Return the DCT coefficients of every 8x8 block, ``[N, 8, 8]``."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    blocks = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3)
    return _DCT @ blocks.reshape(-1, BLOCK, BLOCK) @ _DCT.T
