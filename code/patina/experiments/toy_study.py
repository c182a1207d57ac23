"""Toy noises, learned from unpaired images and compared with the true noise by the histograms of residuals."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from patina.degradations.base import Degradation
from patina.degradations.recipe_degradation import RecipeDegradation
from patina.errors import PatinaError, counted, require_range
from patina.experiments.choices import FIT, LUDDIF, RESTORED, TOY_METHODS, TOY_NOISE_NAMES
from patina.experiments.learned_methods import degrade_folder
from patina.experiments.parallel_training import train_all
from patina.experiments.toy_images import ToyFolders, toy_scenes, write_toy_images
from patina.experiments.toy_noises import TOY_NOISES
from patina.experiments.toy_table import ToyScores, divergence, toy_report, write_toy
from patina.hints import nearest
from patina.imaging.sources import list_sources
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.recipe_choice import RecipeChoice, with_engine
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from patina.runs.fingerprint import file_digest
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.runs.worker_processes import checked_workers
from patina.specs.configuration import load_config
from patina.specs.experiment import TrainableConfig
from patina.specs.learned_spec import learned_degradation
from patina.specs.ludif_spec import LUDDIFConfig, WeakPairs
from patina.specs.paired_data import LQSettings
from patina.specs.restoration_spec import RestorationConfig
from patina.system.telling import tell


@dataclass(frozen=True)
class ToyRequest:
    """What to compare.

    Attributes:
        out: a folder for everything that the experiment writes.
        train, test: folders of photographs; None for those that come with scikit-image.
        noises: names, see `TOY_NOISE_NAMES`.
        methods: names, see `TOY_METHODS`.
        seed: of everything.
        config: configuration of LUD-DIF.
        restorer: configuration of the restoration network that makes pairs, of scale 1.
        steps: in place of both configurations' training steps; None for their own.
        device: where to compute.
    """

    out: Path
    train: Path | None = None
    test: Path | None = None
    noises: tuple[str, ...] = TOY_NOISE_NAMES
    methods: tuple[str, ...] = TOY_METHODS
    seed: int = 0
    config: str = "LUDDIF-toy"
    restorer: str = "DnCNN-toy"
    steps: int | None = None
    device: str = "auto"


def run_toy(request: ToyRequest) -> str:
    """Learn every noise by every method; what an earlier call has finished is kept.

    Returns:
        The table, Markdown.

    Raises:
        PatinaError: a name or configuration is wrong, the folder holds another experiment, or a training was
            interrupted.
    """
    _check(request)
    scenes = toy_scenes(request.train, request.test, request.seed)
    settings = {
        "seed": request.seed, "config": request.config, "restorer": request.restorer, "steps": request.steps,
        "test": None if request.test is None else str(request.test.resolve()),
    }  # fmt: skip
    sources = [] if request.train is None else list_sources(request.train)
    with OutputFolder.open(request.out, MadeBy("toy", settings), source=request.train, sources=sources) as folder:
        tell(f"images with {counted(len(request.noises), 'noise')}")
        write_toy_images(folder, scenes, request.noises, request.seed, checked_workers(None))
        _fit_all(request)
        _train_all(request)
        scores = _scores(request)
        write_toy(folder, ToyFolders(request.out), scores, next(iter(scenes.test)))
        folder.finish()
    return toy_report(scores)


def _check(request: ToyRequest) -> None:
    for flag, names, known in (("-noises", request.noises, TOY_NOISES), ("-methods", request.methods, TOY_METHODS)):
        for name in names:
            if name not in known:
                raise PatinaError(f"{flag}: there is no {name!r}, {nearest(name, known)}")
    if request.steps is not None:
        require_range("steps", request.steps, 2)
    _ludif_config(request)
    _restorer_config(request)


def _ludif_config(request: ToyRequest) -> LUDDIFConfig:
    config = load_config(request.config)
    if not isinstance(config, LUDDIFConfig):
        raise PatinaError(f"-config is {request.config}, expected a configuration of task ludif")
    return config


def _restorer_config(request: ToyRequest) -> RestorationConfig:
    config = load_config(request.restorer)
    if not isinstance(config, RestorationConfig) or config.model.scale != 1:
        raise PatinaError(f"-restorer is {request.restorer}, expected a restoration configuration of scale 1")
    return config


def _fit_all(request: ToyRequest) -> None:
    folders = ToyFolders(request.out)
    for noise in request.noises if {FIT, RESTORED} & {*request.methods} else ():
        recipe = folders.recipe(noise)
        if not recipe.is_file():
            fit = fit_recipe(FitRequest(folders.clean, folders.real(noise), recipe, seed=request.seed))
            tell(f"{noise}: {fit.summary}")


def _train_all(request: ToyRequest) -> None:
    """Train side by side; the restoration networks come first, as others wait for them."""
    first: list[TrainableConfig] = []
    if RESTORED in request.methods:
        first += [_restorer(request, noise) for noise in request.noises]
    if LUDDIF in request.methods:
        first += [_ludif(request, noise, LUDDIF) for noise in request.noises]
    if first:
        tell(counted(len(first), "training"))
        train_all(first, request.device)
    if RESTORED in request.methods:
        tell(f"{counted(len(request.noises), 'training')} on restored pairs")
        train_all([_ludif(request, noise, RESTORED) for noise in request.noises], request.device)


def _restorer(request: ToyRequest, noise: str) -> RestorationConfig:
    """Return the configuration of the restoration network that is trained on fitted pairs."""
    config, folders = _restorer_config(request), ToyFolders(request.out)
    update = {"lq": (LQSettings(path=folders.recipe(noise)),), "gt": folders.clean}
    steps = {} if request.steps is None else {"steps": request.steps}
    return config.model_copy(
        update={
            "name": "restorer",
            "runs": folders.runs(noise),
            "seed": request.seed,
            "data": config.data.model_copy(update=update),
            "stages": tuple(stage.model_copy(update=steps) for stage in config.stages),
        }
    )


def _ludif(request: ToyRequest, noise: str, method: str) -> LUDDIFConfig:
    """Return the configuration of a LUD-DIF whose pairs are made by diffusion or restored."""
    folders, toy = ToyFolders(request.out), TOY_NOISES[noise]
    config = _ludif_config(request).with_domains(folders.clean, folders.real(noise), prepare)
    levels, training = toy.levels, config.training
    if request.steps is not None:
        training = training.model_copy(update={"steps": request.steps, "clean_steps": None})
    if method == RESTORED:
        pairs = WeakPairs(restorer=_restorer(request, noise).final_model(), replace_impulses=toy.replace_impulses)
        levels = levels.model_copy(update={"condition": 0.0})
        own = config.clean_steps if request.steps is None else 0  # the time that the model of clean images would take
        training = training.model_copy(update={"clean_steps": None, "steps": training.steps - own})
    else:
        pairs = config.pairs.model_copy(update={"replace_impulses": toy.replace_impulses})
    sampling = config.sampling.model_copy(update={"steps": toy.steps})
    return config.model_copy(
        update={
            "name": method,
            "runs": folders.runs(noise),
            "seed": request.seed,
            "noise_level": levels,
            "pairs": pairs,
            "sampling": sampling,
            "training": training,
        }
    )


def _scores(request: ToyRequest) -> ToyScores:
    """Make the noise of every method on the clean test images, and measure it."""
    folders, scores = ToyFolders(request.out), ToyScores(request.methods)
    for noise in request.noises:
        real, test = folders.test_real(noise), folders.test
        measured = partial(divergence, clean=test, real=real)
        scores.again[noise] = measured(folders.again(noise))
        for method in request.methods:
            tell(f"{noise}: the noise of {method}")
            degradation, file = _degradation(request, noise, method)
            made = degrade_folder(degradation, file_digest(file), test, folders.made(noise, method), request.seed)
            scores.divergences.setdefault(method, {})[noise] = measured(made)
    return scores


def _degradation(request: ToyRequest, noise: str, method: str) -> tuple[Degradation, Path]:
    """Return what a method has learned, and its file."""
    if method == FIT:
        file = ToyFolders(request.out).recipe(noise)
        return RecipeDegradation(*with_engine(RecipeChoice(str(file)).load(), request.device)), file
    file = _ludif(request, noise, method).final_model()
    return learned_degradation(file, device=request.device), file
