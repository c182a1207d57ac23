"""Random numbers of a batch that is computed in parts: each part gets what it would get as a part of the whole batch.

A training divides every step's batch over processes and into accumulated parts (`patina.training.batch_parts`). Where
a network or a loss draws a number for every sample, it draws here: for the whole batch, of which it keeps its own
part. All parts begin with the generator in the same state, so together they hold the draws of an undivided batch.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

_part, _count = 0, 1


@contextmanager
def drawing_for_part(part: int, count: int) -> Iterator[None]:
    """Draw within the ``with`` block for one of `count` equal parts of a batch, `part` counted from 0."""
    global _part, _count
    before = _part, _count
    _part, _count = part, count
    try:
        yield
    finally:
        _part, _count = before


def normal_like(x: Tensor) -> Tensor:
    """Return standard-normal numbers of the shape of `x`, ``[N, ...]``."""
    return _own(torch.randn, x)


def uniform_like(x: Tensor) -> Tensor:
    """Return numbers drawn uniformly from [0, 1), of the shape of `x`, ``[N, ...]``."""
    return _own(torch.rand, x)


def integers_for(x: Tensor, end: int) -> Tensor:
    """Return an integer in ``[0, end)`` for every sample of `x`, ``[N]``."""
    drawn = torch.randint(end, (len(x) * _count,), device=x.device)
    return _own_part(drawn, len(x))


def draw_dropout_by_batch(network: nn.Module) -> None:
    """Make every `nn.Dropout` of a network draw its mask for the whole batch."""
    for module in network.modules():
        if type(module) is nn.Dropout:
            module.__class__ = _BatchDropout


class _BatchDropout(nn.Dropout):
    """Dropout whose mask belongs to a sample's place in the whole batch."""

    def forward(self, input: Tensor) -> Tensor:
        """Return `input` ``[N, ...]`` with some values set to 0 and the others enlarged accordingly, in training."""
        if not self.training or self.p == 0:
            return input
        return input * _own(lambda *size, **options: functional.dropout(torch.ones(*size, **options), self.p), input)


def _own(draw: Callable[..., Tensor], x: Tensor) -> Tensor:
    drawn = draw(len(x) * _count, *x.shape[1:], dtype=x.dtype, device=x.device)
    return _own_part(drawn, len(x))


def _own_part(drawn: Tensor, size: int) -> Tensor:
    return drawn[_part * size : (_part + 1) * size]
