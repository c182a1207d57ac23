"""Learned degradations that train on two plain folders of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from patina.data.domains import ImageDomain, open_images
from patina.data.normalisation import UNMATCHED
from patina.imaging.channel_statistics import ChannelStatistics
from patina.models.ludvae import BORDER
from patina.settings import PositiveFloat, PositiveInt, Settings
from patina.specs.learned_spec import BalancedData, LearnedConfig, PrepareSet

if TYPE_CHECKING:
    from typing_extensions import Self

Triple = tuple[float, float, float]


class ChannelSettings(Settings):
    """Mean and standard deviation of red, green and blue, in grey levels (0 to 255)."""

    mean: Triple
    """Mean of each channel."""

    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    """Standard deviation of each channel."""


class StatisticsSettings(Settings):
    """Known channel statistics of both sets, used instead of measured ones."""

    clean: ChannelSettings
    """Statistics of the clean set."""

    real: ChannelSettings
    """Statistics of the real set."""


class UnpairedImageData(BalancedData):
    """Two unpaired domains as plain folders of images."""

    clean: Path
    """Folder of clean images, or tars or an LMDB of them."""

    real: Path
    """Folder of real images, or tars or an LMDB of them."""

    patch: PositiveInt = 64
    """Side of a training crop, in pixels."""

    batch: PositiveInt = 16
    """Images in a batch, both domains together; an even number."""

    augment: bool = True
    """Flip and rotate crops, all 8 orientations with equal probability."""

    recursive: bool = False
    """Include images in subfolders, of the validation sets, too."""

    statistics: StatisticsSettings | None = None
    """Channel statistics of both sets, e.g. those of a published model. null: measured."""

    @model_validator(mode="after")
    def _statistics_are_used(self) -> "UnpairedImageData":
        if self.statistics and not self.match_statistics:
            raise ValueError("statistics are given, but match_statistics is false; remove one of them")
        return self

    @property
    def given_statistics(self) -> Sequence[ChannelStatistics] | None:
        """Known statistics of the clean and the real set; None if they are measured."""
        if not self.match_statistics:
            return [UNMATCHED, UNMATCHED]
        if self.statistics is None:
            return None
        both = (self.statistics.clean, self.statistics.real)
        return [ChannelStatistics(given.mean, given.std, pixels=0) for given in both]

    def open(self) -> tuple[ImageDomain, ImageDomain]:
        """Open the training domains, clean and real, with their given statistics."""
        clean, real = self.given_statistics or (None, None)
        return (
            open_images("clean", self.clean, clean, self.recursive),
            open_images("real", self.real, real, self.recursive),
        )


class ImageValidation(Settings):
    """Held-out folders for validation; without them, validation uses training images."""

    clean: Path | None = None
    """Folder of clean validation images. null: the clean training set."""

    real: Path | None = None
    """Folder of real validation images. null: the real training set."""

    pictures: PositiveInt = 4
    """Number of images of each domain that are measured and shown."""

    crop: Annotated[int, Field(ge=BORDER)] = 160
    """Side of the centre crop taken from every image, in pixels."""

    def open(self, clean: ImageDomain, real: ImageDomain, recursive: bool) -> tuple[ImageDomain, ImageDomain]:
        """Open the validation domains, given the training domains."""
        return (
            open_images("clean", self.clean, clean.image_statistics, recursive) if self.clean else clean,
            open_images("real", self.real, real.image_statistics, recursive) if self.real else real,
        )


class ImageFolderConfig(LearnedConfig):
    """A configuration that learns a degradation from two plain folders."""

    if TYPE_CHECKING:  # fields of the subclasses, whose order is that of a configuration
        data: UnpairedImageData
        validation: ImageValidation

    def domains(self) -> tuple[ImageDomain, ImageDomain]:
        """Open the training domains, clean and real."""
        return self.data.open()

    @property
    def reads_subfolders(self) -> bool:
        """Whether images in subfolders are included."""
        return self.data.recursive

    @property
    def training_folders(self) -> dict[str, Path]:
        """The folders of training images by domain."""
        return {"clean": self.data.clean, "real": self.data.real}

    @property
    def validation_folders(self) -> dict[str, Path]:
        """The folders of validation images by domain; only domains with held-out sets."""
        held_out = {"clean": self.validation.clean, "real": self.validation.real}
        return {name: folder for name, folder in held_out.items() if folder}

    def with_domains(self, clean: Path, real: Path, prepare: PrepareSet, sets: Path | None = None) -> "Self":
        """Return the configuration for other images, without a recipe for the clean ones."""
        data = self.data.model_copy(update={"clean": clean, "real": real, "clean_recipe": None})
        return self.model_copy(update={"data": data})
