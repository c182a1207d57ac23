"""Exponential moving average (EMA) of a network's weights."""

from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

Tensors = tuple[Tensor, ...] | list[Tensor]


class Ema:
    """Averages the weights of a network: after every step, average = decay * average + (1 - decay) * weights.

    Buffers are copied; the first update copies the weights, too. Early on, the decay is at most (1 + n) / (10 + n)
    after n updates, because otherwise the initial weights would dominate the average of a short training.

    Args:
        network: raw module, on its device.
        decay: the EMA decay, 0 to 1, e.g. 0.999.
    """

    def __init__(self, network: nn.Module, decay: float):
        def follow(averages: Tensors, weights: Tensors, updates: Tensor | int) -> None:
            now = min(decay, (1 + int(updates)) / (10 + int(updates)))
            get_ema_multi_avg_fn(now)(averages, weights, updates)

        self._averaged = AveragedModel(network, multi_avg_fn=follow).requires_grad_(False)

    @property
    def network(self) -> nn.Module:
        """A copy of the network with the EMA weights; it is never trained."""
        return self._averaged.module

    def update(self, network: nn.Module) -> None:
        """Add the weights after a training step to the average."""
        self._averaged.update_parameters(network)

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return self._averaged.state_dict()

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._averaged.load_state_dict(state)
