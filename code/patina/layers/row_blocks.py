"""3×3 convolutions of maps in bands of rows, so that what stands between two of them stays in the processor's cache.

A stream yields a map's bands from top to bottom. What needs a row beyond a band keeps the last two rows that it saw:
nothing is computed twice, and no map between two convolutions is ever whole in memory. None of it has gradients.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from patina.layers.fused import Activation, conv

CPU_BYTES = 2 * 2**20
ACCELERATOR_BYTES = 256 * 2**20
"""Size of a band: on a processor more leaves the cache, on an accelerator less leaves it idle."""


class Band(NamedTuple):
    """Some rows of a map.

    Attributes:
        rows: ``[N, C, rows, W]``.
        top: the first of them in the map.
        last: whether the map ends with them.
    """

    rows: Tensor
    top: int
    last: bool

    @property
    def bottom(self) -> int:
        """The row behind the last one."""
        return self.top + self.rows.shape[2]

    def of(self, whole: Tensor) -> Tensor:
        """Return the same rows of another map."""
        return whole[:, :, self.top : self.bottom]


Stream = Iterable[Band]


def streamed(whole: Tensor, row_bytes: int, multiple: int = 1) -> Iterator[Band]:
    """Yield a map's bands, without copying them.

    Args:
        whole: ``[N, C, H, W]``.
        row_bytes: what a row of it takes in the widest map that is computed from it.
        multiple: of which the rows of a band are one; H is, too.
    """
    height, device = whole.shape[2], whole.device
    size = CPU_BYTES if device.type == "cpu" else ACCELERATOR_BYTES
    rows = max(1, size // (row_bytes * multiple)) * multiple
    for top in range(0, height, rows):
        yield Band(whole[:, :, top : top + rows], top, top + rows >= height)


def overlapped(stream: Stream) -> Iterator[Band]:
    """Yield bands with a row more above and below, zeros where the map ends; `top` stays that of their second row."""
    rows: Tensor | None = None
    top = 0
    for band in stream:
        zeros = torch.zeros_like(band.rows[:, :, :1])
        above = zeros if rows is None else rows[:, :, -2:]
        rows = torch.cat([above, band.rows, zeros] if band.last else [above, band.rows], dim=2)
        if rows.shape[2] > 2:
            yield Band(rows, top, band.last)
            top += rows.shape[2] - 2


def convolved(
    stream: Stream, weight: Tensor, bias: Tensor | None = None, activation: Activation = "none"
) -> Iterator[Band]:
    """Yield activation(x * weight + bias) of a streamed x with a 3×3 kernel, zero-padded."""
    for band in overlapped(stream):
        yield band._replace(rows=conv(band.rows, weight, bias, (0, 1), activation))


def gathered(stream: Stream, height: int, memory_format: torch.memory_format = torch.channels_last) -> Tensor:
    """Return the whole map of a stream, of `height` rows."""
    wholes: list[Tensor] = []
    for _ in recorded(stream, height, wholes.append, memory_format):
        pass
    if not wholes:
        raise ValueError("the stream has no band")
    return wholes[0]


def recorded(
    stream: Stream,
    height: int,
    store: Callable[[Tensor], None],
    memory_format: torch.memory_format = torch.channels_last,
) -> Iterator[Band]:
    """Yield a stream's bands, of `height` rows in all, and copy them into a map that `store` takes at the start."""
    whole: Tensor | None = None
    for band in stream:
        if whole is None:
            shape = (*band.rows.shape[:2], height, band.rows.shape[3])
            whole = torch.empty(shape, dtype=band.rows.dtype, device=band.rows.device, memory_format=memory_format)
            store(whole)
        band.of(whole).copy_(band.rows)
        yield band
