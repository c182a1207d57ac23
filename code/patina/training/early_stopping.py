"""Ending a training when it no longer gets better, with the best weights it had."""

from copy import deepcopy
from typing import Any

from torch import Tensor, nn


class EarlyStopping:
    """Remembers the best weights, and how many validations have passed since.

    Args:
        patience: validations without a better score after which to stop; None never stops.
        least_gain: what a score must be better by to count.
    """

    def __init__(self, patience: int | None, least_gain: float = 0.0):
        self.patience = patience
        self.least_gain = least_gain
        self.best = float("-inf")
        self.waited = 0
        self.weights: dict[str, Tensor] | None = None

    @property
    def stopped(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.waited >= self.patience

    def see(self, score: float, network: nn.Module) -> None:
        """Take note of a validation's score, higher is better; a score that is not a number is no better one."""
        if score > self.best + (self.least_gain if self.weights else 0.0):
            self.best, self.waited = score, 0
            self.weights = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
        else:
            self.waited += 1

    def state(self) -> dict[str, Any]:
        """Return all that a resumed run needs."""
        return {"best": self.best, "waited": self.waited, "weights": self.weights}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.best, self.waited, self.weights = state["best"], state["waited"], state["weights"]


def with_weights(network: nn.Module, weights: dict[str, Tensor] | None) -> nn.Module:
    """Return a copy of `network` with other weights, or `network` itself where there are none."""
    if weights is None:
        return network
    other = deepcopy(network)
    other.load_state_dict(weights)
    return other
