"""Recipes to what their learned blocks are computed with."""

from collections.abc import Iterable
from pathlib import Path

from patina.degradations.base import Block
from patina.degradations.blocks import LearnedBlock
from patina.degradations.execution import Engine
from patina.degradations.recipe import Recipe
from patina.errors import ConfigError, PatinaError
from patina.seeding import numpy_rng
from patina.settings import nearest
from patina.specs.learned_spec import learned_degradation
from patina.system.devices import compute_device


def recipe_engine(recipe: Recipe, device: str = "auto") -> tuple[Recipe, Engine]:
    """Load the models that a recipe's learned blocks name.

    Returns:
        The recipe, the knobs that it leaves out set to the models' own values, and what its steps are computed with.

    Raises:
        PatinaError: a model cannot be used, or has no such knob.
    """
    engine = make_engine([str(block.model) for block in recipe.blocks_of(LearnedBlock)], device)

    def complete(block: Block) -> Block:
        if not isinstance(block, LearnedBlock):
            return block
        own = engine.models[str(block.model)].draw(numpy_rng(0))
        for knob in set(block.knobs) - set(own):
            raise ConfigError(f"{block.model}: has no knob {knob!r}, {nearest(knob, own)}")
        try:
            engine.models[str(block.model)].chosen_settings(block.knobs)
        except PatinaError as error:
            raise ConfigError(f"{block.model}: {error}") from error
        fixed = {name: (value, value) for name, value in own.items()}
        return block.model_copy(update={"knobs": fixed | block.knobs})

    return recipe.changed(complete), engine


def make_engine(paths: Iterable[str], device: str = "auto") -> Engine:
    """Load learned degradations to be used together."""
    models = {path: learned_degradation(Path(path), device=device) for path in dict.fromkeys(paths)}
    return Engine(models, compute_device(device))
