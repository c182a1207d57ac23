"""The main job on photographs that come with scikit-image, with a degradation whose ground truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patina.experiments.demo_folders import (
    BICUBIC,
    SCALE,
    TRAINED_ON_BICUBIC,
    TRAINED_ON_LEARNED,
    DemoFolders,
)
from patina.experiments.demo_photographs import take_photographs
from patina.experiments.demo_results import write_results
from patina.experiments.learned_methods import degrade_folder
from patina.experiments.narration import say
from patina.experiments.parallel_training import processes, require_finished
from patina.pipelines.multiscale_set import prepare
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

SMOKE_STEPS = 2


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
    seeds: tuple[int, ...] = (0, 1, 2)
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
        say("1/5 photographs: clean ones, and real ones from a camera whose degradation no training sees")
        take_photographs(folder, request.seed)
        _train_and_upscale(request)
        text = write_results(folder, request.seeds)
        folder.finish()
    return text


def _train_and_upscale(request: DemoRequest) -> None:
    """Make the sets, train everything, and upscale the held-out pictures by every method."""
    folders, device, deflow = DemoFolders(request.out), request.device, _deflow_config(request)
    say("2/5 multi-scale sets")
    prepare(folders.photographs("clean"), folders.clean_set, [1, SCALE, SCALE * deflow.model.scale])
    prepare(folders.photographs("real"), folders.real_set, [1, deflow.model.scale])
    say(f"3/5 DeFlow learns the degradation ({deflow.training.steps} steps, a few minutes)")
    say(f"    meanwhile x{SCALE} networks learn from bicubic pairs, one for each of the seeds {list(request.seeds)}")
    bicubic, learned = (
        [_restoration_config(request, method, seed) for seed in request.seeds]
        for method in (TRAINED_ON_BICUBIC, TRAINED_ON_LEARNED)
    )
    with processes() as pool:
        degradation = pool.submit(train_config, deflow, device)
        trained = [pool.submit(train_config, config, device) for config in bicubic]
        require_finished(degradation.result())
        say("4/5 the learned degradation on the clean images, and the same networks on learned pairs")
        _degrade(deflow, folders.clean_set / f"{SCALE}x", folders.learned, device)
        trained += [pool.submit(train_config, config, device) for config in learned]
        _degrade(deflow, folders.photographs("held_out_2x"), folders.held_out_learned, device)
        for training in trained:
            require_finished(training.result())
    say("5/5 measured on held-out images with the true degradation")
    _upscale_held_out(folders, bicubic, learned, device)


def _degrade(config: DeFlowConfig, source: Path, out: Path, device: str) -> None:
    """Put the degradation that the demo's DeFlow has learned onto a folder of clean pictures."""
    model = config.final_model()
    degrade_folder(learned_degradation(model, device=device), file_digest(model), source, out, config.seed)


def _upscale_held_out(
    folders: DemoFolders, bicubic: Sequence[RestorationConfig], learned: Sequence[RestorationConfig], device: str
) -> None:
    """Upscale the camera's copies of the held-out pictures with every method."""
    source = folders.photographs("held_out_real")
    upscale(UpscaleRequest(BICUBIC, source, folders.upscaled(BICUBIC, 0), scale=SCALE))
    for method, configs in ((TRAINED_ON_BICUBIC, bicubic), (TRAINED_ON_LEARNED, learned)):
        for config in configs:
            model = config.final_model()
            upscale(UpscaleRequest(model, source, folders.upscaled(method, config.seed), device=device))


def _deflow_config(request: DemoRequest) -> DeFlowConfig:
    folders, config = DemoFolders(request.out), load_config("DeFlow-demo")
    clean = config.data.clean.model_copy(update={"folder": folders.clean_set})
    real = config.data.real.model_copy(update={"folder": folders.real_set})
    data = config.data.model_copy(update={"clean": clean, "real": real})
    training = config.training.model_copy(update={"steps": SMOKE_STEPS}) if request.smoke else config.training
    return config.model_copy(
        update={"data": data, "training": training, "seed": request.seed, "runs": request.out / "runs"}
    )


def _restoration_config(request: DemoRequest, method: str, seed: int) -> RestorationConfig:
    """Return the configuration of one x2 network; the methods differ only in their pairs."""
    folders, config = DemoFolders(request.out), load_config("SR-demo")
    lq = folders.learned if method == TRAINED_ON_LEARNED else folders.clean_set / f"{SCALE}x"
    name = f"SR-{method.split()[-1]}-seed{seed}"
    data = config.data.model_copy(update={"lq": (LQSettings(path=lq),), "gt": folders.clean_set / "1x"})
    stages = tuple(stage.model_copy(update={"steps": SMOKE_STEPS} if request.smoke else {}) for stage in config.stages)
    return config.model_copy(
        update={"name": name, "data": data, "stages": stages, "seed": seed, "runs": request.out / "runs"}
    )
