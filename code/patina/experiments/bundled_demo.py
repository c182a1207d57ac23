"""The main job on photographs that come with scikit-image, with a degradation whose ground truth is known."""

from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from patina.experiments.demo_folders import (
    BICUBIC,
    BICUBIC_PAIRS,
    FITTED_PAIRS,
    LEARNED_PAIRS,
    PAIRS,
    SCALE,
    TRUE_PAIRS,
    DemoFolders,
)
from patina.experiments.demo_photographs import take_photographs
from patina.experiments.demo_results import write_results
from patina.experiments.learned_methods import degrade_folder
from patina.experiments.parallel_training import processes, require_finished
from patina.pipelines.degraded_set import DegradeRequest, degrade
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.recipe_choice import RecipeChoice
from patina.pipelines.recipe_fit import FitRequest, fit_recipe
from patina.pipelines.training_run import train_config
from patina.pipelines.upscaling import UpscaleRequest, upscale
from patina.runs.fingerprint import file_digest
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.specs.configuration import load_config
from patina.specs.deflow_spec import DeFlowConfig
from patina.specs.learned_spec import learned_degradation
from patina.specs.paired_data import LQSettings
from patina.specs.restoration_spec import RestorationConfig
from patina.system.telling import tell

SMOKE_STEPS, SMOKE_SAMPLES, SMOKE_ROUNDS = 2, 32, 1
SMOKE = "smoke: two training steps, the numbers mean nothing"


@dataclass(frozen=True)
class DemoRequest:
    """A run of the demo.

    Attributes:
        out: a folder for everything that the demo writes.
        seed: seed of the camera and of DeFlow.
        seeds: seeds of the super-resolution networks.
        smoke: whether to train for `SMOKE_STEPS` only, to see that everything works.
        device: where to compute.
    """

    out: Path
    seed: int = 0
    seeds: tuple[int, ...] = (0,)
    smoke: bool = False
    device: str = "auto"


def run_demo(request: DemoRequest) -> str:
    """Run the demo; finished results of an earlier call are kept.

    Returns:
        The tables, Markdown.

    Raises:
        PatinaError: the folder holds another demo, or a training was interrupted.
    """
    made_by = MadeBy("demo", {"seed": request.seed, "smoke": request.smoke})
    with OutputFolder.open(request.out, made_by) as folder:
        tell("1/6 photographs: clean ones, and real ones from a camera whose degradation no training sees")
        take_photographs(folder, request.seed)
        _train_and_upscale(request)
        text = write_results(folder, request.seeds, SMOKE if request.smoke else None)
        folder.finish()
    return text


def _train_and_upscale(request: DemoRequest) -> None:
    """Make the sets, train everything, and upscale the held-out pictures by every method."""
    folders, device, deflow = DemoFolders(request.out), request.device, _deflow_config(request)
    tell("2/6 multi-scale sets")
    prepare(folders.photographs("clean"), folders.clean_set, [1, SCALE, SCALE * deflow.model.scale])
    prepare(folders.photographs("real"), folders.real_set, [1, deflow.model.scale])
    with processes() as pool:
        time = "" if request.smoke else ", a few minutes"
        tell(f"3/6 DeFlow learns the degradation ({deflow.training.steps} steps{time})")
        degradation = pool.submit(train_config, deflow, device)
        trained = _trained(pool, request, BICUBIC_PAIRS) + _trained(pool, request, TRUE_PAIRS)
        tell("4/6 meanwhile a recipe is fitted to the photographs")
        _fit_and_degrade(request)
        trained += _trained(pool, request, FITTED_PAIRS)
        require_finished(degradation.result())
        tell("5/6 the learned degradation on the clean images, and the same networks on all pairs")
        _degrade(deflow, folders.clean_set / f"{SCALE}x", folders.learned, device)
        trained += _trained(pool, request, LEARNED_PAIRS)
        _degrade(deflow, folders.photographs("held_out_2x"), folders.held_out_learned, device)
        for training in trained:
            require_finished(training.result())
    tell("6/6 measured on held-out images with the true degradation")
    _upscale_held_out(request)


def _trained(pool: ProcessPoolExecutor, request: DemoRequest, pairs: str) -> list[Future[bool]]:
    """Begin to train the networks of a kind of pairs, one for each seed."""
    configs = [_restoration_config(request, pairs, seed) for seed in request.seeds]
    return [pool.submit(train_config, config, request.device) for config in configs]


def _fit_and_degrade(request: DemoRequest) -> None:
    """Fit a recipe to the camera's pictures and put it onto the clean and the held-out ones."""
    folders = DemoFolders(request.out)
    if not folders.fitted_recipe.is_file():
        clean, real = folders.photographs("clean"), folders.photographs("real")
        wanted = FitRequest(clean, real, folders.fitted_recipe, scale=SCALE, seed=request.seed)
        if request.smoke:
            wanted = replace(wanted, samples=SMOKE_SAMPLES, rounds=SMOKE_ROUNDS)
        tell(f"    {fit_recipe(wanted).summary}")
    recipe = RecipeChoice(str(folders.fitted_recipe))
    for part, out in (("clean", folders.fitted), ("held_out", folders.held_out_fitted)):
        report = degrade(DegradeRequest(recipe, folders.photographs(part), out, request.seed))
        report.require_complete()


def _degrade(config: DeFlowConfig, source: Path, out: Path, device: str) -> None:
    """Put the degradation that the demo's DeFlow has learned onto a folder of clean pictures."""
    model = config.final_model()
    degrade_folder(learned_degradation(model, device=device), file_digest(model), source, out, config.seed)


def _upscale_held_out(request: DemoRequest) -> None:
    """Upscale the camera's copies of the held-out pictures with every method."""
    folders = DemoFolders(request.out)
    source = folders.photographs("held_out_real")
    upscale(UpscaleRequest(BICUBIC, source, folders.upscaled(BICUBIC, 0), scale=SCALE))
    for pairs in PAIRS:
        for seed in request.seeds:
            model = _restoration_config(request, pairs, seed).final_model()
            upscale(UpscaleRequest(model, source, folders.upscaled(pairs, seed), device=request.device))


def _deflow_config(request: DemoRequest) -> DeFlowConfig:
    folders, config = DemoFolders(request.out), load_config("DeFlow-demo")
    clean = config.data.clean.model_copy(update={"folder": folders.clean_set})
    real = config.data.real.model_copy(update={"folder": folders.real_set})
    data = config.data.model_copy(update={"clean": clean, "real": real})
    training = config.training.model_copy(update={"steps": SMOKE_STEPS}) if request.smoke else config.training
    return config.model_copy(
        update={"data": data, "training": training, "seed": request.seed, "runs": request.out / "runs"}
    )


def _restoration_config(request: DemoRequest, pairs: str, seed: int) -> RestorationConfig:
    """Return the configuration of one x2 network; all differ only in their pairs."""
    folders, config = DemoFolders(request.out), load_config("SR-demo")
    name = f"SR-{pairs.split()[0]}-seed{seed}"
    lq = (LQSettings(path=folders.lq(pairs)),)
    data = config.data.model_copy(update={"lq": lq, "gt": folders.clean_set / "1x"})
    stages = tuple(stage.model_copy(update={"steps": SMOKE_STEPS} if request.smoke else {}) for stage in config.stages)
    return config.model_copy(
        update={"name": name, "data": data, "stages": stages, "seed": seed, "runs": request.out / "runs"}
    )
