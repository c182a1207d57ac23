"""Recipes: lists of degradations with ranges and probabilities, from which a plan is drawn for every picture."""

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from patina.degradations.base import Block, Frame, PlacedBlock, SingleBlock, Size
from patina.degradations.blocks import LearnedBlock, Steps, in_order, replaced
from patina.degradations.plans import Plan, draw_blocks
from patina.errors import ConfigError, PatinaError, PictureError
from patina.hints import nearest
from patina.seeding import numpy_rng
from patina.settings import Settings, find_file, require_block
from patina.settings_problems import describe_problems
from patina.shipped import base_folder
from patina.system.yaml_files import read_yaml

FOLDERS = ("confs/recipes", "confs")
MIXED = "mixed"
"""The folder that holds one variant of every picture."""

SomeBlock = TypeVar("SomeBlock", bound=Block)
FolderName = Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")]


class Recipe(Settings):
    """How clean images become LQ images: a list of steps, or variants made of named blocks."""

    scale: Annotated[int, Field(ge=1)]
    """Downscaling factor from clean images to LQ images."""

    fitted: bool | Literal["unreliable"] = False
    """Whether `patina fit` found the numbers, which hold only at this scale: blur is in pixels of the clean image.
    `unreliable` if the fit said not to rely on them; commands that use the recipe then warn."""

    steps: Steps | None = None
    """Operations applied in order. Excludes `blocks` and `variants`."""

    blocks: dict[str, Steps] = Field({})
    """Lists of operations, by name. A block is drawn once per image, so variants differ only in what they omit; a block
    that a variant repeats is drawn again."""

    variants: dict[FolderName, tuple[str, ...]] = Field({})
    """Names of blocks to apply in order, by the name of the variant, which gets its own output folder."""

    mixed: Literal["round_robin", "random"] | None = None
    """Adds a folder with one variant of every image: in turn (`round_robin`) or drawn (`random`)."""

    @model_validator(mode="after")
    def _has_one_form(self) -> "Recipe":
        if (self.steps is None) == (not self.variants):
            raise ValueError("expected either steps, or blocks and variants")
        if not self.variants and (self.blocks or self.mixed):
            raise ValueError("blocks and mixed require variants; a recipe with steps has neither")
        if MIXED in self.variants:
            raise ValueError(f"a variant cannot be named {MIXED}, the name of the folder that mixes all variants")
        return self

    @model_validator(mode="after")
    def _names_are_known_and_used(self) -> "Recipe":
        used = {name for names in self.variants.values() for name in names}
        for name in used - set(self.blocks):
            raise ValueError(f"variants: unknown block {name!r}, {nearest(name, self.blocks)}")
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
                    f"{where}: ends at {size} of the clean image's size, expected 1/{self.scale} for scale "
                    f"{self.scale}; end with a resize `of: target`"
                )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The variants' names; a recipe of steps has one variant, named ``""``."""
        return tuple(self.variants) or ("",)

    def sequence(self, variant: str) -> list[PlacedBlock]:
        """Return a variant's blocks with their places."""
        if self.steps is not None:
            return [(str(index), step) for index, step in enumerate(self.steps)]
        found: list[PlacedBlock] = []
        seen = dict.fromkeys(self.blocks, 0)
        for name in self.variants[variant]:
            seen[name] += 1
            found += [(f"{name}#{seen[name]}.{index}", step) for index, step in enumerate(self.blocks[name])]
        return found

    def draw(self, variant: str, size: Size, seed: int, name: str) -> Plan:
        """Draw the plan for one picture; it depends on nothing but the recipe and the arguments.

        Args:
            variant: one of `names`.
            size: size of the clean picture, a multiple of the scale.
            seed: seed of the set.
            name: name of the picture.
        """
        target = size[0] // self.scale, size[1] // self.scale
        plan, frame = draw_blocks(self.sequence(variant), Frame(size, size, target), seed, name)
        if frame.size != target:
            raise PictureError(
                f"{name}: ends at {frame.size} pixels, expected {target}; end the recipe with a resize `of: target`"
            )
        return plan

    def variant_of(self, index: int, seed: int, name: str) -> str:
        """Return the variant that the mixed folder holds of picture number `index`."""
        names = self.names
        if self.mixed == "random":
            return names[int(numpy_rng(seed, MIXED, name).integers(len(names)))]
        return names[index % len(names)]

    def blocks_of(self, kind: type[SomeBlock]) -> list[SomeBlock]:
        """Return all blocks of a class, at any depth."""
        return [block for block in self._all_blocks() if isinstance(block, kind)]

    @property
    def files(self) -> list[Path]:
        """The files that the recipe's blocks read: models, kernels, noise."""
        return [file for block in self._all_blocks() if isinstance(block, SingleBlock) for file in block.files]

    def check_ready(self) -> None:
        """Look once at everything that the blocks need; see `SingleBlock.check_ready`."""
        for block in self._all_blocks():
            if isinstance(block, SingleBlock):
                block.check_ready()

    def _all_blocks(self) -> list[Block]:
        found: list[Block] = []

        def note(block: Block) -> Block:
            found.append(block)
            return block

        self.changed(note)
        return found

    def changed(self, change: Callable[[Block], Block | None]) -> "Recipe":
        """Return the recipe with `change` applied to every block; blocks that it maps to None are dropped."""
        if self.steps is not None:
            return self.model_copy(update={"steps": replaced(self.steps, change)})
        blocks = {name: replaced(steps, change) for name, steps in self.blocks.items()}
        return self.model_copy(update={"blocks": blocks})

    def without_learned(self) -> "Recipe":
        """Return the recipe without its learned blocks."""
        return self.changed(lambda block: None if isinstance(block, LearnedBlock) else block)

    def of_scale(self, scale: int) -> "Recipe":
        """Return the recipe with another scale, which moves every step that ends at the target size.

        Raises:
            ConfigError: the scale is below 1, or its steps do not end at that size.
        """
        try:
            return type(self).model_validate({**dict(self), "scale": scale})
        except ValidationError as error:
            raise ConfigError(f"scale {scale}: {describe_problems(error, Recipe)}") from error

    def with_model(self, path: Path) -> "Recipe":
        """Return the recipe with another model file in its learned blocks.

        Raises:
            ConfigError: the recipe names no model file, or several.
        """
        models = {block.model for block in self.blocks_of(LearnedBlock)}
        if len(models) != 1:
            raise ConfigError(f"the recipe names {len(models)} model files, expected one to replace by {path}")
        return self.changed(lambda b: b.model_copy(update={"model": path}) if isinstance(b, LearnedBlock) else b)

    @cached_property
    def digest(self) -> str:
        """Short digest of the recipe's contents."""
        # Only file names count: a set's log compares the contents of files, and where they lie does not matter.
        bare = self.changed(lambda block: _with_paths(block, lambda path: Path(path.name)))
        sequences = {variant: [_plain(step) for _, step in bare.sequence(variant)] for variant in self.names}
        text = json.dumps([self.scale, self.mixed, sequences], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def load_recipe(given: str | Path) -> Recipe:
    """Read a recipe from a path or by its name in ``confs/recipes/``.

    Relative paths in it start from the folder that holds ``confs/``, or from the recipe's own folder if it lies
    elsewhere.

    Raises:
        ConfigError: invalid recipe; the message is one line with file, key and expected value.
        PatinaError: a file of kernels or noise cannot be used.
    """
    path = find_file(given, FOLDERS, "recipe")
    recipe = _resolved(parse_recipe(read_yaml(path), path), base_folder(path))
    recipe.check_ready()
    return recipe


def parse_recipe(values: Any, source: str | Path) -> Recipe:
    """Turn plain values into a recipe; errors name `source` (see `load_recipe`)."""
    try:
        return Recipe.model_validate(require_block(values, source))
    except ValidationError as error:
        raise ConfigError(f"{source}: {describe_problems(error, Recipe)}") from error


def require_models(recipe: Recipe) -> None:
    """Check that a recipe's model files exist.

    Raises:
        PatinaError: a file is missing; the message says what to do.
    """
    for block in recipe.blocks_of(LearnedBlock):
        if not block.model.is_file():
            raise PatinaError(
                f"{block.model}: no such model file; train one, give another with -model, or use --without-learned"
            )


def _resolved(recipe: Recipe, base: Path) -> Recipe:
    return recipe.changed(lambda block: _with_paths(block, lambda path: base / path.expanduser()))


def _with_paths(block: Block, change: Callable[[Path], Path]) -> Block:
    """Return a block with `change` applied to its paths."""
    return block.model_copy(update={name: change(value) for name, value in block if isinstance(value, Path)})


def _plain(block: Block) -> dict[str, Any]:
    """Return a block as plain values, including the settings of nested blocks."""
    return {block.name: json.loads(block.model_dump_json(serialize_as_any=True))}
