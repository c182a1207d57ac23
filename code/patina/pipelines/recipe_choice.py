"""A recipe as a user chooses it: which variants, with which model file, with or without learned blocks."""

from dataclasses import dataclass, replace
from pathlib import Path

from patina.degradations.blocks import LearnedBlock
from patina.degradations.compression import Jpeg
from patina.degradations.execution import Engine
from patina.degradations.fit_warning import warn_of_fit
from patina.degradations.recipe import MIXED, Recipe, load_recipe, require_models
from patina.errors import PatinaError
from patina.hints import nearest
from patina.imaging.sources import Source
from patina.runs.fingerprint import file_digest
from patina.system.telling import warn


@dataclass(frozen=True)
class RecipeChoice:
    """A recipe and the user's changes to it.

    Attributes:
        name: path of the recipe, or its name in ``confs/recipes/``.
        variants: names of the variants to make, which may include `MIXED`; None for all.
        model: model file to use instead of the one in the recipe.
        without_learned: leave out all learned blocks.
        scale: how many times smaller the results are; None for the recipe's own.
    """

    name: str
    variants: tuple[str, ...] | None = None
    model: Path | None = None
    without_learned: bool = False
    scale: int | None = None

    def load(self) -> Recipe:
        """Read the recipe and apply the changes; warn of an unreliable fit, and of a fitted recipe at another scale.

        Raises:
            PatinaError: the recipe or a model file cannot be used, or the changes contradict each other.
        """
        if self.without_learned and self.model:
            raise PatinaError("-model and --without-learned exclude each other; leave one out")
        recipe = load_recipe(self.name)
        warn_of_fit(recipe, self.name)
        if self.scale is not None:
            self._warn_of_scale(recipe, self.scale)
            recipe = recipe.of_scale(self.scale)
        if self.without_learned:
            return recipe.without_learned()
        recipe = recipe.with_model(self.model) if self.model else recipe
        require_models(recipe)
        return recipe

    def _warn_of_scale(self, recipe: Recipe, scale: int) -> None:
        """Warn of a fitted recipe whose numbers do not hold at another scale, as they are in pixels."""
        if recipe.fitted and scale != recipe.scale:
            warn(
                f"warning: {self.name} was fitted at scale {recipe.scale}, and its numbers do not hold at scale "
                f"{scale}: blur is in pixels of the clean image; run patina fit with -scale {scale}"
            )

    def outputs(self, recipe: Recipe) -> "Outputs":
        """Return the outputs of the chosen variants.

        Raises:
            PatinaError: the recipe has no such variant.
        """
        everything = Outputs(recipe.names, recipe.mixed is not None)
        if self.variants is None:
            return everything
        known = [*recipe.variants, *([MIXED] if recipe.mixed else [])]
        for name in self.variants:
            if name not in known:
                text = nearest(name, known) if known else "the recipe has none"
                raise PatinaError(f"unknown variant {name!r}, {text}")
        chosen = tuple(variant for variant in recipe.variants if variant in self.variants)
        return replace(everything, variants=chosen, mixed=MIXED in self.variants)

    def or_longest(self, recipe: Recipe) -> "RecipeChoice":
        """Return this choice or, if it names no variants, that of the variant with the most blocks."""
        if self.variants is not None or not recipe.variants:
            return self
        return replace(self, variants=(max(recipe.variants, key=lambda name: len(recipe.sequence(name))),))


@dataclass(frozen=True)
class Outputs:
    """The outputs of every picture.

    Attributes:
        variants: names of variants, each with its own folder.
        mixed: whether there is also a folder with one variant of every picture.
    """

    variants: tuple[str, ...]
    mixed: bool

    def folders(self, recipe: Recipe, index: int, picture: Source, seed: int) -> list[tuple[str, str]]:
        """Return the folder and the variant of every output of a picture, which is number `index` of its set."""
        found = [(variant, variant) for variant in self.variants]
        return found + ([(MIXED, recipe.variant_of(index, seed, picture.name))] if self.mixed else [])

    def __str__(self) -> str:
        return ", ".join([*self.variants, *([MIXED] if self.mixed else [])])


def with_engine(recipe: Recipe, device: str) -> tuple[Recipe, Engine | None]:
    """Load the models of a recipe.

    Returns:
        The recipe, with the models' values for knobs that it leaves open, and an engine if any step needs one.
    """
    if not recipe.blocks_of(LearnedBlock) and all(block.codec != "torch" for block in recipe.blocks_of(Jpeg)):
        return recipe, None
    # Importing torch takes seconds, which a classical recipe need not wait for.
    from patina.specs.recipe_engine import recipe_engine

    return recipe_engine(recipe, device)


def recipe_files(recipe: Recipe) -> dict[str, str]:
    """Return the digests of the files that a recipe reads, models, kernels and noise, by path."""
    return {str(file): file_digest(file) for file in recipe.files}
