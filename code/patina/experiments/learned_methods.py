"""The learned degradations that an experiment compares: their models, trained first if need be, and their pictures."""

from collections.abc import Collection, Sequence
from pathlib import Path

from patina.degradations.base import Degradation
from patina.errors import PatinaError
from patina.experiments.choices import Method, Pictures
from patina.experiments.parallel_training import train_all
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.training_run import say_changed_settings
from patina.pipelines.translation import load_learned_config, translate_pictures
from patina.runs.made_by import MadeBy
from patina.runs.run_models import newest_model
from patina.specs.learned_spec import LearnedConfig
from patina.system.telling import tell


def require_free_names(methods: Sequence[Method], taken: Collection[str]) -> None:
    """Make sure that every row of an experiment has its own name.

    Args:
        methods: the learned degradations.
        taken: names of the other rows.

    Raises:
        PatinaError: a name is used twice.
    """
    names = [method.name for method in methods]
    for name in names:
        if name in taken or names.count(name) > 1:
            raise PatinaError(f"two methods are named {name!r}; rename one of them")


def trained_models(
    methods: Sequence[Method], pictures: Pictures, device: str, seeds: Sequence[int | None] = (None,)
) -> dict[tuple[str, int | None], Path]:
    """Return the model file of every method and seed; configurations are trained first, side by side.

    Args:
        methods: the learned degradations.
        pictures: what configurations are trained on.
        device: where.
        seeds: seeds of the trainings; None is a configuration's own.

    Raises:
        PatinaError: a model is missing, a configuration cannot be used, or a training was interrupted.
    """
    models: dict[tuple[str, int | None], Path] = {}
    configs: dict[Path, LearnedConfig] = {}
    for method in methods:
        for seed in seeds:
            path = Path(method.given if seed is None else method.given.replace("{seed}", str(seed)))
            if path.is_dir():
                path = newest_model(path)
            elif path.suffix != ".safetensors":
                config = seeded(load_learned_config(method.given), seed)
                path = config.final_model()
                configs[path] = config
            models[method.name, seed] = path
    _train(list(configs.values()), pictures, device)
    return models


def _train(configs: Sequence[LearnedConfig], pictures: Pictures, device: str) -> None:
    """Train configurations on the experiment's pictures; finished ones are kept, with a word on other settings."""
    clean, real = pictures.clean, pictures.real
    missing = [config for config in configs if not config.final_model().is_file()]
    for config in configs:
        if config not in missing:
            say_changed_settings(config.with_domains(clean, real, lambda images, folder, scales: None))
    if missing:
        tell(f"train {', '.join(config.name for config in missing)}")
        train_all([config.with_domains(clean, real, prepare) for config in missing], device)


def seeded(config: LearnedConfig, seed: int | None) -> LearnedConfig:
    """Return the configuration with another seed, which also becomes part of the run's name; None is its own."""
    if seed in (None, config.seed):
        return config
    return config.model_copy(update={"seed": seed, "name": f"{config.name}-seed{seed}"})


def degrade_folder(degradation: Degradation, model: str, source: Path, out: Path, seed: int = 0) -> Path:
    """Degrade every picture of `source` into `out`; return `out`.

    Args:
        degradation: what to do.
        model: the digest of its model file, or its name.
        source: a folder of pictures.
        out: a folder; pictures that are there already and were made in the same way are kept.
        seed: seed of the degradation.

    Raises:
        PatinaError: a picture cannot be degraded.
    """
    report = translate_pictures(degradation, MadeBy("translate", {"model": model}), source, out, seed=seed)
    report.require_complete()
    return out
