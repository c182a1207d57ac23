"""The device to compute on, by its name on the command line."""

from collections.abc import Callable

import torch

from patina.errors import PatinaError

AVAILABLE: dict[str, Callable[[], bool]] = {
    "mps": torch.backends.mps.is_available,
    "cuda": torch.cuda.is_available,
    "cpu": lambda: True,
}
"""Whether torch can compute on a device, by its name; in the order in which "auto" chooses."""


def compute_device(name: str = "auto") -> torch.device:
    """Return the device of a name, or the best one that this machine has.

    Args:
        name: "auto", "cpu", "cuda" (the first GPU) or "mps".

    Raises:
        PatinaError: this machine has no such device.
    """
    if name == "auto":
        name = next(each for each, is_available in AVAILABLE.items() if is_available())
    elif not AVAILABLE[name]():
        raise PatinaError(f"-device {name}: torch finds none here; use -device cpu, or auto")
    return torch.device(name, 0) if name == "cuda" else torch.device(name)
