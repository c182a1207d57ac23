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
    """ESRGAN's generator (RRDBNet)."""

    architecture: Literal["rrdbnet"] = "rrdbnet"
    """Selects this network."""

    scale: Literal[1, 2, 4] = 4
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of the trunk."""

    blocks: PositiveInt = 23
    """Number of RRDB blocks."""

    growth: Annotated[int, Field(ge=1, le=32)] = 32
    """Growth of the dense blocks, in channels; files are padded to 32, which other tools expect."""


class CompactSettings(Strict):
    """Real-ESRGAN's small network (SRVGGNetCompact), fast on a CPU."""

    architecture: Literal["compact"]
    """Selects this network."""

    scale: Literal[1, 2, 3, 4] = 4
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of every layer."""

    blocks: PositiveInt = 16
    """Number of convolutions in the body."""


class DnCNNSettings(Strict):
    """DnCNN, a denoiser that keeps the size, without batch normalisation."""

    architecture: Literal["dncnn"]
    """Selects this network."""

    scale: Literal[1] = 1
    """Always 1."""

    features: PositiveInt = 64
    """Channels of every layer."""

    layers: Annotated[int, Field(ge=FEWEST_DNCNN_LAYERS)] = 17
    """Number of convolutions."""


class MSRResNetSettings(Strict):
    """MSRResNet (SRResNet without batch normalisation); its files open in Patina only."""

    architecture: Literal["msrresnet"]
    """Selects this network."""

    scale: Literal[2, 3, 4] = 4
    """Upscaling factor."""

    features: PositiveInt = 64
    """Channels of the trunk."""

    blocks: PositiveInt = 16
    """Number of residual blocks."""


class RealPLKSRSettings(Strict):
    """RealPLKSR: large-kernel convolutions over a part of the channels."""

    architecture: Literal["realplksr"]
    """Selects this network."""

    scale: Literal[1, 2, 3, 4] = 4
    """Upscaling factor."""

    features: Annotated[int, Field(gt=0, multiple_of=4)] = 64
    """Channels of the trunk."""

    blocks: PositiveInt = 28
    """Number of blocks."""

    kernel: Annotated[int, Field(ge=3)] = 17
    """Side of the large kernel, in pixels; an odd number."""

    split: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Fraction of the channels that the large kernel sees; `features` times `split` is an integer."""

    dysample: bool = False
    """Upsample with DySample, which learns its sampling positions, instead of pixel shuffle."""

    layer_norm: bool = False
    """Normalise the channels in every block."""

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


PatchSchedule = Annotated[
    dict[PositiveInt, PositiveInt],
    BeforeValidator(_from_the_start, PositiveInt | dict[PositiveInt, PositiveInt]),
    Field(min_length=1),
]
"""Sides of the patches by the step that each begins at; a plain number is the side of all."""


def _listed(value: Any) -> Any:
    """Let one source stand for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


class LowQuality(Strict):
    """One source of LQ crops: a folder, or a recipe. A plain path stands for `path`."""

    path: Path
    """Folder of LQ images whose stems match the GT images, or a recipe (`.yml`) that degrades GT crops on the fly."""

    weight: PositiveFloat = 1.0
    """How often crops are drawn from this source, relative to the other sources."""

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
    """Probabilities of augmentations; `true` stands for the defaults, `false` for none.

    At most one of `mixup`, `cutmix`, `resizemix` and `cutblur` is applied to a batch, so they add up to 1 at most.
    """

    flip: Probability = 0.5
    """Probability of a horizontal flip, and of a vertical flip, for each crop."""

    rotate: Probability = 0.5
    """Probability of transposing a crop, which together with flips gives all rotations by 90 degrees."""

    mixup: Probability = 0.0
    """Probability of blending the pairs of a batch."""

    cutmix: Probability = 0.0
    """Probability of pasting a square of another pair into every pair of a batch."""

    resizemix: Probability = 0.0
    """Probability of pasting a shrunk other pair into every pair of a batch."""

    cutblur: Probability = 0.0
    """Probability of exchanging a square between LQ and downscaled GT in a batch."""

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


LowQualitySources = Annotated[
    tuple[LowQuality, ...],
    BeforeValidator(_listed, Path | LowQuality | list[Path | LowQuality]),
    Field(min_length=1),
]


class PairedData(LoaderSettings):
    """GT images and where their LQ crops come from."""

    lq: LowQualitySources
    """Folder of LQ images that match the GT images by stem, a recipe that degrades GT crops on the fly, or a weighted
    list of both."""

    gt: Path
    """Folder of GT images."""

    patch: PatchSchedule = {1: 128}  # noqa: RUF012 - pydantic copies it
    """Side of a GT crop in pixels, a multiple of `model.scale`; or sides by the step they start at, e.g. `{1: 128,
    100000: 256}`."""

    batch: PositiveInt = 16
    """Pairs in a batch."""

    augment: AugmentSettings = AugmentSettings()
    """Augmentation."""


class PairedValidation(Strict):
    """Image pairs on which PSNR and SSIM are measured during training."""

    lq: Path
    """Folder of LQ images that match the GT images by stem."""

    gt: Path
    """Folder of GT images."""

    pictures: PositiveInt = 4
    """How many of the pairs are also shown in `previews/`."""


class RestorationStage(TrainingSettings):
    """One stage of training. It starts from the weights of the stage before."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """Name of the stage and of its folder inside the run's folder."""

    losses: Losses = (L1Settings(type="l1"),)
    """What the generator minimises."""

    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """EMA decay of the weights, e.g. 0.999; the averaged weights are validated and saved. null: no averaging."""

    patch: PatchSchedule | None = None
    """Overrides `data.patch` in this stage."""

    init_from: Path | None = None
    """Model file to start from, in place of the stage before. null in the first stage: random weights."""

    init_strict: bool = True
    """Refuse an `init_from` in which a weight does not fit. false: list such weights and leave them out."""

    compile: bool = False
    """Train through torch.compile: the first step takes minutes, later steps may be faster."""

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
    """Train a super-resolution or restoration network on pairs, in one or more stages."""

    task: Literal["restoration"]
    """Selects this task."""

    model: GeneratorSettings = RRDBNetSettings()
    """The network, by `architecture`."""

    data: PairedData
    """Training data."""

    validation: PairedValidation | None = None
    """Validation pairs. null: no validation."""

    stages: Annotated[tuple[RestorationStage, ...], Field(min_length=1)]
    """Stages of training, e.g. PSNR-oriented first, then a GAN."""

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
