"""Common settings of learned degradations, and opening trained models."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import model_validator
from torch import Tensor
from torch.linalg import LinAlgError  # type: ignore[attr-defined]

from patina.data.domains import ImageDomain
from patina.degradations.knobs import Span
from patina.degradations.learned_degradation import LearnedDegradation, Tiling, Use
from patina.degradations.trial import fastest
from patina.errors import ConfigError, PatinaError
from patina.imaging.picture_files import list_pictures
from patina.models.labels import CLEAN
from patina.models.model_files import ModelFile, load_model_file, load_state_dict_file, require_file
from patina.settings import PositiveInt
from patina.specs.experiment import SingleStageConfig
from patina.specs.optimisation import LoaderSettings
from patina.specs.subjects import config_classes
from patina.system.devices import compute_device
from patina.system.typed_values import shortened

PrepareSet = Callable[[Path, Path, list[int]], object]
"""Writes a multi-scale set; called with (folder of images, folder of the set, scales)."""


class BalancedData(LoaderSettings):
    """Two unpaired domains; every batch is half clean, half real."""

    patch: PositiveInt
    """Side of a training crop, in pixels."""

    batch: PositiveInt
    """Images in a batch, both domains together; an even number."""

    match_statistics: bool = False
    """Shift and scale each channel of the real images to the mean and standard deviation of the clean set before
    training, and undo this in translated images, as published. Only right where both sets are large and show similar
    subjects: elsewhere it moves colours that belong to the subjects."""

    clean_recipe: Path | None = None
    """Recipe that degrades the clean images before training, e.g. one made by `patina fit`: only the way from its
    images to the real ones is learned. The degraded images are kept in the run's folder. null: they stay clean."""

    @model_validator(mode="after")
    def _domains_are_balanced(self) -> "BalancedData":
        if self.batch % 2:
            raise ValueError(f"batch is {self.batch}, expected an even number: half clean, half real")
        return self


class LearnedConfig(SingleStageConfig):
    """A configuration that learns a degradation from two unpaired domains."""

    if TYPE_CHECKING:  # a field of the subclasses, whose order is that of a configuration
        data: BalancedData

    degradation: ClassVar[type[LearnedDegradation]]
    """Class of the trained degradation; its `kind` is the configuration's task."""

    @abstractmethod
    def domains(self) -> tuple[ImageDomain, ImageDomain]:
        """Open the training domains, clean and real."""

    @property
    @abstractmethod
    def training_folders(self) -> dict[str, Path]:
        """The folders of training images by domain, `clean` and `real`."""

    @property
    def reads_subfolders(self) -> bool:
        """Whether images in subfolders of the folders are included."""
        return False

    def training_images(self) -> str:
        """Return how many images there are of each domain."""
        counts = {
            name: list_pictures(path, None, self.reads_subfolders) for name, path in self.training_folders.items()
        }
        return " and ".join(f"{len(files)} {domain}" for domain, files in counts.items()) + " images"

    @property
    @abstractmethod
    def validation_folders(self) -> dict[str, Path]:
        """The folders of validation images by domain; only domains with held-out sets."""

    @abstractmethod
    def with_domains(self, clean: Path, real: Path, prepare: PrepareSet, sets: Path | None = None) -> "LearnedConfig":
        """Return the configuration for other images, without a recipe for the clean ones.

        Args:
            clean: folder of clean images.
            real: folder of real images.
            prepare: makes multi-scale sets, for kinds of models that need them.
            sets: folder for these sets, made of clean and real images of one size; None for the sets and sizes that
                the configuration names.
        """

    @abstractmethod
    def describe(self, weights: dict[str, Tensor]) -> ModelFile:
        """Return the model file of a published network's weights.

        Raises:
            PatinaError: the channel statistics of the sets are needed but cannot be measured.
        """


def learned_kinds() -> dict[str, type[LearnedConfig]]:
    """Return the configuration classes of all learned degradations, by kind."""
    return {task: config for task, config in config_classes().items() if issubclass(config, LearnedConfig)}


def is_own_file(path: Path) -> bool:
    """Whether a model file is Patina's own, which contains all settings; a published file contains weights alone."""
    return path.suffix == ".safetensors"


def learned_weights(path: Path, kind: str) -> dict[str, Tensor]:
    """Read the weights of a learned degradation from Patina's own model file or a published state dict.

    Raises:
        PatinaError: the file cannot be read, or holds a model of another kind.
    """
    if is_own_file(path):
        return _own_model(path, kind).weights
    state = load_state_dict_file(path)
    for name, config in learned_kinds().items():
        weights = config.degradation.published_weights(state)
        if weights is not None and name != kind:
            raise PatinaError(f"{path}: holds a published model of kind {name!r}, expected {kind!r}")
        if weights is not None:
            return weights
    return state


def load_learned(path: Path, config: LearnedConfig | None = None) -> ModelFile:
    """Read a trained degradation of any kind.

    A published file needs `config`, which gives the network's size and the training sets' statistics.

    Raises:
        ConfigError: a published file without a configuration, or without statistics.
        PatinaError: the file cannot be used, or its kind differs from the configuration's.
    """
    if is_own_file(path):
        return _own_model(path, config.task if config else None)
    require_file(path)
    if config is None:
        raise ConfigError(f"{path}: a published state dict has no settings; give its configuration with -opt")
    return config.describe(learned_weights(path, config.task))


def learned_degradation(
    path: Path,
    config: LearnedConfig | None = None,
    *,
    source: int = CLEAN,
    tiling: Tiling = Tiling(),  # noqa: B008 - frozen
    device: str = "auto",
    precision: str = "32",
    knobs: Mapping[str, Span] | None = None,
) -> LearnedDegradation:
    """Load a trained model as a degradation, ready to use on `device`.

    Args:
        path: model file, Patina's own or published.
        config: the model's configuration; required for published files.
        source: domain of the images, `CLEAN` or `REAL`.
        tiling: how large images are divided into tiles.
        device: see `compute_device`.
        precision: "32", "bf16-mixed", or "auto" for bf16 if it is fast and matches float32.
        knobs: values of the model's knobs, or ranges, e.g. ``{"heat": 0.5}``.

    Raises:
        ConfigError, PatinaError: as in `load_learned`, or the model has no such knob.
    """
    model = load_learned(path, config)
    return opened_degradation(
        model, path, source=source, tiling=tiling, device=device, precision=precision, knobs=knobs
    )


def opened_degradation(
    model: ModelFile,
    path: Path,
    *,
    source: int = CLEAN,
    tiling: Tiling = Tiling(),  # noqa: B008 - frozen
    device: str = "auto",
    precision: str = "32",
    knobs: Mapping[str, Span] | None = None,
) -> LearnedDegradation:
    """Make a degradation ready to use from the contents of its file, `path`; as in `learned_degradation`."""
    kind = learned_kinds()[model.kind].degradation
    chosen, where = kind.chosen_settings(knobs or {}), compute_device(device)
    fitted = model.photo_knobs if source == CLEAN else {}
    try:
        kind.chosen_settings({name: (min(values), max(values)) for name, values in fitted.items()})
    except PatinaError as error:
        raise PatinaError(f"{path}: its fitted knobs cannot be used ({error}); run `patina strength` again") from error

    def make(dtype: torch.dtype) -> LearnedDegradation:
        try:
            degradation = kind.from_model(model, path, Use(source, chosen, tiling, where, dtype))
        except LinAlgError as error:
            reason = shortened(str(error))
            raise PatinaError(f"{path}: has a matrix without an inverse ({reason}); train the model again") from error
        degradation.leave_to_photos({name: values for name, values in fitted.items() if name not in (knobs or {})})
        return degradation

    if precision == "auto":
        return fastest(make, where)
    return make(torch.bfloat16 if precision == "bf16-mixed" else torch.float32)


def _own_model(path: Path, kind: str | None) -> ModelFile:
    """Read a model file of Patina; `kind` is the expected kind, None for any."""
    model, kinds = load_model_file(path), learned_kinds()
    if model.kind not in kinds:
        raise PatinaError(f"{path}: holds a model of kind {model.kind!r}, expected one of {', '.join(kinds)}")
    if kind is not None and model.kind != kind:
        raise PatinaError(f"{path}: holds a model of kind {model.kind!r}, expected {kind!r}")
    return model
