"""Recipes: lists of degradations with ranges and probabilities, and what is drawn of them for one picture."""

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from patina.degradations.base import Block, Frame, PlacedBlock, Size
from patina.degradations.blocks import LearnedBlock, Steps, in_order, replaced
from patina.degradations.kernel_blur import KernelBlur, read_kernels
from patina.degradations.plans import Plan, draw_blocks
from patina.errors import ConfigError, PatinaError, PictureError
from patina.seeding import numpy_rng
from patina.settings import Strict, find_file, nearest, problems_told, read_yaml, require_block

FOLDERS = ("confs/recipes", "confs")
MIXED = "mixed"
"""The folder that holds one variant of every picture."""

SomeBlock = TypeVar("SomeBlock", bound=Block)
FolderName = Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")]


class Recipe(Strict):
    """How clean images become LQ images: a list of steps, or variants made of named blocks."""

    scale: Annotated[int, Field(ge=1)]
    """How many times smaller the results are."""

    steps: Steps | None = None
    """Operations applied in order. Excludes `blocks` and `variants`."""

    blocks: dict[str, Steps] = Field({})
    """Lists of operations, by name. A block is drawn once per image, so variants differ only in what they leave out; a
    block that a variant repeats is drawn again."""

    variants: dict[FolderName, tuple[str, ...]] = Field({})
    """Names of blocks to apply in order, by the name of the variant, which gets its own output folder."""

    mixed: Literal["round_robin", "random"] | None = None
    """Adds a folder with one variant of every image: in turn (`round_robin`) or drawn (`random`)."""

    @model_validator(mode="after")
    def _has_one_form(self) -> "Recipe":
        if (self.steps is None) == (not self.variants):
            raise ValueError("expected either steps, or blocks and variants")
        if not self.variants and (self.blocks or self.mixed):
            raise ValueError("blocks and mixed belong to variants; a recipe of steps has neither")
        if MIXED in self.variants:
            raise ValueError(f"a variant cannot be named {MIXED}, that folder is made of all variants")
        return self

    @model_validator(mode="after")
    def _names_are_known_and_used(self) -> "Recipe":
        used = {name for names in self.variants.values() for name in names}
        for name in used - set(self.blocks):
            raise ValueError(f"variants: there is no block {name!r}, {nearest(name, self.blocks)}")
        for name in set(self.blocks) - used:
            raise ValueError(f"blocks.{name}: no variant uses it")
        return self

    @model_validator(mode="after")
    def _ends_at_the_wanted_size(self) -> "Recipe":
        for name in self.variants or [""]:
            least, greatest = in_order([step for _, step in self.sequence(name)], (1.0, 1.0), self.scale)
            if max(abs(least * self.scale - 1), abs(greatest * self.scale - 1)) > 1e-9:
                where = f"variants.{name}" if name else "steps"
                size = f"{least:.4g}" if least == greatest else f"{least:.4g} to {greatest:.4g}"
                raise ValueError(
                    f"{where}: ends at {size} of the clean picture, expected 1/{self.scale} for scale {self.scale}; "
                    "end with a resize of: target"
                )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The variants; a recipe of steps has one without a name."""
        return tuple(self.variants) or ("",)

    def sequence(self, variant: str) -> list[PlacedBlock]:
        """Return a variant's blocks in their places."""
        if self.steps is not None:
            return [(str(index), step) for index, step in enumerate(self.steps)]
        found: list[PlacedBlock] = []
        seen = dict.fromkeys(self.blocks, 0)
        for name in self.variants[variant]:
            seen[name] += 1
            found += [(f"{name}#{seen[name]}.{index}", step) for index, step in enumerate(self.blocks[name])]
        return found

    def draw(self, variant: str, size: Size, seed: int, name: str) -> Plan:
        """Draw all that is done to one picture: a function of the recipe, its size, `seed` and `name` alone.

        Args:
            variant: one of `names`.
            size: of the clean picture, a multiple of the scale.
            seed: of the whole set.
            name: of the picture.
        """
        target = size[0] // self.scale, size[1] // self.scale
        plan, frame = draw_blocks(self.sequence(variant), Frame(size, size, target), seed, name)
        if frame.size != target:
            raise PictureError(f"{name}: ends at {frame.size} pixels, expected {target}; end with a resize of: target")
        return plan

    def variant_of(self, index: int, seed: int, name: str) -> str:
        """Return the variant in the mixed folder of the picture that is number `index` of its set."""
        names = self.names
        if self.mixed == "random":
            return names[int(numpy_rng(seed, MIXED, name).integers(len(names)))]
        return names[index % len(names)]

    def blocks_of(self, kind: type[SomeBlock]) -> list[SomeBlock]:
        """Return all blocks of a class, wherever they stand."""
        found: list[SomeBlock] = []

        def note(block: Block) -> Block:
            if isinstance(block, kind):
                found.append(block)
            return block

        self.changed(note)
        return found

    def changed(self, change: Callable[[Block], Block | None]) -> "Recipe":
        """Return the recipe with every block changed, or left out where `change` gives None."""
        if self.steps is not None:
            return self.model_copy(update={"steps": replaced(self.steps, change)})
        blocks = {name: replaced(steps, change) for name, steps in self.blocks.items()}
        return self.model_copy(update={"blocks": blocks})

    def without_learned(self) -> "Recipe":
        """Return the recipe without its learned blocks."""
        return self.changed(lambda block: None if isinstance(block, LearnedBlock) else block)

    def with_model(self, path: Path) -> "Recipe":
        """Return the recipe with another model file in its learned block.

        Raises:
            ConfigError: the recipe has none, or several that are different.
        """
        models = {block.model for block in self.blocks_of(LearnedBlock)}
        if len(models) != 1:
            raise ConfigError(f"the recipe names {len(models)} model files, expected one to replace by {path}")
        return self.changed(lambda b: b.model_copy(update={"model": path}) if isinstance(b, LearnedBlock) else b)

    @cached_property
    def digest(self) -> str:
        """A short name of all that the recipe says."""
        # What files hold is for a set's log to compare; where they lie decides nothing.
        bare = self.changed(lambda block: _with_paths(block, lambda path: Path(path.name)))
        sequences = {variant: [_plain(step) for _, step in bare.sequence(variant)] for variant in self.names}
        text = json.dumps([self.scale, self.mixed, sequences], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def load_recipe(given: str | Path) -> Recipe:
    """Read a recipe, a path or a name in ``confs/recipes/``.

    Relative paths in it start at the folder that holds ``confs/``, or at the recipe's own when it lies elsewhere.

    Raises:
        ConfigError: one line with file, key and what was expected.
        PatinaError: a file of kernels that cannot be used.
    """
    path = find_file(given, FOLDERS, "recipe")
    recipe = _resolved(parse_recipe(read_yaml(path), path), _base_folder(path))
    for block in recipe.blocks_of(KernelBlur):
        read_kernels(block.file)
    return recipe


def parse_recipe(values: Any, source: str | Path) -> Recipe:
    """Turn plain values into a recipe; `source` is named in errors (see `load_recipe`)."""
    try:
        return Recipe.model_validate(require_block(values, source))
    except ValidationError as error:
        raise ConfigError(f"{source}: {problems_told(error, Recipe)}") from error


def require_models(recipe: Recipe) -> None:
    """Refuse a recipe whose model files are not there.

    Raises:
        PatinaError: names the file and what to do.
    """
    for block in recipe.blocks_of(LearnedBlock):
        if not block.model.is_file():
            raise PatinaError(
                f"{block.model}: no such model file; train one, name another with -model, or use --without-learned"
            )


def _base_folder(path: Path) -> Path:
    for folder in path.parents:
        if folder.name == "confs":
            return folder.parent
    return path.parent


def _resolved(recipe: Recipe, base: Path) -> Recipe:
    return recipe.changed(lambda block: _with_paths(block, lambda path: base / path.expanduser()))


def _with_paths(block: Block, change: Callable[[Path], Path]) -> Block:
    """Return a block with its paths changed."""
    return block.model_copy(update={name: change(value) for name, value in block if isinstance(value, Path)})


def _plain(block: Block) -> dict[str, Any]:
    """Return a block as plain values, with the classes of blocks inside."""
    return {block.name: json.loads(block.model_dump_json(serialize_as_any=True))}
