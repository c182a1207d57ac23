"""Base classes of configurations: all experiments, and those that train."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from patina.runs import run_models
from patina.runs.watchers import WatcherName
from patina.settings import Settings, as_list
from patina.specs.kept_models import ComparisonSettings
from patina.specs.optimisation import LoaderSettings, loop_plan

if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Self

    from patina.training.loop_plan import LoopPlan
    from patina.training.task import Task


Watch = Annotated[tuple[WatcherName, ...], BeforeValidator(as_list, WatcherName | list[WatcherName])]
"""Services by name; a single one needs no list."""


class Experiment(Settings):
    """Settings of every configuration: task, name, seed and output folder."""

    task: str
    """Selects the kind of experiment."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """Name of the run and of its folder below `runs`."""

    seed: int = 0
    """Seed of all random numbers: initial weights, order of the images, crops, augmentation and noise."""

    runs: Path = Path("trained_models")
    """Parent folder of the run's folder. Of a training, it may be an address, e.g. `s3://bucket/runs`."""


@dataclass(frozen=True)
class TrainingStage:
    """One run of the training loop.

    Attributes:
        folder: folder of the run.
        precision: training precision, see `Precision`.
        make_task: makes the task for a device name.
        make_plan: makes the loop's plan for the task.
        start: model file that the stage starts from, if any; a resumed run must start from the same one.
    """

    folder: Path
    precision: str
    make_task: "Callable[[str], Task]"
    make_plan: "Callable[[Task], LoopPlan]"
    start: Path | None = None

    @property
    def final_model(self) -> Path:
        """The model file written at the end of the stage."""
        return self.folder / run_models.FOLDER / f"{run_models.FINAL}.safetensors"


class TrainableConfig(Experiment):
    """A configuration that trains a network in one or more stages."""

    watch: Watch = ()
    """Services that show the training beside TensorBoard: `wandb` (Weights & Biases), `trackio`, or a list of both.
    Each needs the extra of its name."""

    @abstractmethod
    def fresh_network(self) -> "nn.Module":
        """Return the network with random weights; no file is read."""

    @abstractmethod
    def training_stages(self) -> tuple[TrainingStage, ...]:
        """Return the stages in order; each starts from the result of the one before."""

    @abstractmethod
    def require(self, device: str = "auto", *, pictures: bool = True) -> list[str]:
        """Check that everything training needs exists, without writing anything.

        Args:
            device: device for the models of recipes.
            pictures: whether to check the data, too.

        Returns:
            What later stages lack, a line each: the first can begin without it.

        Raises:
            PatinaError: a file or image is missing or does not fit.
        """

    def validated_numbers(self) -> tuple[str, ...]:
        """Return the names of what a validation measures and models can be compared by, the usual one first."""
        return ()

    def compared(self) -> dict[str, ComparisonSettings]:
        """Return the settings of what validations are compared for, by key."""
        return {}

    @model_validator(mode="after")
    def _what_is_compared_is_measured(self) -> "Self":
        for place, settings in self.compared().items():
            settings.require_numbers(place, self.validated_numbers())
        return self

    @abstractmethod
    def training_images(self) -> str:
        """Return how many images the training has, in words; an error as in `require`."""

    def run_folder(self) -> Path:
        """Return the folder of the run; stages have folders inside it."""
        return self.runs / self.name

    def final_model(self) -> Path:
        """Return the model file written at the end of the training."""
        return self.training_stages()[-1].final_model


class SingleStageConfig(TrainableConfig):
    """A configuration with one stage, whose settings are the block `training`."""

    if TYPE_CHECKING:  # subclasses declare these fields themselves, which decides the order of keys
        training: Any
        data: LoaderSettings

    @abstractmethod
    def make_task(self, device: str = "auto") -> "Task":
        """Return the task that trains the network."""

    def make_plan(self, task: "Task") -> "LoopPlan":
        """Return the loop's plan."""
        return loop_plan(self.training, self.data, self.seed, numbers=self.validated_numbers())

    def compared(self) -> dict[str, ComparisonSettings]:
        """Return the settings of the only stage."""
        return {"training": self.training}

    def training_stages(self) -> tuple[TrainingStage, ...]:
        """Return the only stage."""
        return (TrainingStage(self.run_folder(), self.training.precision, self.make_task, self.make_plan),)

    def require(self, device: str = "auto", *, pictures: bool = True) -> list[str]:
        """Check that everything training needs exists by making its task, which opens the images."""
        if pictures:
            self.make_task(device)
        return []
