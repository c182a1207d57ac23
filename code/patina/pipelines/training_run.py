"""Train from a configuration: a learned degradation, or a restoration network in stages."""

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from patina.errors import ConfigError, PatinaError
from patina.pipelines.smoke_pictures import ensure_smoke_pictures
from patina.runs.fingerprint import file_digest
from patina.runs.run_folder import RunFolder
from patina.runs.run_models import FINAL
from patina.settings import read_yaml
from patina.specs.configuration import base_folder, changed_settings, dump_config, find_config, load_config
from patina.specs.experiment import Experiment, LoopSettings
from patina.specs.restoration_objects import generator, restoration_task
from patina.specs.restoration_settings import RestorationConfig
from patina.specs.running import loop_plan, make_fabric
from patina.specs.stages import require_stages
from patina.specs.trained import TRAINED
from patina.training.loop import LoopPlan, train
from patina.training.task import Task

SMOKE_PICTURES = "datasets/smoke"
"""The folder of the pictures of ``--smoke``, beside ``confs/``; it is made where it is missing."""


@dataclass(frozen=True)
class TrainingRequest:
    """A training from a configuration file.

    Attributes:
        config: a path or a name in ``confs/``.
        smoke: whether to train the small size that shows in about a minute that everything works.
        device: where to compute.
    """

    config: str
    smoke: bool = False
    device: str = "auto"


def run_training(request: TrainingRequest) -> bool:
    """Train what a configuration file says; what an earlier call has finished is kept.

    Returns:
        True when all is done, False when interrupted.

    Raises:
        PatinaError: the configuration cannot be used, or its training lacks something.
    """
    config = _trainable_config(request)
    if request.smoke:
        ensure_smoke_pictures(base_folder(find_config(request.config)) / SMOKE_PICTURES)
    return train_config(config, request.device)


def resolved_training(request: TrainingRequest) -> str:
    """Return the configuration with every default, YAML, and the size of its model in a comment.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    config = _trainable_config(request)
    return f"{dump_config(config)}# {_model_size(config)}\n"


def require_trainable(request: TrainingRequest) -> None:
    """Make sure that a training lacks nothing; the pictures of ``--smoke`` are made later and may be missing.

    Raises:
        PatinaError: something is missing or does not fit.
    """
    config, pictures = _trainable_config(request), not request.smoke
    if isinstance(config, RestorationConfig):
        require_stages(config, _stage_folders(config), request.device, pictures=pictures)
    elif pictures:
        TRAINED[config.task].lacks_nothing(config, request.device)


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


def _model_size(config: Experiment) -> str:
    """Return the model's size in words."""
    if isinstance(config, RestorationConfig):
        network = generator(config.model, None)
    else:
        network = TRAINED[config.task].network(config)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return f"{type(network).__name__}: {parameters:,} parameters, {parameters * 4 / 2**20:.1f} MiB in float32"


def _trainable_config(request: TrainingRequest) -> Experiment:
    config = load_config(request.config, request.smoke)
    if not (config.task in TRAINED or isinstance(config, RestorationConfig)):
        trained = ", ".join([*TRAINED, "restoration"])
        raise ConfigError(f"{request.config}: task is {config.task}, expected one that trains: {trained}")
    return config
