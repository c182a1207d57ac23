"""Optimiser steps that protect the weights from losses and gradients that are not finite."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from patina.layers.batch_draws import draw_dropout_by_batch
from patina.training.batch_parts import BatchParts
from patina.training.compiling import compile_network
from patina.training.optimisers import MakeOptimiser, is_schedule_free, optimiser_factory
from patina.training.processes import add_gradients, any_process, same_in_all
from patina.training.schedules import Schedule


class NotFinite(Exception):
    """Losses or a gradient are not finite; the message names all `sources`."""

    def __init__(self, *sources: str):
        super().__init__(f"{', '.join(sources)} {'is' if len(sources) == 1 else 'are'} not finite")
        self.sources = sources


class Updater:
    """Trains one network, with a learning-rate schedule and gradient clipping.

    A step is `begin`, `add` for every part of the batch, `finish` and `apply`.

    Args:
        fabric: runs the backward pass at its precision.
        name: name of the network in messages and saved states.
        network: raw module; `module` is the same network set up by Fabric, to be called in training.
        schedule: learning rate by step.
        clip_gradient: largest gradient norm; None does not clip.
        rate_factors: factors of the learning rate, by the last part of a parameter's name.
        optimiser: makes the optimiser, see `optimiser_factory`; None for Adam.
        compiled: whether the network is compiled for training.

    Raises:
        PatinaError: `compiled`, but this machine cannot compile.

    Attributes:
        last_step: the last step that has begun to change the weights; 0 for none.
    """

    def __init__(
        self,
        fabric: Fabric,
        name: str,
        network: nn.Module,
        *,
        schedule: Schedule,
        clip_gradient: float | None = None,
        rate_factors: Mapping[str, float] | None = None,
        optimiser: MakeOptimiser | None = None,
        compiled: bool = False,
    ):
        self.fabric = fabric
        self.name = name
        self.network = network
        self.schedule = schedule
        self.clip_gradient = clip_gradient
        self.last_step = 0
        self._broken: tuple[str, ...] = ()
        draw_dropout_by_batch(network)
        if compiled:
            compile_network(network, fabric.device)
        groups = _by_rate(network, rate_factors or {})
        optimizer = (optimiser or optimiser_factory("adam"))(groups, schedule(1))
        if is_schedule_free(optimizer):
            optimizer.train()
        self.module, self.optimizer = fabric.setup(network, optimizer)
        same_in_all(fabric, [network])

    def begin(self) -> None:
        """Forget the gradients of the step before."""
        self.optimizer.zero_grad(set_to_none=True)
        self._broken = ()

    def add(self, losses: Tensor | Mapping[str, Tensor], parts: BatchParts) -> None:
        """Add the gradient of one part of the batch.

        Args:
            losses: the loss, or losses by name that are summed; means over the part.
            parts: the division of the batch.
        """
        if isinstance(losses, Tensor):
            terms, loss = {f"loss of {self.name}": losses}, losses
        else:
            terms = {f"{name} loss": value for name, value in losses.items()}
            loss = torch.stack(list(losses.values())).sum()
        broken = tuple(name for name, value in terms.items() if not torch.isfinite(value))
        if broken:  # `finish` says so, in all processes at once
            self._broken = broken
        else:
            self.fabric.backward(loss / parts.count if parts.count > 1 else loss)

    def finish(self, step: int) -> dict[str, float]:
        """Add the gradients of all processes up and clip the sum; `apply` takes the step.

        Returns:
            ``lr``, and ``gradient``: the gradient norm before clipping.

        Raises:
            NotFinite: the loss or a gradient is not finite, in any process; the weights have not changed.
        """
        if any_process(self.fabric, bool(self._broken)):
            raise NotFinite(*self._broken or (f"loss of {self.name} in another process",))
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        add_gradients(self.fabric, trained)
        norm = nn.utils.clip_grad_norm_(trained, self.clip_gradient or torch.inf)
        if not torch.isfinite(norm):
            raise NotFinite(self._broken_gradient())
        return {"lr": self.schedule(step), "gradient": float(norm)}

    def apply(self, step: int) -> None:
        """Take a step along the gradient that `finish` has completed."""
        self.last_step = step
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule(step) * group["rate_factor"]
        self.optimizer.step()

    @contextmanager
    def evaluated(self) -> Iterator[None]:
        """Give the network the weights that are validated and saved, inside the ``with`` block.

        Those of a schedule-free optimiser are an average of its steps. The weights that it trains are put back as they
        were, because computing them from the average would round them.
        """
        optimiser = self.optimizer.optimizer
        if not is_schedule_free(optimiser):
            yield
            return
        trained = [parameter.detach().clone() for parameter in self.network.parameters()]
        optimiser.eval()
        try:
            yield
        finally:
            optimiser.train()
            with torch.no_grad():
                for parameter, value in zip(self.network.parameters(), trained, strict=True):
                    parameter.copy_(value)

    def _broken_gradient(self) -> str:
        for name, parameter in self.network.named_parameters():
            if parameter.grad is not None and not torch.isfinite(parameter.grad).all():
                return f"gradient of {self.name}.{name}"
        return f"gradient norm of {self.name}"

    def state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def _by_rate(network: nn.Module, rate_factors: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the optimiser's parameter groups: trainable parameters by learning-rate factor."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(rate_factors.get(name.rsplit(".", 1)[-1], 1.0), []).append(parameter)
    return [{"params": parameters, "rate_factor": factor} for factor, parameters in groups.items()]
