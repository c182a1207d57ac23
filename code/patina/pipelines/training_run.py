"""Train from a configuration: a learned degradation, or a restoration network in stages."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch

from patina.data.normalisation import ImageStatistics
from patina.errors import ConfigError, PatinaError
from patina.imaging.colour_shift import colour_shift_warning
from patina.layers.precision import has_fast_bf16
from patina.metrics.backbones import no_downloads
from patina.pipelines.degraded_domain import chosen_recipe, with_degraded_clean
from patina.pipelines.smoke_pictures import ensure_smoke_pictures
from patina.runs.fingerprint import digest_of, file_digest
from patina.runs.made_by import MadeBy
from patina.runs.run_folder import RunFolder
from patina.runs.run_mirror import NO_MIRROR, RunMirror
from patina.runs.run_models import FINAL
from patina.runs.watchers import require_watchers
from patina.shipped import base_folder
from patina.specs.configuration import changed_settings, dump_config, find_config, has_addresses, load_config
from patina.specs.experiment import TrainableConfig, TrainingStage
from patina.specs.learned_spec import LearnedConfig
from patina.specs.optimisation import chosen_precision, make_fabric
from patina.specs.subjects import config_classes
from patina.system.place_names import as_given, named_as_given
from patina.system.progress import silence_progress
from patina.system.telling import tell, warn
from patina.system.yaml_files import parsed_yaml, read_yaml
from patina.training.loop import train
from patina.training.processes import in_turn, require_same

SMOKE_PICTURES = "datasets/smoke"
"""The folder of the pictures of ``--smoke``, beside ``confs/``; it is made where it is missing."""


@dataclass(frozen=True)
class TrainingRequest:
    """A training from a configuration file.

    Attributes:
        config: a path or a name in ``confs/``.
        smoke: whether to train the small size that shows in about a minute that everything works.
        device: where to compute.
        devices: number of devices of this machine, each with a process.
    """

    config: str
    smoke: bool = False
    device: str = "auto"
    devices: int = 1

    @cached_property
    def loaded(self) -> TrainableConfig:
        """The configuration, which is read once.

        Raises:
            ConfigError: it cannot be used, or trains nothing.
        """
        config = load_config(self.config, self.smoke)
        if not isinstance(config, TrainableConfig):
            trained = ", ".join(task for task, found in config_classes().items() if issubclass(found, TrainableConfig))
            raise ConfigError(f"{self.config}: task is {config.task}, expected one that trains: {trained}")
        return config


def run_training(request: TrainingRequest) -> bool:
    """Train the model of a configuration file; finished stages of an earlier call are kept.

    Returns:
        True when all is done, False when interrupted.

    Raises:
        PatinaError: the configuration cannot be used, or its training lacks something.
    """
    config = request.loaded
    if request.smoke:
        ensure_smoke_pictures(base_folder(find_config(request.config)) / SMOKE_PICTURES)
    if request.devices == 1:
        return train_config(config, request.device)
    from patina.training.launching import run_on_devices  # takes a while to import

    return run_on_devices(partial(train_config, device=request.device), config, request.devices, request.device)


def require_trainable(request: TrainingRequest) -> str:
    """Make sure that a training lacks nothing, without downloading anything; say what it has.

    The pictures of ``--smoke`` are made later and may be missing.

    Raises:
        PatinaError: something is missing or does not fit.
    """
    with _named_as_given(request.loaded):
        return as_given(_require_trainable(request.loaded, request))


def _require_trainable(config: TrainableConfig, request: TrainingRequest) -> str:
    if isinstance(config, LearnedConfig) and config.data.clean_recipe is not None:
        chosen_recipe(config.data.clean_recipe)
    require_watchers(config.watch)
    with no_downloads():
        later = "; ".join(config.require(request.device, pictures=not request.smoke)) or "nothing is missing"
    if request.smoke:
        return f"{later}; images for --smoke are made when it begins"
    return f"{config.training_images()}, all fit; {later}"


def train_config(config: TrainableConfig, device: str = "auto") -> bool:
    """Train all stages of `config`; each continues from where an earlier run stopped.

    In a process that torchrun started, the processes train together. Of a folder of runs at an address, the copy is
    sent whenever a state was saved.

    Returns:
        True when all is done, False when interrupted.

    Raises:
        PatinaError: as in `run_training`, or not everything could be sent.
    """
    with _named_as_given(config):
        return _train_all(config, device)


def _named_as_given(config: TrainableConfig) -> AbstractContextManager[None]:
    """Let messages name the addresses of a configuration, if it has any."""
    return named_as_given() if has_addresses(config) else nullcontext()


def _train_all(config: TrainableConfig, device: str) -> bool:
    """Train all stages; arguments and result as in `train_config`."""
    require_watchers(config.watch)
    fabric = make_fabric("32", device)
    require_same(fabric, dump_config(config), "configuration")
    if fabric.global_rank:
        silence_progress()
    with in_turn(fabric):
        made = with_degraded_clean(config, device) if isinstance(config, LearnedConfig) else config
    stages = made.training_stages()
    if len(stages) > 1:  # for a single one, making its task finds the same
        later = config.require(device)
        for line in later if fabric.global_rank == 0 else ():
            warn(f"warning: {line}")
    mirror = RunMirror(config.run_folder()) if fabric.global_rank == 0 else NO_MIRROR
    with mirror.sent_at_the_end():
        return all(_train_stage(config, stage, device, mirror) for stage in stages)


def say_changed_settings(config: TrainableConfig) -> None:
    """Print the settings that have changed since a configuration was trained."""
    for stage in config.training_stages():
        _say_changed_settings(RunFolder(stage.folder, _run_name(config, stage)), dump_config(config))


def _train_stage(config: TrainableConfig, stage: TrainingStage, device: str, mirror: RunMirror) -> bool:
    fabric = make_fabric(stage.precision, device)
    is_lead = fabric.global_rank == 0
    with in_turn(fabric):
        if stage.start is not None and not stage.start.exists():  # on another machine than that of rank 0
            RunMirror(config.run_folder()).fetch()
        task = stage.make_task(device)
    plan = replace(stage.make_plan(task), watch=config.watch)
    text, models = dump_config(config), {str(stage.start): file_digest(stage.start)} if stage.start else {}
    made_by = MadeBy("train", models=models, notes={"config": digest_of(text.encode())})
    began = False
    name = _run_name(config, stage)
    opened = RunFolder.open(stage.folder, name, mirror) if is_lead else nullcontext(RunFolder(stage.folder, name))
    with opened as folder:
        if is_lead:
            _require_same_start(folder, made_by)
            _say_changed_settings(folder, text)

        def begin() -> None:
            nonlocal began
            began = True
            _tell_how(name, plan.steps, stage.precision, fabric.device, config.training_images())
            _warn_of_colours(task)
            folder.begin(text, made_by)

        finished = train(task, plan, folder, fabric, begin)
    if finished and is_lead:
        done = "done" if began else "was done before"
        tell(f"{folder.name}: {done}, model in {folder.model_path(FINAL)}.safetensors")
    return finished


def _tell_how(name: str, steps: int, precision: str, device: torch.device, images: str) -> None:
    """Say what a training has before it, where and in which precision; warn if that is slow there.

    The expected time follows when some steps are measured, see `Pace`.
    """
    chosen = chosen_precision(precision, device)
    where = device.type if device.type != "cuda" else torch.cuda.get_device_name(device)
    how = f"{steps} steps on {where} in {'float32' if chosen == '32' else chosen}"
    tell(f"{name}: {how}, {images}")
    if chosen != "32" and not has_fast_bf16(device):
        warn(
            f"warning: {name}: this device has no bf16 instructions, without which precision {chosen} is many times "
            "slower than float32; set precision to auto or 32"
        )


def _warn_of_colours(task: object) -> None:
    """Warn if matching the sets' colours will move those of translated images."""
    statistics = getattr(task, "statistics", None)
    if isinstance(statistics, ImageStatistics):
        warning = colour_shift_warning(statistics.shift, "translated images", is_matched=True)
        if warning is not None:
            warn(f"warning: {warning}")


def _run_name(config: TrainableConfig, stage: TrainingStage) -> str:
    return stage.folder.relative_to(config.runs).as_posix().replace("/", "-")


def _require_same_start(folder: RunFolder, made_by: MadeBy) -> None:
    """Make sure that a run which has trained already began with the same model.

    Raises:
        PatinaError: it began with another one.
    """
    header = folder.header
    if folder.states() and header and (difference := made_by.difference(header.made_by)):
        raise PatinaError(
            f"{folder.name}: was {difference}; put that model back, or remove {folder.path} to train it again"
        )


def _say_changed_settings(folder: RunFolder, text: str) -> None:
    if not (folder.states() and folder.config.is_file()):
        return
    if changed := changed_settings(read_yaml(folder.config), parsed_yaml(text, folder.config)):
        warn(
            f"{folder.name}: the run began with other values of {', '.join(changed)}; to train it again, "
            f"give it another name or remove {folder.path}"
        )
