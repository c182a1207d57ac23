"""Separable resizing as a banded matrix, cut into small dense blocks along its band.

BLAS on a block that is one half zeros is several times faster than a sparse product, and a block of inputs stays in
the cache while it is multiplied.
"""

import math
from typing import NamedTuple

import numpy as np

_ONE_THREAD = 1 << 18  # multiplications up to which OpenBLAS starts no threads


class MatrixBlock(NamedTuple):
    """A few neighbouring outputs: a small dense matrix times the inputs that they see."""

    first: int
    rows: np.ndarray | slice
    matrix: np.ndarray


def blocks_of(left: np.ndarray, weights: np.ndarray, length: int, scale: float) -> tuple[MatrixBlock, ...]:
    """Cut a banded matrix ``[output, length]`` into blocks.

    Args:
        left: ``[output]``, the first input that each output sees; ascending.
        weights: ``[output, taps]``; inputs outside of ``[0, length)`` are mirrored, the edge repeated.
        length: number of inputs.
        scale: outputs to an input.
    """
    step = max(8, math.ceil(weights.shape[1] * scale))
    return tuple(
        _block(first, left[first : first + step], weights[first : first + step], length)
        for first in range(0, len(left), step)
    )


def _block(first: int, left: np.ndarray, weights: np.ndarray, length: int) -> MatrixBlock:
    start = int(left[0])
    columns = (left - start)[:, None] + np.arange(weights.shape[1])
    matrix = np.zeros((len(left), int(columns[-1, -1]) + 1), weights.dtype)
    np.put_along_axis(matrix, columns, weights, axis=1)
    stop = start + matrix.shape[1]
    if start >= 0 and stop <= length:
        return MatrixBlock(first, slice(start, stop), matrix)
    return MatrixBlock(first, _mirror(np.arange(start, stop), length), matrix)


def _mirror(positions: np.ndarray, length: int) -> np.ndarray:
    """Fold positions outside ``[0, length)`` back into it, repeating the edge and wrapping as often as needed."""
    folded = positions % (2 * length)
    return np.where(folded < length, folded, 2 * length - 1 - folded)


def product(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return ``matrix @ values`` in pieces so small that BLAS stays on this thread.

    Waking other threads for each block costs more than they bring, twenty times as much on a busy machine.
    """
    step = max(1, _ONE_THREAD // matrix.size)
    result = np.empty((len(matrix), values.shape[1]), matrix.dtype)
    for start in range(0, values.shape[1], step):
        piece = slice(start, start + step)
        np.matmul(matrix, values[:, piece], out=result[:, piece])
    return result
