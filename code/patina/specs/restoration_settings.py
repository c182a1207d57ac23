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

from patina.settings import Strict
from patina.specs.experiment import (
    Experiment,
    LoaderSettings,
    PositiveFloat,
    PositiveInt,
    TrainingSettings,
)
from patina.specs.loss_settings import AnyLoss, GanSettings, L1Settings, LdlSettings, Losses

Probability = Annotated[float, Field(ge=0, le=1)]

SHARPENING_RADIUS = 25
"""Pixels that unsharp masking sees on each side."""

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
    scale: Literal[1, 2, 3, 4] = 4
    features: PositiveInt = 64
    blocks: PositiveInt = 16


class DnCNNSettings(Strict):
    """DnCNN, which takes noise off at the same size; `layers` convolutions without batch normalisation."""

    architecture: Literal["dncnn"]
    scale: Literal[1] = 1
    features: PositiveInt = 64
    layers: Annotated[int, Field(ge=FEWEST_DNCNN_LAYERS)] = 17


class MSRResNetSettings(Strict):
    """SRResNet without batch normalisation, as courses train RealESRNet; its files open in Patina alone."""

    architecture: Literal["msrresnet"]
    scale: Literal[2, 3, 4] = 4
    features: PositiveInt = 64
    blocks: PositiveInt = 16


class RealPLKSRSettings(Strict):
    """RealPLKSR: a large `kernel` over the share `split` of the channels; `dysample` learns where to sample."""

    architecture: Literal["realplksr"]
    scale: Literal[1, 2, 3, 4] = 4
    features: Annotated[int, Field(gt=0, multiple_of=4)] = 64
    blocks: PositiveInt = 28
    kernel: Annotated[int, Field(ge=3)] = 17
    split: Annotated[float, Field(gt=0, le=1)] = 0.25
    dysample: bool = False
    layer_norm: bool = False

    @model_validator(mode="after")
    def _kernel_has_a_middle(self) -> "RealPLKSRSettings":
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}, expected an odd number")
        if self.features * self.split != int(self.features * self.split):
            raise ValueError(f"split is {self.split}, expected a whole number of the {self.features} features")
        return self


ARCHITECTURES = ("rrdbnet", "compact", "dncnn", "msrresnet", "realplksr")


def _architecture(values: Any) -> str:
    """Return which network the settings are of; `rrdbnet` where they do not say."""
    if isinstance(values, dict):
        return values.get("architecture", "rrdbnet")
    return values.architecture


GeneratorSettings = Annotated[
    Annotated[RRDBNetSettings, Tag("rrdbnet")]
    | Annotated[CompactSettings, Tag("compact")]
    | Annotated[DnCNNSettings, Tag("dncnn")]
    | Annotated[MSRResNetSettings, Tag("msrresnet")]
    | Annotated[RealPLKSRSettings, Tag("realplksr")],
    Discriminator(
        _architecture,
        custom_error_type="architecture",
        custom_error_message=f"unknown architecture, expected one of {', '.join(ARCHITECTURES)}",
    ),
]


def _from_the_start(value: Any) -> Any:
    """Let one size stand for a schedule of one."""
    return value if isinstance(value, dict) else {1: value}


PatchSchedule = Annotated[dict[PositiveInt, PositiveInt], BeforeValidator(_from_the_start), Field(min_length=1)]
"""Sides of the patches by the step that each begins at; a plain number is the side of all."""


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


class AugmentSettings(Strict):
    """Probabilities: `flip` and `rotate` of every patch, the others of every batch, which gets one of them at most."""

    flip: Probability = 0.5
    rotate: Probability = 0.5
    mixup: Probability = 0.0
    cutmix: Probability = 0.0
    resizemix: Probability = 0.0
    cutblur: Probability = 0.0

    @model_validator(mode="before")
    @classmethod
    def _all_or_nothing(cls, value: Any) -> Any:
        """`true` stands for flips and rotations, `false` for nothing."""
        return ({} if value else {"flip": 0.0, "rotate": 0.0}) if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_mixing_a_batch(self) -> "AugmentSettings":
        if (total := sum(self.mixings.values())) > 1:
            raise ValueError(f"the probabilities of {', '.join(self.mixings)} add up to {total:g}, expected 1 at most")
        return self

    @property
    def mixings(self) -> dict[str, float]:
        """The probabilities of what mixes a batch."""
        return {name: getattr(self, name) for name in ("mixup", "cutmix", "resizemix", "cutblur")}


LowQualitySources = Annotated[tuple[LowQuality, ...], BeforeValidator(_listed), Field(min_length=1)]


class PairedData(LoaderSettings):
    """Low-quality pictures and their ground truth; `patch` in ground-truth pixels, or sizes by the step they begin at.

    `lq` is a folder whose pictures match by stem, a recipe that makes them of the ground truth on the fly, or a list
    of both with weights, of which each patch draws one.
    """

    lq: LowQualitySources
    gt: Path
    patch: PatchSchedule = {1: 128}  # noqa: RUF012 - pydantic copies it
    batch: PositiveInt = 16
    augment: AugmentSettings = AugmentSettings()


class PairedValidation(Strict):
    """Pairs to measure PSNR and SSIM on while training; the first `pictures` are also shown."""

    lq: Path
    gt: Path
    pictures: PositiveInt = 4


class RestorationStage(TrainingSettings):
    """One stage of training; it starts from the stage before, the first one from `init_from`.

    `ema` is the decay of the averaged weights, which are what is validated and saved; null saves the weights as
    trained. `patch` takes the place of the data's. With `init_strict: false`, weights of the start's file that do not
    fit are listed and left out. `compile` trains through torch.compile.
    """

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    losses: Losses = (L1Settings(type="l1"),)
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    patch: PatchSchedule | None = None
    init_from: Path | None = None
    init_strict: bool = True
    compile: bool = False

    @model_validator(mode="after")
    def _losses_have_what_they_need(self) -> "RestorationStage":
        if self.ema is None and any(isinstance(loss, LdlSettings) for loss in self.losses):
            raise ValueError("ldl compares with averaged weights, expected a decay in `ema`, e.g. 0.999")
        return self

    @property
    def gan(self) -> GanSettings | None:
        """The adversarial loss, where there is one."""
        return next((loss for loss in self.losses if isinstance(loss, GanSettings)), None)


class RestorationConfig(Experiment):
    """Train a super-resolution network on pairs, in stages (PSNR-oriented first, then the GAN)."""

    task: Literal["restoration"]
    model: GeneratorSettings = RRDBNetSettings()
    data: PairedData
    validation: PairedValidation | None = None
    stages: Annotated[tuple[RestorationStage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _sizes_fit(self) -> "RestorationConfig":
        for stage in self.stages:
            key = "data.patch" if stage.patch is None else f"patch of stage {stage.name}"
            _check_patches(patch_sides(self, stage), key, self.model.scale, stage)
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError(f"stages are named {names}, expected a different name for each")
        return self


def patch_sides(config: RestorationConfig, stage: RestorationStage) -> dict[int, int]:
    """Return the sides of a stage's patches by the step that each begins at."""
    return dict(sorted((config.data.patch if stage.patch is None else stage.patch).items()))


def _check_patches(sides: dict[int, int], key: str, scale: int, stage: RestorationStage) -> None:
    if 1 not in sides:
        raise ValueError(f"{key} begins at step {min(sides)}, expected 1 for the first size")
    for side in sides.values():
        if side % scale:
            raise ValueError(f"{key} is {side}, expected a multiple of the scale {scale}")
        for loss in stage.losses:
            _check_patch_of_loss(side, key, loss)
    if stage.gan and stage.gan.discriminator.architecture == "vgg" and len(set(sides.values())) > 1:
        raise ValueError(f"{key} changes, which the discriminator vgg cannot; expected the architecture unet")


def _check_patch_of_loss(side: int, key: str, loss: AnyLoss) -> None:
    if side < loss.smallest_patch:
        raise ValueError(f"{key} is {side}, expected {loss.smallest_patch} or more for {loss.needing_it}")
    if isinstance(loss, GanSettings) and loss.discriminator.architecture == "unet" and side % 8:
        raise ValueError(f"{key} is {side}, expected a multiple of 8 for the discriminator unet")
    if loss.sharpened and side <= SHARPENING_RADIUS:
        raise ValueError(f"{key} is {side}, expected more than {SHARPENING_RADIUS} for sharpened targets")
