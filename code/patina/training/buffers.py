"""Restoring the buffers that forward passes change: running statistics, estimates of singular values."""

from collections.abc import Callable, Iterable

import torch
from torch import nn


def remembered_buffers(networks: Iterable[nn.Module]) -> Callable[[], None]:
    """Copy the buffers of `networks`; return a function that restores them."""
    before = [(buffer, buffer.detach().clone()) for network in networks for buffer in network.buffers()]

    @torch.no_grad()
    def restore() -> None:
        for buffer, value in before:
            buffer.copy_(value)

    return restore
