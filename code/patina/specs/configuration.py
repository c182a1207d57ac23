"""Reading and writing configurations, one typed YAML file per experiment."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from patina.errors import ConfigError
from patina.runs.run_mirror import RunMirror
from patina.settings import find_file, require_block
from patina.settings_problems import describe_problems
from patina.shipped import base_folder
from patina.specs.experiment import TrainableConfig
from patina.specs.foreign_keys import is_foreign, names_here
from patina.specs.subjects import SUBJECTS, config_class
from patina.system.place_paths import remote_of
from patina.system.places import WorkingPlace, working_folder
from patina.system.remote_files import split_address
from patina.system.typed_values import shortened
from patina.system.yaml_files import read_yaml, yaml_text

SMOKE = "smoke"
"""The section that shrinks a configuration so that it runs in about a minute."""


def find_config(given: str | Path) -> Path:
    """Find the configuration file given by `-opt`, a path or a name in ``confs/``.

    Raises:
        ConfigError: no such file; the message lists the places searched.
    """
    return find_file(given, ["confs"], "configuration")


def load_config(given: str | Path, smoke: bool = False) -> Any:
    """Read a configuration and resolve its paths.

    Relative paths start from the folder that holds ``confs/``, or from the file's own folder if it lies elsewhere.

    Args:
        given: a path, or a name in ``confs/``.
        smoke: apply the file's `smoke` section.

    Returns:
        The typed configuration of the file's task, see `SUBJECTS`.

    Raises:
        ConfigError: invalid configuration; the message is one line with file, key and expected value.
        PatinaError: an address in it cannot be used.
    """
    path = find_config(given)
    config = parse_config(read_yaml(path), path, smoke)
    return resolve_paths(_with_working_runs(config, path), base_folder(path))


def _with_working_runs(config: Any, path: Path) -> Any:
    """Return a configuration whose folder of runs is no address, but a working folder with this run as it is there."""
    for key in ("runs", "out"):
        address = str(getattr(config, key, ""))
        if split_address(address) is None:
            continue
        place = WorkingPlace.of(address)
        if not isinstance(config, TrainableConfig):
            raise ConfigError(f"{path}: {key} is {place.remote}; only trainings write to addresses, name a folder")
        config = config.model_copy(update={key: place.local})
        RunMirror(config.run_folder()).fetch()
    return config


def parse_config(values: Any, source: str | Path, smoke: bool = False) -> Any:
    """Turn plain values into a typed configuration; errors name `source` (see `load_config`).

    The `smoke` section is always validated, and applied if `smoke` is set.
    """
    values = require_block(values, source)
    whole = _validated({key: value for key, value in values.items() if key != SMOKE}, source)
    if SMOKE not in values:
        if smoke:
            raise ConfigError(f"{source}: --smoke needs a section {SMOKE}; add one, or run with fewer steps")
        return whole
    small = _validated(smoke_size(values), f"{source}, {SMOKE}")
    return small if smoke else whole


def smoke_size(values: dict[str, Any]) -> dict[str, Any]:
    """Merge the `smoke` section into the rest; the run gets a name of its own, so it does not touch the full run."""
    rest = {key: value for key, value in values.items() if key != SMOKE}
    small = _merged(rest, values[SMOKE])
    return small | {"name": f"{small.get('name')}-{SMOKE}"} if isinstance(small, dict) else rest


def _merged(base: Any, override: Any) -> Any:
    """Merge key by key; a block that overrides a list changes every item of it, any other value replaces the base."""
    if not isinstance(override, dict):
        return override
    if isinstance(base, list):
        return [_merged(item, override) for item in base]
    if not isinstance(base, dict):
        return override
    return base | {key: _merged(base.get(key), value) for key, value in override.items()}


def _validated(values: dict[str, Any], source: str | Path) -> Any:
    task = values.get("task")
    if not isinstance(task, str) or task not in SUBJECTS:
        if "task" not in values and is_foreign(values):
            raise ConfigError(
                f"{source}: these are options of another trainer; `patina convert {source}` converts them"
            )
        found = f"task is {shortened(repr(task))}" if "task" in values else "task is missing"
        raise ConfigError(f"{source}: {found}, expected one of {', '.join(SUBJECTS)}")
    config = config_class(task)
    try:
        return config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{source}: {describe_problems(error, config, names_here(config))}") from error


def dump_config(config: BaseModel) -> str:
    """Return `config` as YAML, see `config_values`."""
    return yaml_text(config_values(config))


def config_values(config: BaseModel) -> dict[str, Any]:
    """Return `config` as plain values, including all defaults, with addresses in the place of their working folders."""
    values: dict[str, Any] = with_addresses(config.model_dump(mode="json"))
    return values


def has_addresses(config: BaseModel) -> bool:
    """Whether a path of a configuration leads into a working folder."""
    return config_values(config) != config.model_dump(mode="json")


def with_addresses(value: Any) -> Any:
    """Return plain values with addresses in the place of working folders."""
    if isinstance(value, dict):
        return {key: with_addresses(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_addresses(item) for item in value]
    remote = remote_of(Path(value)) if isinstance(value, str) else None
    return value if remote is None else str(remote)


def changed_settings(before: Any, after: Any, place: str = "") -> list[str]:
    """Return the keys that both configurations have with different values, e.g. ``training.steps``."""
    if isinstance(before, dict) and isinstance(after, dict):
        inside = [changed_settings(before[key], after[key], f"{place}.{key}") for key in after if key in before]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        inside = [changed_settings(*pair, f"{place}.{number}") for number, pair in pairs]
    else:
        return [] if before == after else [place.removeprefix(".")]
    return [key for found in inside for key in found]


def resolve_paths(value: Any, base: Path) -> Any:
    """Return a configuration whose relative paths start from `base`, with working folders in the place of addresses."""
    if isinstance(value, Path):
        address = str(value)
        return base / value.expanduser() if split_address(address) is None else working_folder(address)
    if isinstance(value, tuple):
        return tuple(resolve_paths(item, base) for item in value)
    if isinstance(value, dict):
        return {key: resolve_paths(item, base) for key, item in value.items()}
    if isinstance(value, BaseModel):
        return value.model_copy(update={key: resolve_paths(item, base) for key, item in value})
    return value
