"""What networks keep of their forward passes: running statistics, estimates of singular values."""

from collections.abc import Callable, Iterable

import torch
from torch import nn


def remembered_buffers(networks: Iterable[nn.Module]) -> Callable[[], None]:
    """Remember the buffers of `networks`; calling what is returned gives them back as they are now."""
    before = [(buffer, buffer.detach().clone()) for network in networks for buffer in network.buffers()]

    @torch.no_grad()
    def restore() -> None:
        for buffer, value in before:
            buffer.copy_(value)

    return restore
