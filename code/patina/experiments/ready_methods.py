"""The degradations that an experiment compares, ready to use: models trained, recipes fitted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patina.degradations.base import Degradation
from patina.degradations.recipe_degradation import RecipeDegradation
from patina.errors import PatinaError
from patina.experiments.choices import Method, Pictures
from patina.experiments.given_methods import GivenMethod, given_method
from patina.experiments.learned_methods import trained_models
from patina.pipelines.recipe_choice import RecipeChoice, with_engine
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from patina.runs.fingerprint import file_digest
from patina.specs.learned_spec import learned_degradation
from patina.system.telling import tell


@dataclass(frozen=True)
class ReadyMethod:
    """A method of an experiment for one seed.

    Attributes:
        degradation: of one picture.
        file: the model file or the recipe.
        digest: of the file's contents.
    """

    degradation: Degradation
    file: Path
    digest: str


def ready_methods(
    methods: Sequence[Method], pictures: Pictures, out: Path, device: str, seeds: Sequence[int | None] = (None,)
) -> dict[tuple[str, int | None], ReadyMethod]:
    """Train missing models, fit missing recipes, and load all of them.

    Args:
        methods: of the experiment.
        pictures: what is trained and fitted on.
        out: a folder; ``fitted/`` inside gets the fitted recipes, and those that are there are kept.
        device: where models compute.
        seeds: seeds of trainings and fits; None is a configuration's own, and 0 for a fit.

    Raises:
        PatinaError: a model, configuration, recipe or picture cannot be used, or a training was interrupted.
    """
    given = {method.name: given_method(method.given) for method in methods}
    for method in methods:
        if method.knobs and given[method.name].kind != "learned":
            raise PatinaError(f"{method.name}: {method.given} has no knobs; only learned degradations do")
    models = trained_models([m for m in methods if given[m.name].kind == "learned"], pictures, device, seeds)
    ready: dict[tuple[str, int | None], ReadyMethod] = {}
    for method in methods:
        for seed in seeds:
            place = method.name, seed
            if place in models:
                degradation: Degradation = learned_degradation(models[place], device=device, knobs=method.knobs)
                file = models[place]
            else:
                file = _recipe(given[method.name], method.name, pictures, out / "fitted", seed or 0)
                degradation = RecipeDegradation(*with_engine(RecipeChoice(str(file)).load(), device))
            ready[place] = ReadyMethod(degradation, file, file_digest(file))
    return ready


def _recipe(given: GivenMethod, name: str, pictures: Pictures, folder: Path, seed: int) -> Path:
    """Return a recipe's file; a family is fitted first."""
    if given.kind == "recipe":
        return Path(given.files[0])
    file = folder / f"{name}-seed{seed}.yml"
    if not file.is_file():
        fit = fit_recipe(FitRequest(pictures.clean, pictures.real, file, given.files, seed=seed))
        tell(f"{name}, seed {seed}: {fit.summary}")
    return file
