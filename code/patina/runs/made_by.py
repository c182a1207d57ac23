"""What decides the results in a folder, and how two commands differ in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LONGEST_VALUE = 60


@dataclass(frozen=True)
class MadeBy:
    """A command with everything that decides its results; paths of models and notes do not.

    Attributes:
        command: the command of Patina, e.g. ``"degrade"``.
        settings: plain values by name.
        models: digests of model files, or of kernel files, by path.
        notes: information for readers, e.g. the name of the recipe.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read when a journal is checked

    command: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def difference(self, earlier: "MadeBy") -> str:
        """Describe how an earlier command differed, e.g. ``"made with seed 0, now 1"``; empty if it did not."""
        if earlier.command != self.command:
            return f"made by `patina {earlier.command}`, now `patina {self.command}`"
        before, now = earlier.settings, plain(self.settings)
        parts = [
            f"{name} {_shown(before.get(name))}, now {_shown(now.get(name))}"
            for name in dict.fromkeys([*before, *now])
            if before.get(name) != now.get(name)
        ]
        if list(earlier.models.values()) != list(self.models.values()):
            parts.append(f"model {_shown_models(earlier.models)}, now {_shown_models(self.models)}")
        return f"made with {'; '.join(parts)}" if parts else ""


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as JSON keeps them, e.g. with lists in place of tuples."""
    return json.loads(json.dumps(dict(values)))


def _shown(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _shown_models(models: Mapping[str, str]) -> str:
    return ", ".join(f"{Path(path).name} ({digest})" for path, digest in models.items()) or "none"
