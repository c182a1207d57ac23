"""Pairs of LQ and GT images: their settings, and the training patches and validation pairs made from them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, model_validator

from patina.data.pairs import Pair, PairedPatches, match_pairs
from patina.data.pairs_on_the_fly import FolderSource, LQSource, OnTheFlyPatches, RecipeSource
from patina.degradations.base import Degradation
from patina.degradations.execution import Engine
from patina.degradations.fit_warning import warn_of_fit
from patina.degradations.recipe import Recipe, load_recipe, require_models
from patina.degradations.recipe_patches import OnTheFly
from patina.errors import ConfigError, counted
from patina.imaging.picture_files import list_pictures
from patina.metrics.full_reference import validated_keys
from patina.seeding import derive
from patina.settings import PositiveFloat, PositiveInt, Probability, Schema, Settings, as_list, either
from patina.specs.name_template import Template
from patina.specs.optimisation import LoaderSettings
from patina.specs.recipe_engine import recipe_engine
from patina.system.devices import compute_device

if TYPE_CHECKING:
    from patina.training.validation_sets import ValidationSets


def _constant_schedule(value: Any) -> Any:
    """Turn a single size into a schedule."""
    return value if isinstance(value, dict) else {1: value}


PatchSchedule = Annotated[
    dict[PositiveInt, PositiveInt],
    BeforeValidator(_constant_schedule, PositiveInt | dict[PositiveInt, PositiveInt]),
    Field(min_length=1),
]
"""Patch sides by the step from which they apply; a plain number applies from the start."""


class LQSettings(Settings):
    """A source of LQ crops: a folder, tars or an LMDB, or a recipe. May be given as a plain path."""

    path: Path
    """Folder of LQ images whose stems match the GT images, tars or an LMDB of them, or a recipe (`.yml`) that degrades
    GT crops on the fly."""

    weight: PositiveFloat = 1.0
    """How often crops are drawn from this source, relative to the other sources."""

    template: Template = "{}"
    """How the names of a folder's LQ images are made of those of the GT images, e.g. `{}x2` or `{}_lq`; suffixes do not
    count."""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        """Expand a plain path."""
        return {"path": value} if isinstance(value, str | Path) else value

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Allow a plain path."""
        return either(schema, {"type": "string"})

    @property
    def is_recipe(self) -> bool:
        """Whether the source is a recipe."""
        return self.path.suffix in (".yml", ".yaml")


class AugmentSettings(Settings):
    """Probabilities of augmentations; `true` means the defaults, `false` none.

    At most one of `mixup`, `cutmix`, `resizemix` and `cutblur` is applied to a batch, so their sum is at most 1.
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
    """Probability of pasting another pair, downscaled, into every pair of a batch."""

    cutblur: Probability = 0.0
    """Probability of replacing a square of every LQ crop, or its surroundings, by the downscaled GT."""

    @model_validator(mode="before")
    @classmethod
    def _all_or_nothing(cls, value: Any) -> Any:
        """Expand `true` and `false`."""
        return ({} if value else {"flip": 0.0, "rotate": 0.0}) if isinstance(value, bool) else value

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Allow `true` and `false`."""
        return either(schema, {"type": "boolean"})

    @model_validator(mode="after")
    def _one_mixing_per_batch(self) -> "AugmentSettings":
        if (total := sum(self.mixings.values())) > 1:
            raise ValueError(f"the probabilities of {', '.join(self.mixings)} add up to {total:g}, expected at most 1")
        return self

    @property
    def mixings(self) -> dict[str, float]:
        """Probabilities of the augmentations that mix the pairs of a batch."""
        return {name: getattr(self, name) for name in ("mixup", "cutmix", "resizemix", "cutblur")}


LQSources = Annotated[
    tuple[LQSettings, ...],
    BeforeValidator(as_list, Path | LQSettings | list[Path | LQSettings]),
    Field(min_length=1),
]


class PairedSources(LoaderSettings):
    """GT images and the sources of their LQ crops."""

    lq: LQSources
    """Folder of LQ images that match the GT images by stem, a recipe that degrades GT crops on the fly, or a weighted
    list of both."""

    gt: Path
    """Folder of GT images, or tars or an LMDB of them. If `lq` and `gt` are the same tars, their samples are pairs,
    `key.lq.png` and `key.gt.png`."""

    recursive: bool = False
    """Include images in subfolders of `gt` and of folders of LQ images. The partner of `2019/a.png` is `2019/a.png`, or
    `2019_a.png`, as `degrade -recursive` names it."""

    def gt_images(self) -> list[Path]:
        """Return the files of the GT images."""
        return list_pictures(self.gt, "gt", self.recursive)


class PairedData(PairedSources):
    """GT images, the sources of their LQ crops, and the crops."""

    patch: PatchSchedule = {1: 128}  # noqa: RUF012 - pydantic copies it
    """Side of a GT crop in pixels, a multiple of `model.scale`; or sides by the step they start at, e.g. `{1: 128,
    100000: 256}`."""

    batch: PositiveInt = 16
    """Pairs in a batch."""

    augment: AugmentSettings = AugmentSettings()
    """Augmentation."""


class PairedValidation(Settings):
    """Image pairs on which PSNR and SSIM are measured during training."""

    lq: Path
    """Folder of LQ images that match the GT images by stem."""

    gt: Path
    """Folder of GT images."""

    pictures: PositiveInt = 4
    """Number of pairs shown in `previews/`."""

    template: Template = "{}"
    """How the names of the LQ images are made of those of the GT images, e.g. `{}x2`."""

    recursive: bool = False
    """Include images in subfolders, as `data.recursive` does."""

    def pairs(self, scale: int) -> list[Pair]:
        """Return the pairs.

        Raises:
            PatinaError: the files of LQ and GT do not match.
        """
        return match_pairs(self.lq, self.gt, scale, self.template, self.recursive)


def _by_name(value: Any) -> Any:
    """Turn a single set into one without a name."""
    is_named = isinstance(value, dict) and value and all(isinstance(one, dict | BaseModel) for one in value.values())
    return value if is_named else {"": value}


def _alone(sets: dict[str, PairedValidation]) -> Any:
    """Turn a set without a name, which stands alone, into that set."""
    return sets[""] if list(sets) == [""] else sets


PairedSets = Annotated[
    dict[Annotated[str, Field(pattern=r"^[\w.+-]*$")], PairedValidation],
    BeforeValidator(_by_name, PairedValidation | dict[str, PairedValidation]),
    PlainSerializer(_alone, return_type=PairedValidation | dict[str, PairedValidation]),
    Field(min_length=1),
]
"""Sets of validation pairs by name; a single set needs no name."""


def validation_sets(sets: dict[str, PairedValidation] | None, scale: int) -> "ValidationSets":
    """Return sets of validation pairs by name.

    Raises:
        PatinaError: the files of LQ and GT do not match.
    """
    from patina.training.validation_sets import ValidationSet

    return {name: ValidationSet(one.pairs(scale), one.pictures) for name, one in (sets or {}).items()}


def measured_by(sets: dict[str, PairedValidation] | None, *more: str) -> tuple[str, ...]:
    """Return the names of what sets of validation pairs are measured by, PSNR first, then others and `more`."""
    keys = ("psnr", *(key for key in validated_keys() if key != "psnr"), *more)
    return tuple(f"{name}/{key}" if name else key for name in sets or {} for key in keys)


def paired_patches(
    data: PairedSources, *, scale: int, seed: int, device: str, **options: Any
) -> tuple[PairedPatches | OnTheFlyPatches, Engine]:
    """Return training patches, and the engine that runs the learned blocks of recipes.

    Args:
        data: GT images and the sources of LQ patches.
        scale: upscaling factor from LQ to GT.
        seed: seed of all draws.
        device: device for the models of recipes.
        **options: common options of `PairedPatches` and `OnTheFlyPatches`.

    Raises:
        PatinaError: the files of LQ and GT do not match, or a recipe has another scale.
    """
    options |= {"scale": scale, "seed": seed}
    lq, gt = data.lq, data.gt
    if len(lq) == 1 and not lq[0].is_recipe:
        return PairedPatches(match_pairs(lq[0].path, gt, scale, lq[0].template, data.recursive), **options), Engine()
    sources: list[LQSource] = []
    models: dict[str, Degradation] = {}
    for number, source in enumerate(lq):
        if source.is_recipe:
            recipe, engine = recipe_engine(_recipe_of_scale(source.path, scale), device)
            models |= engine.models
            degrade = OnTheFly(recipe, derive(seed, "recipe", number))
            sources.append(RecipeSource(source.weight, degrade))
        else:
            pairs = match_pairs(source.path, gt, scale, source.template, data.recursive)
            sources.append(FolderSource(source.weight, {pair.gt: pair.lq for pair in pairs}))
    return OnTheFlyPatches(data.gt_images(), sources, **options), Engine(models, compute_device(device))


def pairs_in_words(data: PairedSources) -> str:
    """Return how many pairs there are, or how many images recipes degrade during training."""
    count = len(data.gt_images())
    if not any(source.is_recipe for source in data.lq):
        return counted(count, "pair")
    return f"{counted(count, 'GT image')} to degrade during training"


def _recipe_of_scale(path: Path, scale: int) -> Recipe:
    recipe = load_recipe(path)
    if recipe.scale != scale:
        raise ConfigError(f"{path}: has scale {recipe.scale}, expected {scale} for this model")
    require_models(recipe)
    warn_of_fit(recipe, path)
    return recipe
