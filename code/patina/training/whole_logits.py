"""The logits of a whole batch where it is computed in parts, for losses that compare with their mean."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from patina.training.batch_parts import BatchParts, Generators
from patina.training.buffers import remembered_buffers


class WholeLogits:
    """Completes the logits of a part to those of the batch; gradients flow through the part's own logits alone.

    With accumulated parts, the logits of later parts must be known before: `rehearse` computes all parts without
    gradients, and every call in a part then gets what the same call gave in all parts of the rehearsal.

    Args:
        parts: the division of the batch.
    """

    def __init__(self, parts: BatchParts):
        self._parts = parts
        self._is_rehearsing = False
        self._rehearsed: list[Tensor] = []
        self._calls = 0

    def rehearse(self, run: Callable[[], object], networks: Iterable[nn.Module]) -> None:
        """Run all parts once without gradients; networks and random numbers are as before afterwards.

        Args:
            run: computes all parts; every part calls this object equally often.
            networks: the networks whose buffers `run` changes.
        """
        self._calls, self._rehearsed = 0, []
        if self._parts.accumulate == 1:
            return
        restore, generators = remembered_buffers(networks), Generators()
        self._is_rehearsing = True
        try:
            with torch.no_grad():
                run()
        finally:
            self._is_rehearsing = False
            restore()
            generators.rewind()
        seen, calls = self._rehearsed, len(self._rehearsed) // self._parts.accumulate
        self._rehearsed = [self._parts.joined(torch.cat(seen[call::calls])) for call in range(calls)]

    def __call__(self, own: Tensor) -> Tensor:
        """Return the logits of the batch, ``[N, ...]``, of which a part's own are given."""
        if self._is_rehearsing:
            self._rehearsed.append(own.detach())
            return own
        if self._parts.count == 1:
            return own
        if self._parts.accumulate == 1:
            part, whole = 0, self._parts.joined(own.detach())
        else:
            part, call = divmod(self._calls, len(self._rehearsed))
            self._calls, whole = self._calls + 1, self._rehearsed[call]
        pieces = list(whole.tensor_split(self._parts.count))
        pieces[self._parts.rank * self._parts.accumulate + part] = own
        return torch.cat(pieces)

    def part_of(self, loss: Tensor) -> Tensor:
        """Return a loss of the whole batch as a part's: the parts' mean has its value and its whole gradient.

        Every part's backward pass reaches its own images alone, so the gradients of the parts must be added, while
        those of other losses are averaged.
        """
        return loss.detach() + self._parts.count * (loss - loss.detach()) if self._parts.count > 1 else loss
