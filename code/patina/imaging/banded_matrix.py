"""Separable resizing as a banded matrix, split into small dense blocks along its band.

A dense BLAS product on a block that is half zeros is several times faster than a sparse product, and the block's
inputs stay in the cache while they are multiplied.
"""

import math
from typing import NamedTuple

import numpy as np

_ONE_THREAD = 1 << 18  # up to this many multiplications, OpenBLAS starts no threads


class MatrixBlock(NamedTuple):
    """A few neighbouring outputs, as a small dense matrix times the inputs they depend on.

    Attributes:
        first: index of the first output.
        rows: the inputs, a slice or an index array.
        matrix: ``[outputs, inputs]``.
    """

    first: int
    rows: np.ndarray | slice
    matrix: np.ndarray


def split_into_blocks(left: np.ndarray, weights: np.ndarray, length: int, scale: float) -> tuple[MatrixBlock, ...]:
    """Split a banded matrix ``[output, length]`` into dense blocks.

    Args:
        left: ``[output]``, the first input of each output, ascending.
        weights: ``[output, taps]``; inputs outside ``[0, length)`` are mirrored with the edge repeated.
        length: number of inputs.
        scale: outputs per input.
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
    """Mirror positions outside ``[0, length)`` back into it, with the edge repeated, as often as needed."""
    folded = positions % (2 * length)
    return np.where(folded < length, folded, 2 * length - 1 - folded)


def product(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return ``matrix @ values``, computed in column ranges small enough for BLAS to stay on this thread.

    Waking other threads for every block costs more than it gains, twenty times as much on a busy machine.
    """
    step = max(1, _ONE_THREAD // matrix.size)
    result = np.empty((len(matrix), values.shape[1]), matrix.dtype)
    for start in range(0, values.shape[1], step):
        columns = slice(start, start + step)
        np.matmul(matrix, values[:, columns], out=result[:, columns])
    return result
