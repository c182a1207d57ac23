"""Paths of files in a recipe's plain values, which must hold wherever the recipe is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patina.degradations.blocks import known_blocks


def with_absolute_files(values: Any, base: Path) -> Any:
    """Return a recipe's plain values with absolute paths in place of relative ones, in blocks at any depth.

    Args:
        values: as read from YAML; what is no valid block stays as it is.
        base: the folder that relative paths start from.
    """
    if isinstance(values, list):
        return [with_absolute_files(value, base) for value in values]
    if not isinstance(values, dict):
        return values
    fields = _file_fields()
    found = {key: with_absolute_files(value, base) for key, value in values.items()}
    for name, settings in found.items():
        if isinstance(settings, dict):
            found[name] = settings | {
                key: str((base / Path(settings[key]).expanduser()).resolve())
                for key in fields.get(name, ())
                if isinstance(settings.get(key), str)
            }
    return found


def _file_fields() -> Mapping[Any, tuple[str, ...]]:
    """Return the settings of every block that are paths."""
    return {
        name: tuple(key for key, field in block.model_fields.items() if field.annotation is Path)
        for name, block in known_blocks().items()
    }
