"""Configurations that train a super-resolution network on pairs."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from patina.config.settings import (
    Experiment,
    LoaderSettings,
    PositiveFloat,
    PositiveInt,
    TrainingSettings,
)
from patina.strict import Strict

FEWEST_DNCNN_LAYERS = 8
"""What spandrel recognises a DnCNN by lies in the first eight."""


class RRDBNetSettings(Strict):
    """ESRGAN's generator: scale 1, 2 or 4, and its size."""

    architecture: Literal["rrdbnet"] = "rrdbnet"
    scale: Literal[1, 2, 4] = 4
    features: PositiveInt = 64
    blocks: PositiveInt = 23
    growth: Annotated[int, Field(ge=1, le=32)] = 32


class CompactSettings(Strict):
    """Real-ESRGAN's small network (SRVGGNetCompact): quick on a CPU."""

    architecture: Literal["compact"]
    scale: Literal[1, 2, 4] = 4
    features: PositiveInt = 64
    blocks: PositiveInt = 16


class DnCNNSettings(Strict):
    """DnCNN, which takes noise off at the same size; `layers` convolutions without batch normalisation."""

    architecture: Literal["dncnn"]
    scale: Literal[1] = 1
    features: PositiveInt = 64
    layers: Annotated[int, Field(ge=FEWEST_DNCNN_LAYERS)] = 17


def _architecture(values: Any) -> str:
    """Return which network the settings are of; `rrdbnet` where they do not say."""
    if isinstance(values, dict):
        return values.get("architecture", "rrdbnet")
    return values.architecture


GeneratorSettings = Annotated[
    Annotated[RRDBNetSettings, Tag("rrdbnet")]
    | Annotated[CompactSettings, Tag("compact")]
    | Annotated[DnCNNSettings, Tag("dncnn")],
    Discriminator(_architecture),
]


def _listed(value: Any) -> Any:
    """Let one source stand for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


class LowQuality(Strict):
    """Where low-quality patches come from, and how often: a folder of pictures, or a recipe (``.yml``)."""

    path: Path
    weight: PositiveFloat = 1.0

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        """A plain path stands for its source."""
        return {"path": value} if isinstance(value, str | Path) else value

    @property
    def is_recipe(self) -> bool:
        """Whether patches are made by a recipe."""
        return self.path.suffix in (".yml", ".yaml")


class PairedData(LoaderSettings):
    """Low-quality pictures and their ground truth; `patch` in ground-truth pixels.

    `lq` is a folder whose pictures match by stem, a recipe that makes them of the ground truth on the fly, or a list
    of both with weights, of which each patch draws one.
    """

    lq: Annotated[tuple[LowQuality, ...], BeforeValidator(_listed), Field(min_length=1)]
    gt: Path
    patch: PositiveInt = 128
    batch: PositiveInt = 16
    augment: bool = True


class PairedValidation(Strict):
    """Pairs to measure PSNR and SSIM on while training; the first `pictures` are also shown."""

    lq: Path
    gt: Path
    pictures: PositiveInt = 4


class PerceptualSettings(Strict):
    """VGG19 feature loss: weight of each layer, and of the whole."""

    weight: PositiveFloat = 1.0
    layers: dict[str, PositiveFloat] = Field({"conv5_4": 1.0})


class AdversarialSettings(Strict):
    """Relativistic average GAN loss: its weight, the discriminator's width and learning rate."""

    weight: PositiveFloat = 5e-3
    features: PositiveInt = 64
    learning_rate: PositiveFloat = 1e-4


class RestorationLosses(Strict):
    """The generator's losses; null turns one off."""

    pixel: PositiveFloat | None = 1.0
    perceptual: PerceptualSettings | None = None
    gan: AdversarialSettings | None = None

    @model_validator(mode="after")
    def _some_loss(self) -> "RestorationLosses":
        if self.pixel is None and self.perceptual is None and self.gan is None:
            raise ValueError("all losses are null, expected at least one of pixel, perceptual, gan")
        return self


class RestorationStage(TrainingSettings):
    """One stage of training; it starts from the stage before, the first one from `init_from`."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    losses: RestorationLosses = RestorationLosses()
    init_from: Path | None = None


class RestorationConfig(Experiment):
    """Train a super-resolution network on pairs, in stages (PSNR-oriented first, then the GAN)."""

    task: Literal["restoration"]
    model: GeneratorSettings = RRDBNetSettings()
    data: PairedData
    validation: PairedValidation | None = None
    stages: Annotated[tuple[RestorationStage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _sizes_fit(self) -> "RestorationConfig":
        if self.data.patch % self.model.scale:
            raise ValueError(f"data.patch is {self.data.patch}, expected a multiple of the scale {self.model.scale}")
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError(f"stages are named {names}, expected a different name for each")
        return self
