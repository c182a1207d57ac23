"""Finding the first layer whose output is not finite."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from patina.training.buffers import remembered_buffers


def first_not_finite(networks: dict[str, nn.Module], run: Callable[[], None]) -> str | None:
    """Repeat a forward pass and name the first layer whose output is not finite, without changing the networks.

    Args:
        networks: the modules to watch by name.
        run: repeats the forward pass with the random numbers of the failed one.

    Returns:
        E.g. ``"flow.layers.3.members.1 (ChannelMixing)"``, or None if the output of every layer is finite.
    """
    found: list[str] = []

    def watch(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not found and not all(torch.isfinite(tensor).all() for tensor in _tensors(output)):
                found.append(f"{name} ({type(module).__name__})")

        return hook

    handles = [
        module.register_forward_hook(watch(f"{prefix}.{name}" if name else prefix))
        for prefix, network in networks.items()
        for name, module in network.named_modules()
    ]
    restore = remembered_buffers(networks.values())
    try:
        with torch.no_grad():
            run()
    finally:
        restore()
        for handle in handles:
            handle.remove()
    return found[0] if found else None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for item in value:
            yield from _tensors(item)
