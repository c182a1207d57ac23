"""A 3×3 convolution of a nearest-upscaled map, computed at the map's own size.

Along one axis, with kernel (k₀, k₁, k₂), source x and result y at phase p of the r pixels that source pixel i becomes,
neighbours are the same source pixel except at its two ends:

    first phase    y = s[i] + a[i−1] − a[i],   a = k₀ x
    inner phases   y = s[i],                   s = (k₀ + k₁ + k₂) x
    last phase     y = s[i] + b[i+1] − b[i],   b = k₂ x

What is zero outside the source is zero outside the upscaled map. In two dimensions the three products become nine,
each a 1×1 convolution, for any factor r ≥ 2. Maps are ``[N, C, H, W]``, best in channels-last memory.
"""

import torch
from torch import Tensor

SPANS = (slice(0, 1), slice(1, -1), slice(-1, None))
"""Which of a source pixel's rows, or columns, are its first, inner and last phase."""

Triple = tuple[Tensor, Tensor, Tensor]


def product_kernels(weight: Tensor) -> Tensor:
    """Return the nine 1×1 kernels of a 3×3 kernel, differentiably.

    Args:
        weight: ``[outputs, inputs, 3, 3]``.

    Returns:
        ``[9 · outputs, inputs, 1, 1]``: for k₀, sum and k₂ of the rows those of the columns.
    """
    by_row = torch.stack([weight[:, :, 0], weight.sum(2), weight[:, :, 2]])
    by_both = torch.stack([by_row[..., 0], by_row.sum(-1), by_row[..., 2]], dim=1)
    return by_both.flatten(0, 2)[:, :, None, None]


def product_biases(bias: Tensor) -> Tensor:
    """Return the biases ``[9 · C]`` of the products that make one of `bias` ``[C]`` behind the convolution."""
    # The fifth product, of both sums, is part of every phase, and of each just once.
    others = torch.zeros_like(bias).repeat(4)
    return torch.cat([others, bias, others])


def phases_of(products: Tensor) -> Tensor:
    """Turn a source's products into the phases of its upscaled map's convolution, in place.

    Args:
        products: the source convolved with its `product_kernels`, ``[N, 9 · C, h, w]``.

    Returns:
        `products`: for first, inner and last phase of the rows those of the columns.
    """
    by_kernel = _by_kernel(products)
    for axis in (1, 2):
        before, whole, after = by_kernel.unbind(axis + 2)
        inside = whole.shape[axis] - 1
        first, last = whole - before, whole - after
        first.narrow(axis, 1, inside).add_(before.narrow(axis, 0, inside))
        last.narrow(axis, 0, inside).add_(after.narrow(axis, 1, inside))
        before.copy_(first)
        after.copy_(last)
    return products


def upscaled(phases: Tensor, factor: int, top: int, bottom: int) -> Tensor:
    """Return the convolution of an upscaled map, or some of its rows.

    Args:
        phases: what `phases_of` returns, ``[N, 9 · C, h, w]``.
        factor: how many times the source is upscaled, 2 or more.
        top, bottom: the rows of the source that become those returned.

    Returns:
        ``[N, C, factor · (bottom - top), factor · w]``, channels last.
    """
    by_phase = _by_kernel(phases)[:, top:bottom]
    count, height, width, _, _, channels = by_phase.shape
    cells = phases.new_empty((count, height, factor, width, factor, channels))
    for rows, of_rows in zip(SPANS, by_phase.unbind(3), strict=True):
        for columns, phase in zip(SPANS, of_rows.unbind(3), strict=True):
            cells[:, :, rows, :, columns] = phase[:, :, None, :, None]
    return cells.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def gathered_gradient(gradient: Tensor, factor: int) -> Tensor:
    """Return the gradient of all products by that of `upscaled`: ``[N, C, H, W]`` to ``[N, 9 · C, h, w]``."""
    cells = gradient.permute(0, 2, 3, 1).unflatten(2, (-1, factor)).unflatten(1, (-1, factor))
    by_row = [torch.stack(_unphased(_sums(each, 3), axis=2), dim=3) for each in _sums(cells, 2)]
    return torch.stack(_unphased(by_row, axis=1), dim=3).flatten(3).permute(0, 3, 1, 2)


def _sums(cells: Tensor, axis: int) -> Triple:
    """Return the sums over each span of an axis of phases, which they drop."""
    first, inner, last = (cells.movedim(axis, 0)[span] for span in SPANS)
    return first[0], inner[0] if len(inner) == 1 else inner.sum(0), last[0]


def _by_kernel(products: Tensor) -> Tensor:
    """View ``[N, 9 · C, h, w]`` as ``[N, h, w, 3, 3, C]``."""
    return products.permute(0, 2, 3, 1).unflatten(3, (3, 3, -1))


def _unphased(gradients: Triple, axis: int) -> Triple:
    """Return the transpose, along an axis, of what `phases_of` does."""
    first, inner, last = gradients
    size = first.shape[axis]
    before, after = -first, -last
    before.narrow(axis, 0, size - 1).add_(first.narrow(axis, 1, size - 1))
    after.narrow(axis, 1, size - 1).add_(last.narrow(axis, 0, size - 1))
    return before, first + inner + last, after
