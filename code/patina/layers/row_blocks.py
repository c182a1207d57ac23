"""Chains of 3×3 convolutions in row blocks, so that intermediate maps stay in the processor's cache.

A stream yields a map's row blocks from top to bottom. Convolutions hold on to the last two rows of the previous block,
so nothing is computed twice and no intermediate map is ever complete in memory. No gradients.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from patina.layers.fused import Activation, conv

CPU_BYTES = 2 * 2**20
ACCELERATOR_BYTES = 256 * 2**20
"""Size of a row block: larger ones leave a processor's cache, smaller ones leave an accelerator idle."""


class RowBlock(NamedTuple):
    """Consecutive rows of a map.

    Attributes:
        rows: ``[N, C, rows, W]``.
        top: index of the first row in the map.
        last: whether these are the map's last rows.
    """

    rows: Tensor
    top: int
    last: bool

    @property
    def bottom(self) -> int:
        """Index of the row after the last one."""
        return self.top + self.rows.shape[2]

    def of(self, whole: Tensor) -> Tensor:
        """Return the same rows of the map `whole`."""
        return whole[:, :, self.top : self.bottom]


Stream = Iterable[RowBlock]


def streamed(whole: Tensor, row_bytes: int, multiple: int = 1) -> Iterator[RowBlock]:
    """Yield a map's row blocks, without copying.

    Args:
        whole: ``[N, C, H, W]``.
        row_bytes: bytes of one row of the widest map computed from it.
        multiple: divisor of the number of rows per block; H is a multiple of it, too.
    """
    height, device = whole.shape[2], whole.device
    size = CPU_BYTES if device.type == "cpu" else ACCELERATOR_BYTES
    rows = max(1, size // (row_bytes * multiple)) * multiple
    for top in range(0, height, rows):
        yield RowBlock(whole[:, :, top : top + rows], top, top + rows >= height)


def overlapped(stream: Stream) -> Iterator[RowBlock]:
    """Yield blocks with one more row above and below, zeros outside the map; `top` is the index of the second row."""
    rows: Tensor | None = None
    top = 0
    for block in stream:
        zeros = torch.zeros_like(block.rows[:, :, :1])
        above = zeros if rows is None else rows[:, :, -2:]
        rows = torch.cat([above, block.rows, zeros] if block.last else [above, block.rows], dim=2)
        if rows.shape[2] > 2:
            yield RowBlock(rows, top, block.last)
            top += rows.shape[2] - 2


def convolved(
    stream: Stream, weight: Tensor, bias: Tensor | None = None, activation: Activation = "none"
) -> Iterator[RowBlock]:
    """Yield activation(x * weight + bias) of a streamed x with a 3×3 kernel and zero padding."""
    for block in overlapped(stream):
        yield block._replace(rows=conv(block.rows, weight, bias, (0, 1), activation))


def gathered(stream: Stream, height: int, memory_format: torch.memory_format = torch.channels_last) -> Tensor:
    """Collect a stream into a map of `height` rows."""
    wholes: list[Tensor] = []
    for _ in recorded(stream, height, wholes.append, memory_format):
        pass
    if not wholes:
        raise ValueError("the stream has no row block")
    return wholes[0]


def recorded(
    stream: Stream,
    height: int,
    store: Callable[[Tensor], None],
    memory_format: torch.memory_format = torch.channels_last,
) -> Iterator[RowBlock]:
    """Yield a stream's blocks and copy them into a map of `height` rows, which `store` receives before it is filled."""
    whole: Tensor | None = None
    for block in stream:
        if whole is None:
            shape = (*block.rows.shape[:2], height, block.rows.shape[3])
            whole = torch.empty(shape, dtype=block.rows.dtype, device=block.rows.device, memory_format=memory_format)
            store(whole)
        block.of(whole).copy_(block.rows)
        yield block
