"""The table of what is trained in one go: configuration to network, task and the loop's plan."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from patina.specs.experiment import LoopSettings
from patina.specs.learned_training import deflow_network, deflow_task, ludvae_network, ludvae_task, require_deflow
from patina.specs.luminance_objects import luminance_network, luminance_task
from patina.specs.running import loop_plan
from patina.specs.sr3_training import sr3_network, sr3_plan, sr3_task
from patina.training.loop import LoopPlan
from patina.training.task import Task


def _planned(config: Any, task: Task) -> LoopPlan:
    return loop_plan(config.training, config.data, config.seed)


@dataclass(frozen=True)
class Trained:
    """One kind of model.

    Attributes:
        network: makes the network of a configuration, with no file to start from.
        task: makes what trains it, for (configuration, device).
        plan: makes the loop's plan, for (configuration, task).
        require: refuses a configuration that lacks something, without writing anything, for (configuration, device).
    """

    network: Callable[[Any], nn.Module]
    task: Callable[[Any, str], Task]
    plan: Callable[[Any, Task], LoopPlan] = _planned
    require: Callable[[Any, str], object] | None = None

    def lacks_nothing(self, config: Any, device: str) -> None:
        """Make sure of it; where nothing is said of how, by making the task.

        Raises:
            PatinaError: what is missing or does not fit.
        """
        (self.require or self.task)(config, device)


def _learned(
    network: Callable[[Any], tuple[nn.Module, bool]],
    task: Callable[[Any], Task],
    require: Callable[[Any], None] | None = None,
) -> Trained:
    return Trained(
        lambda config: network(config.model_copy(update={"training": _without_start(config.training)}))[0],
        lambda config, device: task(config),
        require=(lambda config, device: require(config)) if require else None,
    )


def _without_start(training: LoopSettings) -> LoopSettings:
    """Return the training settings with no file to start from."""
    files = {name for name in ("init_from", "encoder_from") if hasattr(training, name)}
    return training.model_copy(update=dict.fromkeys(files))


TRAINED = {
    "deflow": _learned(deflow_network, deflow_task, require_deflow),
    "ludvae": _learned(ludvae_network, ludvae_task),
    "luminance": Trained(lambda config: luminance_network(config.model), luminance_task),
    "sr3": Trained(sr3_network, sr3_task, sr3_plan),
}
"""By task."""
