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
    """One domain's multi-scale set, made by `patina prepare`.

    `image_scale` names the subfolder that holds the images (``2`` is ``2x/``); the conditions come from
    ``{image_scale · model.scale}x/``.
    """

    folder: Path
    image_scale: PositiveInt = 1

    @model_validator(mode="before")
    @classmethod
    def _folder_alone(cls, value: Any) -> Any:
        """A plain path stands for its folder."""
        return {"folder": value} if isinstance(value, str | Path) else value


class BalancedData(LoaderSettings):
    """Two domains, never paired; `patch` is the side of a training image in pixels.

    `match_statistics` brings real pictures to the clean set's channel statistics before training, and
    translated ones back. Turn it off where the sets are small and their colours differ by subject.
    """

    patch: PositiveInt
    batch: PositiveInt
    match_statistics: bool = True

    @model_validator(mode="after")
    def _domains_are_balanced(self) -> "BalancedData":
        if self.batch % 2:
            raise ValueError(f"batch is {self.batch}, expected an even number: half clean, half real")
        return self


class UnpairedData(BalancedData):
    """Images with their conditions, from two multi-scale sets; `flip` mirrors half of the patches."""

    clean: DomainSettings
    real: DomainSettings
    patch: PositiveInt = 160
    batch: PositiveInt = 8
    flip: bool = True


class UnpairedValidation(Strict):
    """Held-out sets for validation; without them the training pictures are shown."""

    clean: DomainSettings | None = None
    real: DomainSettings | None = None
    pictures: PositiveInt = 4
    crop: PositiveInt = 160


class DeFlowTraining(TrainingSettings):
    """Training of DeFlow.

    `init_from` is a model to fine-tune (own or published); `encoder_from` an RRDB network trained for
    PSNR that the condition encoder starts from. `shift_rate_factor` multiplies the learning rate of mu and
    S: in a short training they, starting at almost nothing, must move faster than the rest.
    `recompute` trades time for memory: what the backward pass computes again instead of keeping it, ``nothing``,
    ``hidden`` or ``everything``; null chooses by the network's size. The numbers stay the same.
    """

    recompute: Recompute | None = None
    shift_rate_factor: PositiveFloat = 1.0
    init_from: Path | None = None
    encoder_from: Path | None = None

    @model_validator(mode="after")
    def _one_start(self) -> "DeFlowTraining":
        if self.init_from and self.encoder_from:
            raise ValueError("init_from and encoder_from are both set; a model holds its encoder already")
        return self


class DeFlowConfig(Experiment):
    """Learn a degradation: `train.py`, and what `translate.py` and `validate.py` need of it.

    `h` lists the steps that make the condition of an image; left out, it is the published one: bicubic downscaling by
    `model.scale`, then Gaussian noise of deviation `condition_noise`.
    """

    task: Literal["deflow"]
    model: DeFlowArchitecture = DeFlowArchitecture()
    condition_noise: Annotated[float, Field(ge=0)] | None = None
    h: tuple[Step, ...] | None = None
    quantisation: PositiveInt = 32
    data: UnpairedData
    validation: UnpairedValidation = UnpairedValidation()
    training: DeFlowTraining

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
    """A set's mean and standard deviation of red, green and blue, 0..255."""

    mean: Triple
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]


class StatisticsSettings(Strict):
    """Channel statistics of both sets, where they are known and not to be measured."""

    clean: ChannelSettings
    real: ChannelSettings


class UnpairedImageData(BalancedData):
    """Images alone, from two folders; `augment` flips and turns the patches in 8 ways.

    `statistics` stands for the measured ones, e.g. of a published model's sets.
    """

    clean: Path
    real: Path
    patch: PositiveInt = 64
    batch: PositiveInt = 16
    augment: bool = True
    statistics: StatisticsSettings | None = None

    @model_validator(mode="after")
    def _statistics_are_used(self) -> "UnpairedImageData":
        if self.statistics and not self.match_statistics:
            raise ValueError("statistics are given, but match_statistics is false; leave one of them out")
        return self


class ImageValidation(Strict):
    """Held-out folders for validation; without them the training pictures are shown."""

    clean: Path | None = None
    real: Path | None = None
    pictures: PositiveInt = 4
    crop: Annotated[int, Field(ge=BORDER)] = 160


class HidingNoise(Strict):
    """Deviation of the noise that hides which domain an image is from, in 1/255, by domain."""

    clean: Annotated[float, Field(ge=0)]
    real: Annotated[float, Field(ge=0)]


class KLSettings(Strict):
    """Weight of the KL terms: it grows by `rise` at every step, up to `end`."""

    rise: PositiveFloat = 1e-8
    end: PositiveFloat = 1e-4


class LUDVAETraining(TrainingSettings):
    """Training of LUD-VAE; `init_from` is a model to fine-tune (own or published)."""

    init_from: Path | None = None


class LUDVAEConfig(Experiment):
    """Learn a noise: `train.py`, and what `translate.py` and `validate.py` need of it."""

    task: Literal["ludvae"]
    model: LUDVAEArchitecture = LUDVAEArchitecture()
    noise_level: HidingNoise
    kl: KLSettings = KLSettings()
    data: UnpairedImageData
    validation: ImageValidation = ImageValidation()
    training: LUDVAETraining


LearnedConfig = DeFlowConfig | LUDVAEConfig
"""The configurations of learned degradations."""
