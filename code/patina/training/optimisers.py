"""Optimisers by name: torch's, those of pytorch-optimizer, and schedule-free ones."""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from patina.errors import PatinaError
from patina.hints import install

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

EXTRA = "optimisers"
"""The extra of the package that brings all optimisers."""

_PROJECTS = {"pytorch_optimizer": "pytorch-optimizer", "schedulefree": "schedulefree"}


@dataclass(frozen=True)
class OptimiserKind:
    """An optimiser.

    Attributes:
        package: where its class is.
        class_name: name of its class.
        betas: its usual decay rates.
        betas_key: the argument for them.
        options: further arguments.
        is_schedule_free: whether it averages weights, so that the learning rate needs no schedule. It trains at
            other weights than it is evaluated with, see `Updater.evaluated`.
        is_matrix_wise: whether matrices and the other parameters are separate groups.
    """

    package: str
    class_name: str
    betas: tuple[float, ...]
    betas_key: str = "betas"
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    is_schedule_free: bool = False
    is_matrix_wise: bool = False


OPTIMISERS = {
    "adam": OptimiserKind("torch.optim", "Adam", (0.9, 0.999)),
    "adamw": OptimiserKind("torch.optim", "AdamW", (0.9, 0.999)),
    "adan": OptimiserKind("pytorch_optimizer", "Adan", (0.98, 0.92, 0.99)),
    "lion": OptimiserKind("pytorch_optimizer", "Lion", (0.9, 0.99)),
    "soap": OptimiserKind("pytorch_optimizer", "SOAP", (0.95, 0.95)),
    # Updates of matrices are scaled to the size of AdamW's, so that one learning rate fits all parameters.
    "muon": OptimiserKind(
        "pytorch_optimizer",
        "Muon",
        (0.9, 0.95),
        betas_key="adamw_betas",
        options={"use_adjusted_lr": True},
        is_matrix_wise=True,
    ),
    "adamw_schedulefree": OptimiserKind("schedulefree", "AdamWScheduleFree", (0.9, 0.999), is_schedule_free=True),
    "radam_schedulefree": OptimiserKind("schedulefree", "RAdamScheduleFree", (0.9, 0.999), is_schedule_free=True),
}
"""All optimisers by their name in configurations."""

MakeOptimiser = Callable[[list[dict[str, Any]], float], Any]
"""Makes the optimiser of parameter groups, each with its ``rate_factor``, at a learning rate."""


def optimiser_factory(name: str, betas: Sequence[float] | None = None, weight_decay: float = 0.0) -> MakeOptimiser:
    """Return a function that makes an optimiser.

    Args:
        name: from `OPTIMISERS`.
        betas: its decay rates; None for its usual ones.
        weight_decay: 0 for none.

    Raises:
        PatinaError: its package is not installed.
    """
    kind = OPTIMISERS[name]
    try:
        made_by = getattr(importlib.import_module(kind.package), kind.class_name)
    except ImportError as error:
        project = _PROJECTS.get(kind.package, kind.package)
        raise PatinaError(
            f"the optimiser {name} needs {project}, which is not installed: {install(EXTRA)}; or train with adamw"
        ) from error
    chosen = {kind.betas_key: tuple(betas or kind.betas), "weight_decay": weight_decay, **kind.options}

    def make(groups: list[dict[str, Any]], learning_rate: float) -> Any:
        if kind.is_matrix_wise:
            alike = {"lr": learning_rate, "weight_decay": weight_decay}  # without them, AdamW's groups have their own
            return made_by([group | alike for group in _by_shape(groups)], lr=learning_rate, **chosen)
        return made_by(groups, lr=learning_rate, **chosen)

    return make


def is_schedule_free(optimiser: "Optimizer") -> bool:
    """Return whether an optimiser averages weights, and has modes of training and evaluation for that."""
    return any("train_mode" in group for group in optimiser.param_groups)


def _by_shape(groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Divide groups into matrices, to which convolutions count, and all other parameters."""
    found = []
    for group in groups:
        for use_muon in (True, False):
            if chosen := [one for one in group["params"] if _is_matrix(one) == use_muon]:
                found.append(group | {"params": chosen, "use_muon": use_muon})
    return found


def _is_matrix(parameter: "Tensor") -> bool:
    return parameter.ndim > 1 and len(parameter) > 1 and parameter.numel() > len(parameter)
