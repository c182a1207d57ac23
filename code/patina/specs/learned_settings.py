"""Configurations that learn a degradation: DeFlow and LUD-VAE."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    model_validator,
)

from patina.conditions.steps import Step, published_steps, scale_of
from patina.models.deflow import DeFlowArchitecture
from patina.models.fast_objective import Recompute
from patina.models.ludvae import BORDER, LUDVAEArchitecture
from patina.settings import Strict
from patina.specs.experiment import (
    Experiment,
    LoaderSettings,
    PositiveFloat,
    PositiveInt,
    TrainingSettings,
)

PUBLISHED_NOISE = 0.03
"""On DeFlow's conditions, unless a configuration says otherwise."""


class DomainSettings(Strict):
    """One domain as a multi-scale set that `patina prepare` wrote.

    A plain path stands for `folder`.
    """

    folder: Path
    """Folder of the set, which holds `1x/`, `8x/` and so on."""

    image_scale: PositiveInt = 1
    """Which scale holds the images: 1 reads `1x/`, 2 reads `2x/`. The conditions are read from the folder that is
    `model.scale` times smaller."""

    @model_validator(mode="before")
    @classmethod
    def _folder_alone(cls, value: Any) -> Any:
        """A plain path stands for its folder."""
        return {"folder": value} if isinstance(value, str | Path) else value


class BalancedData(LoaderSettings):
    """Two unpaired domains; every batch is half clean, half real."""

    patch: PositiveInt
    """Side of a training crop, in pixels."""

    batch: PositiveInt
    """Images in a batch, both domains together; an even number."""

    match_statistics: bool = True
    """Shift and scale each channel of the real images to the mean and standard deviation of the clean set before
    training, and undo this in translated images. Turn it off where the sets are small and show subjects of different
    colours."""

    @model_validator(mode="after")
    def _domains_are_balanced(self) -> "BalancedData":
        if self.batch % 2:
            raise ValueError(f"batch is {self.batch}, expected an even number: half clean, half real")
        return self


class UnpairedData(BalancedData):
    """Two unpaired domains as multi-scale sets: images and their conditions."""

    clean: DomainSettings
    """The clean domain (X)."""

    real: DomainSettings
    """The real domain (Y)."""

    patch: PositiveInt = 160
    """Side of a training crop, in pixels; a multiple of `model.scale` and of 2 to the power of `model.levels`."""

    batch: PositiveInt = 8
    """Images in a batch, both domains together; an even number."""

    flip: bool = True
    """Flip half of the crops horizontally."""


class UnpairedValidation(Strict):
    """Held-out sets for validation; without them, validation uses training images."""

    clean: DomainSettings | None = None
    """The clean validation set. null: the clean training set."""

    real: DomainSettings | None = None
    """The real validation set. null: the real training set."""

    pictures: PositiveInt = 4
    """Number of images of each domain that are measured and shown."""

    crop: PositiveInt = 160
    """Side of the centre crop that is used of each image, in pixels; a multiple like `data.patch`."""


class DeFlowTraining(TrainingSettings):
    """Training of DeFlow."""

    recompute: Recompute | None = None
    """What the backward pass recomputes to save memory: `nothing` (fastest), `hidden` or `everything` (least memory).
    Results are the same. null: `hidden` from `model.hidden` 64 on, else the plain network, which is faster at that
    size."""

    shift_rate_factor: PositiveFloat = 1.0
    """Factor of the learning rate for the domains' mean and covariance shift (mu and S of the paper). They start close
    to zero, so a short training needs a factor above 1."""

    init_from: Path | None = None
    """Model file to fine-tune, Patina's own or published. null: random weights."""

    encoder_from: Path | None = None
    """PSNR-trained RRDBNet whose trunk initialises the condition encoder. Excludes `init_from`."""

    @model_validator(mode="after")
    def _one_start(self) -> "DeFlowTraining":
        if self.init_from and self.encoder_from:
            raise ValueError("init_from and encoder_from are both set; a model holds its encoder already")
        return self


class DeFlowConfig(Experiment):
    """Learn a degradation with DeFlow (Wolf et al., CVPR 2021), a conditional normalising flow."""

    task: Literal["deflow"]
    """Selects this task."""

    model: DeFlowArchitecture = DeFlowArchitecture()
    """Size of the network."""

    condition_noise: Annotated[float, Field(ge=0)] | None = None
    """Standard deviation of the Gaussian noise on the condition, in units of [0, 1]; 0.03 unless set. Excludes `h`."""

    h: tuple[Step, ...] | None = None
    """Steps of the map h that turns an image into its condition. null: the published map, bicubic downscaling by
    `model.scale` followed by noise of `condition_noise`."""

    quantisation: PositiveInt = 32
    """Uniform noise of 1/`quantisation` (images are in [0, 1]) is added to the images for dequantisation. Published:
    32."""

    data: UnpairedData
    """Training data."""

    validation: UnpairedValidation = UnpairedValidation()
    """Validation data."""

    training: DeFlowTraining
    """Optimiser and training loop."""

    @model_validator(mode="before")
    @classmethod
    def _one_h(cls, values: Any) -> Any:
        """Spell the published noise out, unless `h` stands in its place."""
        if not isinstance(values, dict) or values.get("h") is None:
            noise = values.get("condition_noise") if isinstance(values, dict) else None
            return {**values, "condition_noise": PUBLISHED_NOISE if noise is None else noise}
        if values.get("condition_noise") is not None:
            raise ValueError("h and condition_noise are both set; give the noise as a step of h, add_gaussian")
        return values

    @property
    def condition_steps(self) -> tuple[Step, ...]:
        """The steps of h."""
        return self.h or published_steps(self.model.scale, self.condition_noise)

    @model_validator(mode="after")
    def _h_fits(self) -> "DeFlowConfig":
        if (scale := scale_of(self.condition_steps)) != self.model.scale:
            raise ValueError(f"h makes conditions {scale} times smaller, expected model.scale, {self.model.scale}")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> "DeFlowConfig":
        for key, side in (("data.patch", self.data.patch), ("validation.crop", self.validation.crop)):
            if side % self.model.multiple:
                raise ValueError(f"{key} is {side}, expected a multiple of {self.model.multiple} for this model")
        return self


Triple = tuple[float, float, float]


class ChannelSettings(Strict):
    """Mean and standard deviation of red, green and blue, in grey levels (0 to 255)."""

    mean: Triple
    """Mean of each channel."""

    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    """Standard deviation of each channel."""


class StatisticsSettings(Strict):
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
            raise ValueError("statistics are given, but match_statistics is false; leave one of them out")
        return self


class ImageValidation(Strict):
    """Held-out folders for validation; without them, validation uses training images."""

    clean: Path | None = None
    """Folder of clean validation images. null: the clean training set."""

    real: Path | None = None
    """Folder of real validation images. null: the real training set."""

    pictures: PositiveInt = 4
    """Number of images of each domain that are measured and shown."""

    crop: Annotated[int, Field(ge=BORDER)] = 160
    """Side of the centre crop that is used of each image, in pixels."""


class HidingNoise(Strict):
    """Noise added to the input so that it no longer shows which domain an image is from."""

    clean: Annotated[float, Field(ge=0)]
    """Std (8-bit) of the noise on clean images."""

    real: Annotated[float, Field(ge=0)]
    """Std (8-bit) of the noise on real images."""


class KLSettings(Strict):
    """Weight of the KL terms: it rises linearly and then stays constant."""

    rise: PositiveFloat = 1e-8
    """Increase of the weight per training step."""

    end: PositiveFloat = 1e-4
    """Final weight."""


class LUDVAETraining(TrainingSettings):
    """Training of LUD-VAE."""

    init_from: Path | None = None
    """Model file to fine-tune, Patina's own or published. null: weights near the identity."""


class LUDVAEConfig(Experiment):
    """Learn noise with LUD-VAE (Zheng et al., TPAMI 2022), a variational autoencoder."""

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


LearnedConfig = DeFlowConfig | LUDVAEConfig
"""The configurations of learned degradations."""
