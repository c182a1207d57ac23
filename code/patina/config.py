"""Configuration files: typed and strict, one YAML file an experiment."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from patina.errors import ConfigError
from patina.models.deflow import DeFlowArchitecture
from patina.models.fast_objective import Recompute
from patina.models.ludvae import BORDER, LUDVAEArchitecture
from patina.strict import Strict, find_file, first_problem, read_yaml

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Precision = Literal["32", "bf16-mixed"]
FEWEST_DNCNN_LAYERS = 8
"""What spandrel recognises a DnCNN by lies in the first eight."""


class OptimiserSettings(Strict):
    """Adam and its learning rate, halved at the milestones.

    `milestones` are steps; `clip_gradient` is the largest gradient norm, null for none.
    """

    learning_rate: PositiveFloat = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    milestones: tuple[PositiveInt, ...] = ()
    clip_gradient: PositiveFloat | None = None


class LoopSettings(Strict):
    """How long to train and what to write on the way; all counts are training steps."""

    steps: PositiveInt
    log_every: PositiveInt = 100
    validate_every: PositiveInt = 5000
    save_every: PositiveInt = 5000
    keep_states: PositiveInt = 2
    max_not_finite: PositiveInt = 20
    precision: Precision = "32"

    @model_validator(mode="before")
    @classmethod
    def _precision_is_a_name(cls, values: Any) -> Any:
        """YAML reads a bare 32 as a number."""
        if isinstance(values, dict) and values.get("precision") == 32:
            return {**values, "precision": "32"}
        return values


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


class LoaderSettings(Strict):
    """How training pictures are read: worker processes, and decoded pictures kept in memory by each."""

    workers: Annotated[int, Field(ge=0)] = 2
    cache_mb: Annotated[int, Field(ge=0)] = 512


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


class DeFlowTraining(LoopSettings, OptimiserSettings):
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


class Experiment(Strict):
    """What every configuration has: a name, a seed, and the folder that runs are written to."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: int = 0
    runs: Path = Path("trained_models")


class DeFlowConfig(Experiment):
    """Learn a degradation: `train.py`, and what `translate.py` and `validate.py` need of it."""

    task: Literal["deflow"]
    model: DeFlowArchitecture = DeFlowArchitecture()
    condition_noise: Annotated[float, Field(ge=0)] = 0.03
    quantisation: PositiveInt = 32
    data: UnpairedData
    validation: UnpairedValidation = UnpairedValidation()
    training: DeFlowTraining

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


class LUDVAETraining(LoopSettings, OptimiserSettings):
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


class RestorationStage(LoopSettings, OptimiserSettings):
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


class TestSet(Strict):
    """A folder to upscale and, where it exists, its ground truth."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    lq: Path
    gt: Path | None = None


class UpscaleTestConfig(Experiment):
    """Upscale folders with a model and measure the results: `test.py`.

    `model` is a file that spandrel reads, or ``bicubic``; `scale` is needed for bicubic alone.
    """

    task: Literal["test"]
    model: str
    scale: Literal[1, 2, 4] | None = None
    sets: Annotated[tuple[TestSet, ...], Field(min_length=1)]
    out: Path
    tile: PositiveInt | None = None
    precision: Precision = "32"
    crop_border: Annotated[int, Field(ge=0)] = 0
    space: Literal["rgb", "y"] = "rgb"
    lpips: bool = True


Config = Annotated[LearnedConfig | RestorationConfig | UpscaleTestConfig, Field(discriminator="task")]
TASKS = {
    "deflow": DeFlowConfig,
    "ludvae": LUDVAEConfig,
    "restoration": RestorationConfig,
    "test": UpscaleTestConfig,
}
TAGS = {*TASKS, "rrdbnet", "compact", "dncnn"}
"""What pydantic adds to the place of an error and no file contains."""


def find_config(given: str | Path) -> Path:
    """Return the file meant by `-opt`: as given, or by its name in ``confs/``.

    Raises:
        ConfigError: there is none; the message says where it was looked for.
    """
    return find_file(given, ["confs"], "configuration")


def load_config(given: str | Path) -> Any:
    """Read a configuration and resolve its paths against the project's folder.

    A relative path in a configuration starts at the folder that holds ``confs/``, or at the file's own
    folder when it lies elsewhere.

    Returns:
        A `DeFlowConfig`, `LUDVAEConfig`, `RestorationConfig` or `UpscaleTestConfig`.

    Raises:
        ConfigError: one line with file, key and what was expected.
    """
    path = find_config(given)
    return resolve_paths(parse_config(read_yaml(path), path), base_folder(path))


def parse_config(values: Any, source: str | Path) -> Any:
    """Turn plain values into a typed configuration; `source` is named in errors (see `load_config`)."""
    if not isinstance(values, dict):
        raise ConfigError(f"{source}: expected keys and values, found {type(values).__name__}")
    if values.get("task") not in TASKS:
        found = f"task is {values['task']!r}" if "task" in values else "task is missing"
        raise ConfigError(f"{source}: {found}, expected one of {', '.join(TASKS)}")
    try:
        return TypeAdapter(Config).validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"{source}: {first_problem(error, TASKS[values['task']], TAGS)}") from error


def dump_config(config: BaseModel) -> str:
    """Return `config` as YAML, every default spelt out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def base_folder(path: Path) -> Path:
    """Return the folder that relative paths in the configuration `path` start from."""
    return path.parent.parent if path.parent.name == "confs" else path.parent


def resolve_paths(value: Any, base: Path) -> Any:
    """Return a configuration whose relative paths start from `base`."""
    if isinstance(value, Path):
        return base / value.expanduser()
    if isinstance(value, tuple):
        return tuple(resolve_paths(item, base) for item in value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={key: resolve_paths(item, base) for key, item in value})
    return value
