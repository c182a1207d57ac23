"""3×3 convolution of a nearest-upscaled map, computed at the source resolution.

Upscaling by r turns source pixel i into r equal pixels, its phases. Along one axis, with kernel (k₀, k₁, k₂), source x
and result y, a phase's neighbours are copies of the same source pixel except at the two ends:

    first phase    y = s[i] + a[i−1] − a[i],   a = k₀ x
    inner phases   y = s[i],                   s = (k₀ + k₁ + k₂) x
    last phase     y = s[i] + b[i+1] − b[i],   b = k₂ x

Zero padding of the source equals zero padding of the upscaled map. In two dimensions the three products a, s, b become
nine, each a 1×1 convolution, for any factor r ≥ 2. Maps are ``[N, C, H, W]``, best in channels-last memory. Products
and phases are lists of nine maps, rows first: (a, s, b) or (first, inner, last) of the rows times that of the columns.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from patina.layers.fused import conv
from patina.layers.precision import full_precision

SPANS = (slice(0, 1), slice(1, -1), slice(-1, None))
"""Rows, or columns, of a source pixel that are its first, inner and last phases."""

PRODUCTS = ((1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0))
"""Coefficients of (k₀, k₁, k₂) in the kernels of the products a, s and b of one axis."""

Three = tuple[Tensor, Tensor, Tensor]
"""The products, or the phases, of one axis."""


def product_kernels(weight: Tensor) -> Tensor:
    """Return the nine 1×1 kernels of a 3×3 kernel, differentiably.

    Args:
        weight: ``[outputs, inputs, 3, 3]``.

    Returns:
        The nine kernels concatenated, ``[9 · outputs, inputs, 1, 1]``.
    """
    with full_precision(weight):
        along = weight.new_tensor(PRODUCTS)
        kernels = torch.kron(along, along) @ weight.flatten(2).permute(2, 0, 1).flatten(1)
    return kernels.view(9 * len(weight), weight.shape[1], 1, 1)


def phases_of(source: Tensor, kernels: Tensor, bias: Tensor) -> list[Tensor]:
    """Return the phases of the convolution of the upscaled map, without gradients.

    Args:
        source: the map before upscaling, ``[N, inputs, h, w]``.
        kernels: `product_kernels`.
        bias: ``[outputs]``.

    Returns:
        Nine maps, ``[N, outputs, h, w]``.
    """
    # The bias goes into the product of both sums, which enters every phase exactly once.
    biases = [bias if index == 4 else None for index in range(9)]
    products = [conv(source, kernel, added) for kernel, added in zip(kernels.chunk(9), biases, strict=True)]
    by_column = [_phased(products[column::3], axis=2) for column in range(3)]
    return [phase for of_row in zip(*by_column, strict=True) for phase in _phased(of_row, axis=3)]


def upscaled(phases: Sequence[Tensor], factor: int, top: int, bottom: int) -> Tensor:
    """Return the convolution of the upscaled map, or some of its rows, assembled from its phases.

    Args:
        phases: nine maps, ``[N, C, h, w]``.
        factor: upscaling factor, 2 or more.
        top, bottom: range of source rows to return.

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
    """Return the gradient of all products, ``[N, 9 · C, h, w]``, given that of `upscaled`, ``[N, C, H, W]``."""
    cells = gradient.permute(0, 2, 3, 1).unflatten(2, (-1, factor)).unflatten(1, (-1, factor))
    by_row = _gathered(cells.unbind(2), axis=1)
    products = [product for row in by_row for product in _gathered(row.unbind(3), axis=2)]
    return torch.cat(products, dim=3).permute(0, 3, 1, 2)


def _phased(products: Sequence[Tensor], axis: int) -> Three:
    """Return the phases of one axis from its products, by the equations of the module's docstring."""
    before, whole, after = products
    inside = whole.shape[axis] - 1
    first, last = whole - before, whole - after
    first.narrow(axis, 1, inside).add_(before.narrow(axis, 0, inside))
    last.narrow(axis, 0, inside).add_(after.narrow(axis, 1, inside))
    return first, whole, last


def _gathered(gradients: Sequence[Tensor], axis: int) -> Three:
    """Return the gradients of one axis's products, given those of all phases (the transpose of `_phased`)."""
    first, *inner, last = gradients
    inside = first.shape[axis] - 1
    before, after = -first, -last
    before.narrow(axis, 0, inside).add_(first.narrow(axis, 1, inside))
    after.narrow(axis, 1, inside).add_(last.narrow(axis, 0, inside))
    return before, reduce(torch.add, inner, first + last), after
