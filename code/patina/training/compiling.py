"""torch.compile in training: tried before it is needed, and left aside where nothing is repeated often enough."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from patina.errors import PatinaError


def compile_network(network: nn.Module, device: torch.device) -> None:
    """Have `network` compiled, in place, when it is first called, and again for every new shape.

    Raises:
        PatinaError: nothing can be compiled for the device here.
    """
    try:
        torch.compile(_trial)(torch.ones(8, device=device))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise PatinaError(
            f"compile: true cannot work here ({reason}); install a C++ compiler (g++ or clang), on a GPU also triton, "
            "or set compile: false"
        ) from error
    network.compile()


def eager(networks: Iterable[nn.Module]) -> AbstractContextManager:
    """Call compiled networks as they are: pictures of many sizes would compile many times, hooks would not be seen."""
    if any(network._compiled_call_impl is not None for network in networks):
        return torch.compiler.set_stance("force_eager")
    return nullcontext()


def _trial(x: torch.Tensor) -> torch.Tensor:
    return (x + 1).relu()
