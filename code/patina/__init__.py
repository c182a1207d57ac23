"""Patina: learned degradations for super-resolution training.

The functions of `patina.api` are also here, imported on first use, so that ``import patina`` is fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

from patina.errors import PatinaError
from patina.version import __version__

if TYPE_CHECKING:
    from patina.api import evaluate, fit, load_degradation, load_recipe, load_upscaler, report, upscale

__all__ = [
    "PatinaError",
    "__version__",
    "evaluate",
    "fit",
    "load_degradation",
    "load_recipe",
    "load_upscaler",
    "report",
    "upscale",
]


def __getattr__(name: str) -> Any:
    """Import a function of the public API when it is first used (PEP 562)."""
    if name in __all__:
        return getattr(importlib.import_module("patina.api"), name)
    raise AttributeError(f"module 'patina' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
