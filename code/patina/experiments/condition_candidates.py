"""Candidates for DeFlow's map h: a built-in list, or those of a file."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from patina.conditions.steps import HStep, scale_of
from patina.errors import ConfigError
from patina.settings_problems import describe_problems
from patina.specs.deflow_spec import PUBLISHED_NOISE, DeFlowConfig
from patina.system.yaml_files import read_yaml

PUBLISHED = "published"


def candidate_steps(config: DeFlowConfig, file: Path | None) -> dict[str, tuple[HStep, ...]]:
    """Return the steps of every candidate by name: those of a file, or the built-in list, and the configuration's own.

    Args:
        config: configuration of the DeFlow.
        file: YAML, a list of steps for every name; None for the built-in list.

    Raises:
        ConfigError: the file holds something else, or a map of another scale.
    """
    plain = _built_in(config.model.scale) if file is None else read_yaml(file)
    if not isinstance(plain, dict) or not all(isinstance(steps, list) for steps in plain.values()):
        raise ConfigError(f"{file}: expected a list of steps for every name")
    maps = {str(name): _parsed(name, steps, config.model.scale, file) for name, steps in plain.items()}
    if config.condition_steps not in maps.values():
        maps["configured"] = config.condition_steps
    return maps


def _built_in(scale: int) -> dict[str, list[dict[str, Any]]]:
    """Return one candidate for each kind of step, before or in place of the published downscaling and noise."""
    down, noise = {"downscale": {"factor": scale}}, {"add_gaussian": {"sigma": PUBLISHED_NOISE}}
    return {
        PUBLISHED: [down, noise],
        "area": [{"downscale": {"factor": scale, "filter": "area"}}, noise],
        "max": [{"downscale": {"factor": scale, "filter": "max"}}, noise],
        "half the noise": [down, {"add_gaussian": {"sigma": PUBLISHED_NOISE / 2}}],
        "a quarter of the noise": [down, {"add_gaussian": {"sigma": PUBLISHED_NOISE / 4}}],
        "no noise": [down],
        "twice the noise": [down, {"add_gaussian": {"sigma": 2 * PUBLISHED_NOISE}}],
        "multiplied noise": [down, {"multiply_noise": {"sigma": 0.1}}],
        "noise first": [{"add_gaussian": {"sigma": 0.1}}, down],
        "smooth": [{"smooth": {"sigma": 1.5}}, down, noise],
        "median": [{"median": {"size": 5}}, down, noise],
        "bilateral": [{"bilateral": {"sigma_space": 2.0, "sigma_colour": 30.0}}, down, noise],
        "non-local means": [{"non_local_means": {"strength": 8.0}}, down, noise],
        "autoencoder": [{"autoencoder": {}}, down, noise],
    }


def _parsed(name: str, plain: list[Any], scale: int, file: Path | None) -> tuple[HStep, ...]:
    try:
        steps = TypeAdapter(tuple[HStep, ...]).validate_python(plain)
    except ValidationError as error:
        raise ConfigError(f"{file}: {name}: {describe_problems(error, HStep)}") from error
    if scale_of(steps) != scale:
        raise ConfigError(f"{file}: {name} downscales by {scale_of(steps)}, expected model.scale, {scale}")
    return steps
