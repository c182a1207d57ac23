"""Compute devices by name."""

from collections.abc import Callable

import torch

from patina.errors import PatinaError

AVAILABLE: dict[str, Callable[[], bool]] = {
    "mps": torch.backends.mps.is_available,
    "cuda": torch.cuda.is_available,
    "cpu": lambda: True,
}
"""Device name to the function that checks for it, in the order in which "auto" prefers them."""


def compute_device(name: str = "auto") -> torch.device:
    """Return a device by name, or the best one of this machine.

    Args:
        name: "auto", "cpu", "cuda" (the GPU of this process: the first one, unless several processes train together) or
            "mps".

    Raises:
        PatinaError: this machine has no such device.
    """
    if name == "auto":
        name = next(candidate for candidate, is_available in AVAILABLE.items() if is_available())
    elif not AVAILABLE[name]():
        raise PatinaError(f"-device {name}: torch finds no such device on this machine; use -device cpu or auto")
    return torch.device(name, torch.cuda.current_device()) if name == "cuda" else torch.device(name)
