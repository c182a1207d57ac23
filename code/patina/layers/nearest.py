"""A 3×3 convolution of a nearest-upscaled map, computed at the map's own size.

Along one axis, with kernel (k₀, k₁, k₂), source x and result y at phase p of the r pixels that source pixel i becomes,
neighbours are the same source pixel except at its two ends:

    first phase    y = s[i] + a[i−1] − a[i],   a = k₀ x
    inner phases   y = s[i],                   s = (k₀ + k₁ + k₂) x
    last phase     y = s[i] + b[i+1] − b[i],   b = k₂ x

What is zero outside the source is zero outside the upscaled map. In two dimensions the three products become nine,
each a 1×1 convolution, for any factor r ≥ 2. Maps are ``[N, C, H, W]``, best in channels-last memory; products, and
phases, are nine maps: for k₀, sum and k₂ (first, inner and last phase) of the rows those of the columns.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from patina.layers.fused import conv
from patina.layers.precision import full_precision

SPANS = (slice(0, 1), slice(1, -1), slice(-1, None))
"""Which of a source pixel's rows, or columns, are its first, inner and last phase."""

PRODUCTS = ((1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0))
"""Along an axis, the kernels of the three products by (k₀, k₁, k₂)."""

Three = tuple[Tensor, Tensor, Tensor]
"""An axis' products, or its phases."""


def product_kernels(weight: Tensor) -> Tensor:
    """Return the nine 1×1 kernels of a 3×3 kernel, differentiably.

    Args:
        weight: ``[outputs, inputs, 3, 3]``.

    Returns:
        ``[9 · outputs, inputs, 1, 1]``, one behind the other.
    """
    with full_precision(weight):
        along = weight.new_tensor(PRODUCTS)
        kernels = torch.kron(along, along) @ weight.flatten(2).permute(2, 0, 1).flatten(1)
    return kernels.view(9 * len(weight), weight.shape[1], 1, 1)


def phases_of(source: Tensor, kernels: Tensor, bias: Tensor) -> list[Tensor]:
    """Return the phases of the convolution of a map's upscaled one, without gradients.

    Args:
        source: the map, ``[N, inputs, h, w]``.
        kernels: `product_kernels`.
        bias: ``[outputs]``.

    Returns:
        Nine maps, ``[N, outputs, h, w]``.
    """
    # The product of both sums is part of every phase, and of each just once.
    biases = [bias if index == 4 else None for index in range(9)]
    products = [conv(source, kernel, each) for kernel, each in zip(kernels.chunk(9), biases, strict=True)]
    by_column = [_phased(products[column::3], axis=2) for column in range(3)]
    return [phase for of_row in zip(*by_column, strict=True) for phase in _phased(of_row, axis=3)]


def upscaled(phases: Sequence[Tensor], factor: int, top: int, bottom: int) -> Tensor:
    """Return the convolution of an upscaled map, or some of its rows.

    Args:
        phases: nine maps, ``[N, C, h, w]``.
        factor: how many times the source is upscaled, 2 or more.
        top, bottom: the rows of the source that become those returned.

    Returns:
        ``[N, C, factor · (bottom - top), factor · w]``, channels last.
    """
    count, channels, _, width = phases[0].shape
    cells = phases[0].new_empty((count, bottom - top, factor, width, factor, channels))
    for index, phase in enumerate(phases):
        rows, columns = SPANS[index // 3], SPANS[index % 3]
        cells[:, :, rows, :, columns] = phase.permute(0, 2, 3, 1)[:, top:bottom, None, :, None]
    return cells.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def gathered_gradient(gradient: Tensor, factor: int) -> Tensor:
    """Return the gradient of all products by that of `upscaled`: ``[N, C, H, W]`` to ``[N, 9 · C, h, w]``."""
    cells = gradient.permute(0, 2, 3, 1).unflatten(2, (-1, factor)).unflatten(1, (-1, factor))
    by_row = _gathered(cells.unbind(2), axis=1)
    return torch.cat([each for row in by_row for each in _gathered(row.unbind(3), axis=2)], dim=3).permute(0, 3, 1, 2)


def _phased(products: Sequence[Tensor], axis: int) -> Three:
    """Return an axis' phases by its products."""
    before, whole, after = products
    inside = whole.shape[axis] - 1
    first, last = whole - before, whole - after
    first.narrow(axis, 1, inside).add_(before.narrow(axis, 0, inside))
    last.narrow(axis, 0, inside).add_(after.narrow(axis, 1, inside))
    return first, whole, last


def _gathered(gradients: Sequence[Tensor], axis: int) -> Three:
    """Return the gradients of an axis' products by those of all pixels that a source pixel becomes along it."""
    first, *inner, last = gradients
    inside = first.shape[axis] - 1
    before, after = -first, -last
    before.narrow(axis, 0, inside).add_(first.narrow(axis, 1, inside))
    after.narrow(axis, 1, inside).add_(last.narrow(axis, 0, inside))
    return before, reduce(torch.add, inner, first + last), after
