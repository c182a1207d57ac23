"""A recipe as a user names it: its variants, another model file, or no learned blocks at all."""

from dataclasses import dataclass, replace
from pathlib import Path

from patina.degradations.blocks import LearnedBlock
from patina.degradations.compression import Jpeg
from patina.degradations.execution import Engine
from patina.degradations.recipe import MIXED, Recipe, load_recipe, require_models
from patina.errors import PatinaError
from patina.imaging.sources import Source
from patina.settings import nearest


@dataclass(frozen=True)
class RecipeChoice:
    """A recipe and the changes to it.

    Attributes:
        name: a path, or a name in ``confs/recipes/``.
        variants: names of variants, `MIXED` among them; None for all.
        model: replaces the model file that the recipe names; None for its own.
        without_learned: whether learned blocks are left out.
    """

    name: str
    variants: tuple[str, ...] | None = None
    model: Path | None = None
    without_learned: bool = False

    def load(self) -> Recipe:
        """Read the recipe and change it.

        Raises:
            PatinaError: the recipe or a model file cannot be used, or the changes contradict each other.
        """
        if self.without_learned and self.model:
            raise PatinaError("-model and --without-learned exclude each other; leave one of them out")
        recipe = load_recipe(self.name)
        if self.without_learned:
            return recipe.without_learned()
        recipe = recipe.with_model(self.model) if self.model else recipe
        require_models(recipe)
        return recipe

    def outputs(self, recipe: Recipe) -> "Outputs":
        """Return the outputs that `variants` ask for.

        Raises:
            PatinaError: there is no such variant.
        """
        everything = Outputs(recipe.names, recipe.mixed is not None)
        if self.variants is None:
            return everything
        known = [*recipe.variants, *([MIXED] if recipe.mixed else [])]
        for name in self.variants:
            if name not in known:
                text = nearest(name, known) if known else "the recipe has none"
                raise PatinaError(f"there is no variant {name!r}, {text}")
        chosen = tuple(variant for variant in recipe.variants if variant in self.variants)
        return replace(everything, variants=chosen, mixed=MIXED in self.variants)

    def or_longest(self, recipe: Recipe) -> "RecipeChoice":
        """Return this choice; where it names no variants, the variant with the most blocks."""
        if self.variants is not None or not recipe.variants:
            return self
        return replace(self, variants=(max(recipe.variants, key=lambda name: len(recipe.sequence(name))),))


@dataclass(frozen=True)
class Outputs:
    """The outputs of every picture: the variants, and the one in the mixed folder."""

    variants: tuple[str, ...]
    mixed: bool

    def folders(self, recipe: Recipe, index: int, picture: Source, seed: int) -> list[tuple[str, str]]:
        """Return (folder, variant) of every output of picture number `index`."""
        found = [(variant, variant) for variant in self.variants]
        return found + ([(MIXED, recipe.variant_of(index, seed, picture.name))] if self.mixed else [])

    def __str__(self) -> str:
        return ", ".join([*self.variants, *([MIXED] if self.mixed else [])])


def with_engine(recipe: Recipe, device: str) -> tuple[Recipe, Engine | None]:
    """Load a recipe's models; return the recipe with the models' own knobs, and an engine where its steps need one."""
    if not recipe.blocks_of(LearnedBlock) and all(block.codec != "torch" for block in recipe.blocks_of(Jpeg)):
        return recipe, None
    # Importing torch takes seconds; a classical recipe may be done by then.
    from patina.specs.recipe_engine import recipe_engine

    return recipe_engine(recipe, device)
