"""Where bf16 is fast, and contexts without it for the flow's arithmetic, which bf16 would make non-invertible."""

import torch
from torch import Tensor

FIRST_BF16_CAPABILITY = 8
BF16_CHECKS = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")


def full_precision(x: Tensor) -> torch.autocast:
    """Return a context in which autocast is off on `x`'s device."""
    return torch.autocast(x.device.type, enabled=False)


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether `device` has bf16 instructions (AMX or AVX512-BF16, GPUs from Ampere on); else bf16 is slow."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= FIRST_BF16_CAPABILITY
    if device.type != "cpu":
        return False
    # These functions are private to torch; if one is gone, fall back to float32.
    return any(getattr(torch.cpu, name, lambda: False)() for name in BF16_CHECKS)
