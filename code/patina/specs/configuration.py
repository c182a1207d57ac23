"""Reading and writing configurations: typed and strict, one YAML file an experiment."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from patina.errors import ConfigError
from patina.settings import describe_problems, find_file, read_yaml, require_block
from patina.specs.subjects import SUBJECTS, config_class

SMOKE = "smoke"
"""The section that makes a configuration small enough to be tried in about a minute."""


def find_config(given: str | Path) -> Path:
    """Return the file meant by `-opt`: as given, or by its name in ``confs/``.

    Raises:
        ConfigError: there is none; the message says where it was looked for.
    """
    return find_file(given, ["confs"], "configuration")


def load_config(given: str | Path, smoke: bool = False) -> Any:
    """Read a configuration and resolve its paths against the project's folder.

    A relative path in a configuration starts at the folder that holds ``confs/``, or at the file's own
    folder when it lies elsewhere.

    Args:
        given: a path, or a name in ``confs/``.
        smoke: take the small size that the file's `smoke` section makes of it.

    Returns:
        The typed configuration of the file's task, see `SUBJECTS`.

    Raises:
        ConfigError: one line with file, key and what was expected.
    """
    path = find_config(given)
    return resolve_paths(parse_config(read_yaml(path), path, smoke), base_folder(path))


def parse_config(values: Any, source: str | Path, smoke: bool = False) -> Any:
    """Turn plain values into a typed configuration; `source` is named in errors (see `load_config`).

    The `smoke` section is laid over the rest and checked whether or not it is asked for.
    """
    values = require_block(values, source)
    whole = _validated({key: value for key, value in values.items() if key != SMOKE}, source)
    if SMOKE not in values:
        if smoke:
            raise ConfigError(
                f"{source}: has no section {SMOKE}, which would say what --smoke changes; add one, or set fewer steps"
            )
        return whole
    small = _validated(smoke_size(values), f"{source}, {SMOKE}")
    return small if smoke else whole


def smoke_size(values: dict[str, Any]) -> dict[str, Any]:
    """Lay the `smoke` section over the rest; the run is named apart, so it touches nothing of the whole one's."""
    rest = {key: value for key, value in values.items() if key != SMOKE}
    small = _laid_over(rest, values[SMOKE])
    return small | {"name": f"{small.get('name')}-{SMOKE}"} if isinstance(small, dict) else rest


def _laid_over(below: Any, above: Any) -> Any:
    """Merge key by key; a block over a list changes every item of it, and anything else replaces what lies below."""
    if not isinstance(above, dict):
        return above
    if isinstance(below, list):
        return [_laid_over(item, above) for item in below]
    if not isinstance(below, dict):
        return above
    return below | {key: _laid_over(below.get(key), value) for key, value in above.items()}


def _validated(values: dict[str, Any], source: str | Path) -> Any:
    task = values.get("task")
    if task not in SUBJECTS:
        found = f"task is {task!r}" if "task" in values else "task is missing"
        raise ConfigError(f"{source}: {found}, expected one of {', '.join(SUBJECTS)}")
    config = config_class(task)
    try:
        return config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{source}: {describe_problems(error, config)}") from error


def dump_config(config: BaseModel) -> str:
    """Return `config` as YAML, every default spelt out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def changed_settings(before: Any, after: Any, place: str = "") -> list[str]:
    """Return the places of plain values that are in both configurations and differ, e.g. ``training.steps``."""
    if isinstance(before, dict) and isinstance(after, dict):
        inside = [changed_settings(before[key], after[key], f"{place}.{key}") for key in after if key in before]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        inside = [changed_settings(*pair, f"{place}.{number}") for number, pair in pairs]
    else:
        return [] if before == after else [place.removeprefix(".")]
    return [each for found in inside for each in found]


def base_folder(path: Path) -> Path:
    """Return the folder that relative paths in the configuration `path` start from."""
    return path.parent.parent if path.parent.name == "confs" else path.parent


def resolve_paths(value: Any, base: Path) -> Any:
    """Return a configuration whose relative paths start from `base`."""
    if isinstance(value, Path):
        return base / value.expanduser()
    if isinstance(value, tuple):
        return tuple(resolve_paths(item, base) for item in value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={key: resolve_paths(item, base) for key, item in value})
    return value
