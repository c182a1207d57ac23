"""Families with learned blocks: their models' files, their knobs, and the engine that runs them."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from patina.degradations.blocks import LearnedBlock
from patina.degradations.recipe import require_models
from patina.fitting.family import Family
from patina.specs.recipe_engine import opened_engine, recipe_engine


def with_models(family: Family) -> Family:
    """Return a family whose learned blocks can be fitted; one without learned blocks as it is.

    Knobs that the family leaves out become the models' own, so that the fitted recipe says everything that is done.

    Raises:
        PatinaError: a model is missing or cannot be used, or has no such knob.
    """
    values = copy.deepcopy(family.values)
    settings = list(_learned(values))
    if not settings:
        return family
    recipe = replace(family, values=values).recipe([number.plain for number in family.free])
    require_models(recipe)
    completed, _ = recipe_engine(recipe)
    for block, whole in zip(settings, completed.blocks_of(LearnedBlock), strict=True):
        given = block.get("knobs", block)
        for name, (low, high) in whole.knobs.items():
            given.setdefault(name, low if low == high else [low, high])
    paths = tuple(dict.fromkeys(block["model"] for block in settings))
    return replace(family, values=values, engine=partial(opened_engine, paths))


def _learned(values: Any) -> Iterator[dict[str, Any]]:
    """Find the settings of every learned block in a recipe's plain values, in their order."""
    if isinstance(values, dict):
        for key, value in values.items():
            if key == LearnedBlock.name and isinstance(value, dict) and "model" in value:
                yield value
            else:
                yield from _learned(value)
    elif isinstance(values, list):
        for value in values:
            yield from _learned(value)
