"""Train from a configuration: a learned degradation, or a restoration network in stages."""

import sys
from pathlib import Path

import yaml

from patina.errors import PatinaError
from patina.runs.fingerprint import file_digest
from patina.runs.run_folder import RunFolder
from patina.runs.run_models import FINAL
from patina.settings import read_yaml
from patina.specs.configuration import changed_settings, dump_config
from patina.specs.experiment import Experiment, LoopSettings
from patina.specs.restoration_objects import generator, restoration_task
from patina.specs.restoration_settings import RestorationConfig
from patina.specs.running import loop_plan, make_fabric
from patina.specs.stages import require_stages
from patina.specs.trained import TRAINED
from patina.training.loop import LoopPlan, train
from patina.training.task import Task

SMOKE_PICTURES = "datasets/smoke"
"""Where the pictures of `--smoke` lie, beside ``confs/``; they are made where they are missing."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def train_config(config: Experiment, device: str = "auto") -> bool:
    """Train everything in `config`, going on from where an earlier run stopped.

    Returns:
        True when all is done, False when interrupted.
    """
    if isinstance(config, RestorationConfig):
        return _train_stages(config, device)
    task = TRAINED[config.task].task(config, device)
    plan = TRAINED[config.task].plan(config, task)
    return _train_task(task, plan, config.training, config, config.run_folder(), device)


def _require(config: Experiment, device: str, *, pictures: bool) -> None:
    """Make sure that the training lacks nothing; without `pictures`, which --smoke makes when it trains, of its data.

    Raises:
        PatinaError: what is missing or does not fit.
    """
    if isinstance(config, RestorationConfig):
        require_stages(config, _stage_folders(config), device, pictures=pictures)
    elif pictures:
        TRAINED[config.task].lacks_nothing(config, device)


def _train_stages(config: RestorationConfig, device: str) -> bool:
    if len(config.stages) > 1:  # of a single one, building its task finds the same
        require_stages(config, _stage_folders(config), device)
    before = None
    for stage in config.stages:
        start, path = stage.init_from or before, config.run_folder(stage.name)
        task = restoration_task(config, stage, start, device)
        plan = loop_plan(stage, config.data, config.seed)
        if not _train_task(task, plan, stage, config, path, device, start):
            return False
        before = config.final_model(stage.name)
    return True


def _stage_folders(config: RestorationConfig) -> list[Path]:
    return [config.run_folder(stage.name) for stage in config.stages]


def _train_task(
    task: Task,
    plan: LoopPlan,
    settings: LoopSettings,
    config: Experiment,
    path: Path,
    device: str,
    start: Path | None = None,
) -> bool:
    folder, text = RunFolder(path, path.relative_to(config.runs).as_posix().replace("/", "-")), dump_config(config)
    digest = None if start is None else file_digest(start)
    _compare_with_before(folder, text, start, digest)
    began = False

    def begin() -> None:
        nonlocal began
        began = True
        folder.write_config(text)
        folder.write_start(digest)

    finished = train(task, plan, folder, make_fabric(settings.precision, device), begin)
    if finished:
        done = "done" if began else "was done before"
        print(f"{folder.name}: {done}, model in {folder.model_path(FINAL)}.safetensors", file=sys.stderr)
    return finished


def _compare_with_before(folder: RunFolder, text: str, start: Path | None, digest: str | None) -> None:
    """Say what is set otherwise than when a run was trained last.

    Raises:
        PatinaError: it was trained from another model.
    """
    if not (folder.states() and folder.config.is_file()):
        return
    if not folder.began_with(digest):
        now = "no model file" if start is None else f"{start} as it is now"
        raise PatinaError(
            f"{folder.name}: was not trained from {now}; put that back, or remove {folder.path} to train it again"
        )
    if changed := changed_settings(read_yaml(folder.config), yaml.safe_load(text)):
        print(
            f"{folder.name}: the run began with another {', '.join(changed)}; to train anew, give it another name or "
            f"remove {folder.path}",
            file=sys.stderr,
        )


def _size(config: Experiment) -> str:
    """Return the model's size in words."""
    if isinstance(config, RestorationConfig):
        network = generator(config.model, None)
    else:
        network = TRAINED[config.task].network(config)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return f"{type(network).__name__}: {parameters:,} parameters, {parameters * 4 / 2**20:.1f} MiB in float32"
