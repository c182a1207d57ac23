"""Pairs of LQ and GT images: their settings, and the training patches and validation pairs made from them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from patina.data.pairs import Pair, PairedPatches, match_pairs
from patina.data.pairs_on_the_fly import FolderSource, LQSource, OnTheFlyPatches, RecipeSource
from patina.degradations.base import Degradation
from patina.degradations.execution import Engine
from patina.degradations.recipe import Recipe, load_recipe, require_models
from patina.degradations.recipe_patches import OnTheFly
from patina.errors import ConfigError
from patina.imaging.picture_files import list_pictures
from patina.seeding import derive
from patina.settings import PositiveFloat, PositiveInt, Probability, Settings
from patina.specs.optimisation import LoaderSettings
from patina.specs.recipe_engine import recipe_engine
from patina.system.devices import compute_device


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


class LowQuality(Settings):
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


class AugmentSettings(Settings):
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


class PairedValidation(Settings):
    """Image pairs on which PSNR and SSIM are measured during training."""

    lq: Path
    """Folder of LQ images that match the GT images by stem."""

    gt: Path
    """Folder of GT images."""

    pictures: PositiveInt = 4
    """How many of the pairs are also shown in `previews/`."""

    def pairs(self, scale: int) -> list[Pair]:
        """Return the pairs.

        Raises:
            PatinaError: files do not match.
        """
        return match_pairs(self.lq, self.gt, scale)


def paired_patches(
    lq: Sequence[LowQuality], gt: Path, *, scale: int, seed: int, device: str, **options: Any
) -> tuple[PairedPatches | OnTheFlyPatches, Engine]:
    """Return training patches of LQ sources and GT images, and the engine that finishes patches of learned recipes.

    Args:
        lq: sources of LQ patches.
        gt: folder of GT images.
        scale: GT pixels to an LQ pixel, along a side.
        seed: of all draws.
        device: for the models of recipes.
        **options: those that `PairedPatches` and `OnTheFlyPatches` share.

    Raises:
        PatinaError: files do not match, or a recipe does not fit.
    """
    options |= {"scale": scale, "seed": seed}
    if len(lq) == 1 and not lq[0].is_recipe:
        return PairedPatches(match_pairs(lq[0].path, gt, scale), **options), Engine()
    sources: list[LQSource] = []
    models: dict[str, Degradation] = {}
    for number, source in enumerate(lq):
        if source.is_recipe:
            recipe, engine = recipe_engine(_recipe_of_scale(source.path, scale), device)
            models |= engine.models
            degrade = OnTheFly(recipe, derive(seed, "recipe", number))
            sources.append(RecipeSource(source.weight, degrade))
        else:
            pairs = match_pairs(source.path, gt, scale)
            sources.append(FolderSource(source.weight, {pair.gt: pair.lq for pair in pairs}))
    return OnTheFlyPatches(list_pictures(gt), sources, **options), Engine(models, compute_device(device))


def _recipe_of_scale(path: Path, scale: int) -> Recipe:
    recipe = load_recipe(path)
    if recipe.scale != scale:
        raise ConfigError(f"{path}: makes pictures {recipe.scale} times smaller, expected {scale} for this model")
    require_models(recipe)
    return recipe
