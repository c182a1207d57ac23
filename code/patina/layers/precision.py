"""Where bf16 pays, and where it must not reach: the flow's own arithmetic, whose inverse would be lost in it."""

import torch
from torch import Tensor

FIRST_BF16_CAPABILITY = 8
BF16_CHECKS = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")


def full_precision(x: Tensor) -> torch.autocast:
    """Return a context in which autocast is off on `x`'s device."""
    return torch.autocast(x.device.type, enabled=False)


def has_fast_bf16(device: torch.device) -> bool:
    """Say whether `device` has instructions for bf16 (AMX or AVX512-BF16, GPUs from Ampere on); without, it is slow."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= FIRST_BF16_CAPABILITY
    if device.type != "cpu":
        return False
    # Asked by names that torch does not promise to keep; where one is gone, float32 is the safe answer.
    return any(getattr(torch.cpu, name, lambda: False)() for name in BF16_CHECKS)
