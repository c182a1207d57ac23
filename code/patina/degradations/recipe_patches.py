"""Recipes applied during training: classical steps in the loader's workers, engine steps in the main process."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patina.data.pairs_on_the_fly import Unfinished
from patina.degradations.execution import Engine, Images, finish, grow
from patina.degradations.plans import Plan
from patina.degradations.recipe import Recipe
from patina.errors import PictureError
from patina.imaging.value_spaces import to_values, values_to_pixels

_Picture = tuple[Images, list[Plan]]


class Waiting:
    """A picture with its remaining steps, the first of which needs an engine."""

    def __init__(self, image: np.ndarray, plan: Plan, dtype: np.dtype):
        self.image = image
        self.plan = plan
        self.dtype = dtype


@dataclass(frozen=True)
class OnTheFly:
    """Degrades patches by a recipe; patches with the same name get the same degradation.

    Attributes:
        recipe: the recipe; if it has variants, every patch gets one of them as in the mixed folder.
        seed: seed of the draws.
    """

    recipe: Recipe
    seed: int

    def __call__(self, clean: np.ndarray, name: str, index: int) -> np.ndarray | Waiting:
        """Degrade pixels ``[H, W, 3]`` up to the first step that needs an engine."""
        variant = self.recipe.variant_of(index, self.seed, name)
        plan = self.recipe.draw(variant, clean.shape[:2], self.seed, name)
        images: Images = {(): to_values(clean)}
        for cut in grow(images, [plan]):
            return Waiting(images[cut[:-1]], plan[len(cut) - 1 :], clean.dtype)
        return values_to_pixels(images[plan], clean.dtype)


def finish_patches(patches: Sequence[Tensor | Unfinished], device: torch.device, engine: Engine) -> Tensor:
    """Finish a batch: ``[N, 3, h, w]`` in [0, 1] on `device`.

    A patch for which a model returns values that are not finite becomes NaN, so the training loop skips the step.
    """
    waiting = [patch for patch in patches if isinstance(patch, Unfinished)]
    pictures: list[_Picture] = [({(): patch.state.image}, [patch.state.plan]) for patch in waiting]
    try:
        finish(pictures, engine)
        finished = [_patch(picture, patch) for picture, patch in zip(pictures, waiting, strict=True)]
    except PictureError:
        finished = [_alone(picture, patch, engine) for picture, patch in zip(pictures, waiting, strict=True)]
    results = iter(finished)
    return torch.stack([next(results).to(device) if isinstance(patch, Unfinished) else patch for patch in patches])


def _alone(picture: _Picture, patch: Unfinished, engine: Engine) -> Tensor:
    try:
        finish([picture], engine)
        return _patch(picture, patch)
    except PictureError:
        rows, columns = patch.window
        return torch.full((3, rows.stop - rows.start, columns.stop - columns.start), torch.nan)


def _patch(picture: _Picture, patch: Unfinished) -> Tensor:
    """Crop the patch and round it as saving to a file would."""
    images, [plan] = picture
    pixels = values_to_pixels(images[plan][patch.window], patch.state.dtype)
    return torch.from_numpy(np.ascontiguousarray(to_values(pixels).transpose(2, 0, 1)))
