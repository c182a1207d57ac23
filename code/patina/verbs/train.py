"""Train from a configuration: a learned degradation, or a restoration network in stages."""

import argparse
import sys
from pathlib import Path

import yaml

from patina.build.restoration import generator, restoration_task
from patina.build.running import loop_plan, make_fabric
from patina.build.stages import require_stages
from patina.build.trained import TRAINED
from patina.config.files import base_folder, changed_settings, dump_config, find_config, load_config
from patina.config.restoration import RestorationConfig
from patina.config.settings import Experiment, LoopSettings
from patina.errors import ConfigError, PatinaError
from patina.runs.fingerprint import file_digest
from patina.runs.folder import RunFolder
from patina.runs.models import FINAL
from patina.strict import read_yaml
from patina.training.loop import LoopPlan, train
from patina.training.task import Task
from patina.verbs.arguments import add_device_flag, add_flag
from patina.verbs.smoke import ensure_smoke_pictures

SMOKE_PICTURES = "datasets/smoke"
"""Where the pictures of `--smoke` lie, beside ``confs/``; they are made where they are missing."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "opt", required=True, help="configuration, a path or a name in confs/")
    add_device_flag(parser)
    parser.add_argument(
        "--smoke", action="store_true", help="a small size, to see in about a minute that everything works"
    )
    parser.add_argument(
        "--dry-run", action="store_true",
        help="print the resolved configuration and the model's size, and look for what the training needs",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Train, or print what would be trained."""
    config = load_config(arguments.opt, arguments.smoke)
    if not (config.task in TRAINED or isinstance(config, RestorationConfig)):
        trained = ", ".join([*TRAINED, "restoration"])
        raise ConfigError(f"{arguments.opt}: task is {config.task}, expected one that trains: {trained}")
    if arguments.dry_run:
        print(dump_config(config), end="")
        print(f"# {_size(config)}")
        _require(config, arguments.device, pictures=not arguments.smoke)
        return 0
    if arguments.smoke:
        ensure_smoke_pictures(base_folder(find_config(arguments.opt)) / SMOKE_PICTURES)
    return 0 if train_config(config, arguments.device) else INTERRUPTED


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
