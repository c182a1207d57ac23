"""A recipe as a degradation of one picture, beside learned models and Gaussian noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from patina.degradations.base import Degradation, Parameters
from patina.degradations.execution import Engine, apply_plan, as_array, as_tensor
from patina.degradations.recipe import Recipe
from patina.errors import ConfigError
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.seeding import derive

if TYPE_CHECKING:  # processes that work without models need not load torch
    from torch import Tensor


class RecipeDegradation(Degradation):
    """A recipe of one variant.

    Args:
        recipe: the recipe, with the models' own knobs where it sets none.
        engine: computes the steps that need torch; None if there are none.

    Raises:
        ConfigError: the recipe has several variants.
    """

    def __init__(self, recipe: Recipe, engine: Engine | None):
        if len(recipe.names) > 1:
            raise ConfigError(f"the recipe has the variants {', '.join(recipe.names)}; expected one list of steps")
        self.recipe, self.engine = recipe, engine

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw the plan's seed; the plan itself depends on the picture's size."""
        return {"seed": int(rng.integers(2**63))}

    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Degrade ``[3, H, W]`` in [0, 1] to ``[3, H // scale, W // scale]``.

        Args:
            image: the clean picture; rows and columns beyond a multiple of the scale are cropped.
            parameters: from `draw`.
            key: also part of the plan's seed.
        """
        pixels = crop_to_multiple(as_array(image), self.recipe.scale)
        seed = derive(parameters["seed"], "plan", key)
        plan = self.recipe.draw(self.recipe.names[0], pixels.shape[:2], seed, "")
        return as_tensor(apply_plan(pixels, plan, self.engine))
