"""Where autocast must not reach: the flow's own arithmetic, whose inverse would be lost in bf16."""

import torch
from torch import Tensor


def full_precision(x: Tensor) -> torch.autocast:
    """Return a context in which autocast is off on `x`'s device."""
    return torch.autocast(x.device.type, enabled=False)
