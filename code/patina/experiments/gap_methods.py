"""The methods that the gap experiment compares: how each makes LQ pictures of the clean ones for a camera.

Each network is trained on a draw of its own, so that the spread over seeds holds what pairs differ by chance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from patina.experiments.choices import BICUBIC, FIT, TRUE
from patina.experiments.gap_folders import SCALE, GapFolders
from patina.experiments.given_methods import given_method
from patina.experiments.learned_methods import degrade_folder, seeded
from patina.experiments.parallel_training import require_finished
from patina.pipelines.degraded_set import DegradeRequest, degrade
from patina.pipelines.learned_fit import LearnRequest, learn_over_fit, learned_config
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.recipe_choice import RecipeChoice
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from patina.pipelines.training_run import train_config
from patina.pipelines.translation import load_learned_config
from patina.runs.fingerprint import file_digest
from patina.seeding import derive
from patina.specs.learned_spec import LearnedConfig, learned_degradation
from patina.system.telling import tell

_OVER_FIT = f"{FIT}+"

Draw = Callable[[int], Path]
"""Writes the LQ pictures of one network, given its seed, and returns their folder."""


@dataclass(frozen=True)
class GapMethod:
    """A way to make pairs.

    Attributes:
        name: in tables and file names.
        prepare: fits or trains what (folders, camera, seed, device) need, and returns what makes pairs.
        knows_camera: whether the pairs depend on the camera.
    """

    name: str
    prepare: Callable[[GapFolders, str, int, str], Draw]
    knows_camera: bool = True


def gap_method(given: str) -> GapMethod:
    """Return a method.

    Args:
        given: one of `GAP_METHODS`, a recipe, a family to fit, the configuration of a learned degradation, or
            "fit+KIND" for one that is learned over the fit, as `patina fit --learn KIND` does.

    Raises:
        PatinaError: there is no such file, or it cannot be used.
    """
    if given == BICUBIC:
        return GapMethod(given, lambda folders, *_: lambda _: folders.clean_half, knows_camera=False)
    if given == TRUE:
        return GapMethod(given, lambda folders, camera, *_: partial(folders.pairs, camera, TRUE))
    if given.startswith(_OVER_FIT):
        return _learned_fit_method(given.removeprefix(_OVER_FIT))
    method = given_method(given, SCALE)
    if method.kind == "family":
        return _fit_method(method.name, method.files)
    if method.kind == "recipe":
        recipe = RecipeChoice(method.files[0], scale=SCALE)
        return GapMethod(
            method.name, lambda folders, _, seed, device: _draws(recipe, folders, None, method.name, seed), False
        )
    config = load_learned_config(given)
    return GapMethod(config.name, lambda *arguments: _learned_pairs(config, *arguments))


def _fit_method(name: str, families: tuple[str, ...]) -> GapMethod:
    def prepared(folders: GapFolders, camera: str, seed: int, device: str) -> Draw:
        recipe = folders.out / camera / f"{name}.yml"
        if not recipe.is_file():
            fit = fit_recipe(FitRequest(folders.clean, folders.real(camera), recipe, families, SCALE, seed=seed))
            tell(f"{camera}: {fit.summary}")
        return _draws(RecipeChoice(str(recipe)), folders, camera, name, seed)

    return GapMethod(name, prepared)


def _learned_fit_method(kind: str) -> GapMethod:
    learned_config(kind)  # what is wrong with it is said now and not after an hour
    name, families = f"{_OVER_FIT}{Path(kind).stem}", given_method(FIT, SCALE).files

    def prepared(folders: GapFolders, camera: str, seed: int, device: str) -> Draw:
        recipe = folders.out / camera / f"{name}.yml"
        if not recipe.is_file():
            fit = FitRequest(folders.clean, folders.real(camera), recipe, families, SCALE, seed=seed)
            learned = learn_over_fit(LearnRequest(fit, kind, folders.out / camera / name, device))
            tell(f"{camera}: {learned.sentence}")
        return _draws(RecipeChoice(str(recipe)), folders, camera, name, seed)

    return GapMethod(name, prepared)


def _draws(recipe: RecipeChoice, folders: GapFolders, camera: str | None, name: str, seed: int) -> Draw:
    def draw(network: int) -> Path:
        out = folders.pairs(camera, name, network)
        degrade(DegradeRequest(recipe, folders.clean, out, derive(seed, network))).require_complete()
        return out

    return draw


def _learned_pairs(config: LearnedConfig, folders: GapFolders, camera: str, seed: int, device: str) -> Draw:
    """Train a learned degradation on the camera's photographs, unpaired; it is put onto the clean pictures."""
    name, clean = config.name, folders.clean_half
    config = seeded(config, seed).model_copy(update={"runs": folders.runs(camera)})
    config = config.with_domains(clean, folders.real(camera), prepare, folders.sets(camera))
    require_finished(train_config(config, device))
    model = config.final_model()
    degradation, digest = learned_degradation(model, device=device), file_digest(model)

    def draw(network: int) -> Path:
        return degrade_folder(degradation, digest, clean, folders.pairs(camera, name, network), derive(seed, network))

    return draw
