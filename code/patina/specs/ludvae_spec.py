"""Learning noise with LUD-VAE: the configuration, its network, task and model files."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from torch import Tensor

from patina.data.domains import ImageDomain, open_images
from patina.data.normalisation import UNMATCHED, ImageStatistics
from patina.data.unpaired import UnpairedImages
from patina.degradations.learned_degradation import LearnedDegradation
from patina.degradations.ludvae_degradation import LUDVAEDegradation
from patina.errors import ConfigError, PatinaError
from patina.imaging.channel_statistics import ChannelStatistics
from patina.models.ludvae import BORDER, LUDVAE, LUDVAEArchitecture
from patina.models.ludvae_start import start_near_identity
from patina.models.model_files import ModelFile, load_weights
from patina.seeding import derive, seed_step
from patina.settings import PositiveFloat, PositiveInt, Settings
from patina.specs.learned_spec import BalancedData, LearnedConfig, PrepareSet, learned_weights
from patina.specs.optimisation import TrainingSettings, updater_factory

if TYPE_CHECKING:
    from patina.training.ludvae_task import LUDVAETask

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
    """Folder of clean images."""

    real: Path
    """Folder of real images."""

    patch: PositiveInt = 64
    """Side of a training crop, in pixels."""

    batch: PositiveInt = 16
    """Images in a batch, both domains together; an even number."""

    augment: bool = True
    """Flip and rotate crops, all 8 orientations with equal probability."""

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
        return open_images("clean", self.clean, clean), open_images("real", self.real, real)


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


class HidingNoise(Settings):
    """Noise added to the input so that it no longer shows which domain an image is from."""

    clean: Annotated[float, Field(ge=0)]
    """Std (8-bit) of the noise on clean images."""

    real: Annotated[float, Field(ge=0)]
    """Std (8-bit) of the noise on real images."""


class KLSettings(Settings):
    """Weight of the KL terms: it rises linearly and then stays constant."""

    rise: PositiveFloat = 1e-8
    """Increase of the weight per training step."""

    end: PositiveFloat = 1e-4
    """Final weight."""


class LUDVAETraining(TrainingSettings):
    """Training of LUD-VAE."""

    init_from: Path | None = None
    """Model file to fine-tune, Patina's own or published. null: weights near the identity."""


class LUDVAEConfig(LearnedConfig):
    """Learn noise with LUD-VAE (Zheng et al., TPAMI 2022), a variational autoencoder."""

    degradation: ClassVar[type[LearnedDegradation]] = LUDVAEDegradation

    task: Literal["ludvae"]
    """Selects this task."""

    model: LUDVAEArchitecture = LUDVAEArchitecture()
    """Size of the network."""

    noise_level: HidingNoise
    """Noise that hides the domain of an image."""

    kl: KLSettings = KLSettings()
    """Weight of the KL terms."""

    data: UnpairedImageData
    """Training data."""

    validation: ImageValidation = ImageValidation()
    """Validation data."""

    training: LUDVAETraining
    """Optimiser and training loop."""

    def domains(self) -> tuple[ImageDomain, ImageDomain]:
        """Open the training domains, clean and real."""
        return self.data.open()

    @property
    def training_folders(self) -> dict[str, Path]:
        """The folders of training images by domain."""
        return {"clean": self.data.clean, "real": self.data.real}

    @property
    def validation_folders(self) -> dict[str, Path]:
        """The folders of validation images by domain; only domains with held-out sets."""
        held_out = {"clean": self.validation.clean, "real": self.validation.real}
        return {name: folder for name, folder in held_out.items() if folder}

    def with_domains(self, clean: Path, real: Path, prepare: PrepareSet, sets: Path | None = None) -> "LUDVAEConfig":
        """Return the configuration for other images."""
        data = self.data.model_copy(update={"clean": clean, "real": real})
        return self.model_copy(update={"data": data})

    def describe(self, weights: dict[str, Tensor]) -> ModelFile:
        """Return the model file of a published network's weights; statistics are measured unless given."""
        try:
            statistics = self.data.given_statistics or [domain.image_statistics for domain in self.data.open()]
        except PatinaError as error:
            raise ConfigError(
                f"a published state dict has no channel statistics, and they cannot be measured ({error}); provide the "
                "sets, give mean and std of both as data.statistics, or set data.match_statistics to false"
            ) from error
        configuration = {"architecture": asdict(self.model), "noise_level": self.noise_level.model_dump()}
        return ModelFile(LUDVAEDegradation.kind, configuration, weights, ImageStatistics(*statistics).to_dict())

    def fresh_network(self) -> LUDVAE:
        """Return the network with random weights."""
        return LUDVAE(self.model)

    def starting_network(self) -> LUDVAE:
        """Return the network that training starts from: the one in `training.init_from`, or one near the identity."""
        seed_step(self.seed, "weights")
        network, path = LUDVAE(self.model), self.training.init_from
        if path is None:
            start_near_identity(network)
        else:
            load_weights(network, learned_weights(path, self.task), path)
        return network

    def make_task(self, device: str = "auto") -> "LUDVAETask":
        """Return the task that trains the network."""
        from patina.training.ludvae_task import LUDVAEObjective, LUDVAETask

        clean, real = self.data.open()
        dataset = UnpairedImages(
            clean,
            real,
            patch=self.data.patch,
            batch=self.data.batch,
            seed=derive(self.seed, "data"),
            augment=self.data.augment,
            cache_mb=self.data.cache_mb,
        )
        shown = self.validation
        return LUDVAETask(
            self.starting_network(),
            dataset,
            ImageStatistics.of(clean, real),
            LUDVAEObjective(self.noise_level.model_dump(), self.kl.rise, self.kl.end),
            updater_factory(self.training),
            shown=(
                open_images("clean", shown.clean, clean.image_statistics) if shown.clean else clean,
                open_images("real", shown.real, real.image_statistics) if shown.real else real,
            ),
            pictures=shown.pictures,
            crop=shown.crop,
        )
