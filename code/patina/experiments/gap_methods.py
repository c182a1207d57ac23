"""The methods that the gap experiment compares: how each makes LQ pictures of the clean ones for a camera."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patina.degradations.recipe import load_recipe
from patina.experiments.gap_folders import SCALE, GapFolders
from patina.experiments.learned_methods import degrade_folder, seeded
from patina.experiments.narration import say
from patina.experiments.parallel_training import require_finished
from patina.fitting.family import DEFAULT_FAMILIES, has_free_numbers, load_families
from patina.pipelines.degraded_set import DegradeRequest, degrade
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.recipe_choice import RecipeChoice
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from patina.pipelines.training_run import train_config
from patina.pipelines.translation import load_learned_config
from patina.runs.fingerprint import file_digest
from patina.settings import find_file, read_yaml, require_block
from patina.specs.learned_spec import LearnedConfig, learned_degradation

BICUBIC, WIDE, FIT, TRUE = "bicubic", "wide", "fit", "true"
METHODS = (BICUBIC, WIDE, FIT, TRUE)


@dataclass(frozen=True)
class GapMethod:
    """A way to make pairs.

    Attributes:
        name: in tables and file names.
        make: writes the LQ pictures for (folders, camera, seed, device) and returns their folder.
        knows_camera: whether the pairs depend on the camera.
    """

    name: str
    make: Callable[[GapFolders, str, int, str], Path]
    knows_camera: bool = True


def gap_method(given: str) -> GapMethod:
    """Return a method: one of `METHODS`, a recipe, a family to fit, or the configuration of a learned degradation.

    Raises:
        PatinaError: there is no such file, or it cannot be used.
    """
    if given == BICUBIC:
        return GapMethod(given, lambda folders, *_: folders.clean_half, knows_camera=False)
    if given == TRUE:
        return GapMethod(given, lambda folders, camera, *_: folders.pairs(camera, TRUE))
    if given == FIT:
        return _fit_method(FIT, DEFAULT_FAMILIES)
    path = find_file(given, ("confs/recipes", "confs/families", "confs"), "recipe, family or configuration")
    values = require_block(read_yaml(path), path)
    if has_free_numbers(values):
        return _fit_method(path.stem, (str(path),))
    if "task" not in values:
        load_recipe(path)  # what is wrong with a file is said now, not after an hour
        return GapMethod(path.stem, lambda folders, _, seed, device: _recipe_pairs(folders, path, seed), False)
    config = load_learned_config(str(path))
    return GapMethod(config.name, lambda *arguments: _learned_pairs(config, *arguments))


def _fit_method(name: str, families: tuple[str, ...]) -> GapMethod:
    load_families(families, SCALE)  # as above

    def make(folders: GapFolders, camera: str, seed: int, device: str) -> Path:
        recipe = folders.out / camera / f"{name}.yml"
        if not recipe.is_file():
            fit = fit_recipe(FitRequest(folders.clean, folders.real(camera), recipe, families, SCALE, seed=seed))
            say(f"{camera}: {fit.summary}")
        return _degraded(RecipeChoice(str(recipe)), folders, folders.pairs(camera, name), seed)

    return GapMethod(name, make)


def _recipe_pairs(folders: GapFolders, recipe: Path, seed: int) -> Path:
    return _degraded(RecipeChoice(str(recipe), scale=SCALE), folders, folders.pairs(None, recipe.stem), seed)


def _degraded(recipe: RecipeChoice, folders: GapFolders, out: Path, seed: int) -> Path:
    report = degrade(DegradeRequest(recipe, folders.clean, out, seed))
    report.require_complete()
    return out


def _learned_pairs(config: LearnedConfig, folders: GapFolders, camera: str, seed: int, device: str) -> Path:
    """Train a learned degradation on the camera's photographs, unpaired, and put it onto the clean pictures."""
    name, clean = config.name, folders.clean_half
    config = seeded(config, seed).model_copy(update={"runs": folders.runs(camera)})
    config = config.with_domains(clean, folders.real(camera), prepare, folders.sets(camera))
    require_finished(train_config(config, device))
    model = config.final_model()
    degradation = learned_degradation(model, device=device)
    return degrade_folder(degradation, file_digest(model), clean, folders.pairs(camera, name), seed)
