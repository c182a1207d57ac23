"""Learning noise with LUD-VAE: the configuration, its network, task and model files."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from patina.data.normalisation import ImageStatistics
from patina.data.unpaired import UnpairedImages
from patina.degradations.learned_degradation import LearnedDegradation
from patina.degradations.ludvae_degradation import LUDVAEDegradation
from patina.errors import ConfigError, PatinaError
from patina.models.ludvae import LUDVAE, LUDVAEArchitecture
from patina.models.ludvae_start import start_near_identity
from patina.models.model_files import ModelFile, load_weights
from patina.seeding import derive, seed_step
from patina.settings import PositiveFloat, Settings
from patina.specs.image_folders import ImageFolderConfig, ImageValidation, UnpairedImageData
from patina.specs.learned_spec import learned_weights
from patina.specs.optimisation import TrainingSettings, updater_factory

if TYPE_CHECKING:
    from patina.training.ludvae_task import LUDVAETask


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


class LUDVAEConfig(ImageFolderConfig):
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

    def validated_numbers(self) -> tuple[str, ...]:
        """Return the objective's parts, by domain."""
        return ("reconstruction_real", "reconstruction_clean", "kl_real", "kl_clean")

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
        return LUDVAETask(
            self.starting_network(),
            dataset,
            ImageStatistics.of(clean, real),
            LUDVAEObjective(self.noise_level.model_dump(), self.kl.rise, self.kl.end),
            updater_factory(self.training),
            shown=self.validation.open(clean, real, self.data.recursive),
            pictures=self.validation.pictures,
            crop=self.validation.crop,
        )
