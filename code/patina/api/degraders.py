"""Degradations of pictures in memory: trained models and recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from patina.api.arguments import Device, Precision, checked_picture
from patina.errors import PatinaError

if TYPE_CHECKING:
    from patina.degradations.execution import Engine
    from patina.degradations.knobs import Span
    from patina.degradations.learned_degradation import LearnedDegradation
    from patina.degradations.recipe import Recipe

Domain = Literal["clean", "real"]


@dataclass(frozen=True)
class ModelDegrader:
    """A trained degradation, ready to use; see `load_degradation`.

    Attributes:
        degradation: the open model.
    """

    degradation: LearnedDegradation

    def __call__(self, picture: np.ndarray, seed: int = 0, *, name: str = "", sample: int = 0) -> np.ndarray:
        """Degrade a picture, or clean one if the model was loaded for real pictures.

        The command `translate` gives the same picture for the same seed, file name and sample number.

        Args:
            picture: ``[H, W, 3]`` RGB, uint8 or uint16.
            seed: seed of the knobs that are ranges, and of the noise.
            name: file name of the picture. Pictures of different names get different noise.
            sample: number of the sample; every number gives another result of the same picture.

        Returns:
            The result, of the same size and dtype.

        Raises:
            PatinaError: the picture cannot be used.
        """
        from patina.pipelines.translation import draw_sample, sample_key, translate_pixels

        parameters = draw_sample(self.degradation, seed, name, sample)
        return translate_pixels(self.degradation, checked_picture(picture), parameters, sample_key(seed, name, sample))


def load_degradation(
    path: str | Path,
    *,
    source: Domain = "clean",
    config: str | None = None,
    knobs: Mapping[str, Span] | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
) -> ModelDegrader:
    """Load a trained degradation: DeFlow, LUD-VAE, LUD-DIF, or any other kind.

    Args:
        path: a model file, or the folder of a training run.
        source: "clean" to degrade clean pictures, "real" to clean real ones.
        config: the model's configuration, a path or a name in ``confs/``; only published model files need it.
        knobs: a number, or a range to draw from for every picture, by knob; see ``patina translate --help``.
        device: device to compute on; "auto" prefers a GPU.
        precision: precision of the convolutions; "auto" uses bf16 where it is fast and within 45 dB of 32.

    Raises:
        PatinaError: the model or a knob cannot be used.
    """
    from patina.models.labels import CLEAN, REAL
    from patina.pipelines.translation import load_learned_config
    from patina.runs.run_models import newest_model
    from patina.specs.learned_spec import learned_degradation

    return ModelDegrader(
        learned_degradation(
            newest_model(Path(path)),
            None if config is None else load_learned_config(config),
            source=CLEAN if source == "clean" else REAL,
            device=device,
            precision=precision,
            knobs=knobs,
        )
    )


@dataclass(frozen=True)
class RecipeDegrader:
    """A recipe, ready to use; see `load_recipe`.

    Attributes:
        recipe: the recipe, with the models' own knobs where it sets none.
        engine: computes the steps that need torch; None if there are none.
    """

    recipe: Recipe
    engine: Engine | None

    @property
    def scale(self) -> int:
        """How many times smaller the results are."""
        return self.recipe.scale

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants; empty for a recipe that is one list of steps."""
        return tuple(self.recipe.variants)

    def __call__(self, picture: np.ndarray, seed: int = 0, variant: str | None = None, *, name: str = "") -> np.ndarray:
        """Degrade a picture.

        The command `degrade` gives the same picture for the same seed, variant and file name.

        Args:
            picture: ``[H, W, 3]`` RGB, uint8 or uint16; rows and columns beyond a multiple of the scale are cropped.
            seed: seed of everything that is drawn.
            variant: one of `variants`; a recipe with several needs it.
            name: file name of the picture. Pictures of different names get different draws.

        Returns:
            The LQ picture, ``[H // scale, W // scale, 3]`` of the same dtype.

        Raises:
            PatinaError: the picture cannot be used, or there is no such variant.
        """
        from patina.degradations.execution import apply_plan
        from patina.imaging.value_spaces import to_values, values_to_pixels
        from patina.pipelines.recipe_job import cropped_to_scale

        pixels = cropped_to_scale(checked_picture(picture), self.scale, name or "the image")
        plan = self.recipe.draw(self._chosen(variant), pixels.shape[:2], seed, name)
        return values_to_pixels(apply_plan(to_values(pixels), plan, self.engine), pixels.dtype)

    def _chosen(self, variant: str | None) -> str:
        names = self.recipe.names
        if variant is None and len(names) == 1:
            return names[0]
        if variant not in self.variants:
            expected = f"expected one of {', '.join(self.variants)}" if self.variants else "the recipe has no variants"
            raise PatinaError(f"variant is {variant!r}; {expected}")
        return variant


def load_recipe(
    recipe: str | Path,
    *,
    model: str | Path | None = None,
    without_learned: bool = False,
    device: Device = "auto",
) -> RecipeDegrader:
    """Load a recipe and the models that it names.

    Args:
        recipe: a path, or a name in ``confs/recipes/``.
        model: model file to use instead of the one that the recipe names.
        without_learned: leave out the learned blocks.
        device: device that learned blocks compute on.

    Raises:
        PatinaError: the recipe or a model cannot be used.
    """
    from patina.pipelines.recipe_choice import RecipeChoice, with_engine

    choice = RecipeChoice(str(recipe), model=Path(model) if model else None, without_learned=without_learned)
    return RecipeDegrader(*with_engine(choice.load(), device))
