"""Early stopping: ends training that no longer improves and keeps the best weights."""

from copy import deepcopy
from typing import Any

from torch import Tensor, nn


class EarlyStopping:
    """Keeps the best weights and counts the validations since.

    Args:
        patience: number of validations without improvement after which training ends; None never ends it.
        least_gain: smallest gain in score that counts as an improvement.
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
        """Record the score of a validation; higher is better, NaN is never an improvement."""
        if score > self.best + (self.least_gain if self.weights else 0.0):
            self.best, self.waited = score, 0
            self.weights = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
        else:
            self.waited += 1

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return {"best": self.best, "waited": self.waited, "weights": self.weights}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.best, self.waited, self.weights = state["best"], state["waited"], state["weights"]


def with_weights(network: nn.Module, weights: dict[str, Tensor] | None) -> nn.Module:
    """Return a copy of `network` with the given weights, or `network` itself for None."""
    if weights is None:
        return network
    other = deepcopy(network)
    other.load_state_dict(weights)
    return other
