"""Loading the models of a recipe's learned blocks into an engine."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from patina.degradations.base import Block
from patina.degradations.blocks import LearnedBlock
from patina.degradations.execution import Engine
from patina.degradations.learned_degradation import LearnedDegradation
from patina.degradations.recipe import Recipe
from patina.errors import ConfigError, PatinaError
from patina.hints import nearest
from patina.seeding import numpy_rng
from patina.specs.learned_spec import learned_degradation
from patina.system.devices import compute_device


def recipe_engine(recipe: Recipe, device: str = "auto") -> tuple[Recipe, Engine]:
    """Load the models of a recipe's learned blocks.

    Returns:
        The recipe with omitted knobs set to the models' defaults, and the engine for its steps.

    Raises:
        PatinaError: a model cannot be used, or has no such knob.
    """
    models = _models([str(block.model) for block in recipe.blocks_of(LearnedBlock)], device)

    def complete(block: Block) -> Block:
        if not isinstance(block, LearnedBlock):
            return block
        model = models[str(block.model)]
        own = model.draw(numpy_rng(0))
        for knob in set(block.knobs) - set(own):
            raise ConfigError(f"{block.model}: unknown knob {knob!r}, {nearest(knob, own)}")
        try:
            model.chosen_settings(block.knobs)
        except PatinaError as error:
            raise ConfigError(f"{block.model}: {error}") from error
        fixed = {name: (value, value) for name, value in own.items() if name in model.settings}
        return block.completed(fixed, model.photo_knobs)

    return recipe.changed(complete), Engine(models, compute_device(device))


def make_engine(paths: Iterable[str], device: str = "auto") -> Engine:
    """Return an engine with learned degradations loaded from model files."""
    return Engine(_models(paths, device), compute_device(device))


@lru_cache(maxsize=1)
def opened_engine(paths: tuple[str, ...]) -> Engine:
    """Return `make_engine` of models, loaded once in a process."""
    return make_engine(paths)


def _models(paths: Iterable[str], device: str) -> dict[str, LearnedDegradation]:
    return {path: learned_degradation(Path(path), device=device) for path in dict.fromkeys(paths)}
