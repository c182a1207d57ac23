"""torch.compile in training: tested before the first step, and switched off for validation."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from typing import Any

import torch
from torch import nn

from patina.errors import PatinaError


def compile_network(network: nn.Module, device: torch.device) -> None:
    """Compile `network` in place when it is first called, and again for every new shape.

    Raises:
        PatinaError: this machine cannot compile for the device.
    """
    try:
        torch.compile(_trial)(torch.ones(8, device=device))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise PatinaError(
            f"compile: true does not work here ({reason}); install a C++ compiler (g++ or clang), on a GPU also "
            "triton, or set compile: false"
        ) from error
    network.compile()


def eager(networks: Iterable[nn.Module]) -> AbstractContextManager[Any]:
    """Return a context that runs compiled networks eagerly.

    Pictures of many sizes would be compiled many times, and compiled networks call no hooks.
    """
    if any(network._compiled_call_impl is not None for network in networks):
        return torch.compiler.set_stance("force_eager")
    return nullcontext()


def _trial(x: torch.Tensor) -> torch.Tensor:
    return (x + 1).relu()
