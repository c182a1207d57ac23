"""Packages imported without others that they would load, or call, for nothing."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def hidden(name: str) -> Iterator[None]:
    """Let a package look as if it were not installed within the ``with`` block, unless it is imported already."""
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # None: cannot be imported
    if name in modules:
        yield
        return
    modules[name] = None
    try:
        yield
    finally:
        del modules[name]


def imported_openvino() -> Any:
    """Return the module `openvino`; it sends nothing to its makers and writes nothing into the user's home.

    When it is imported, `openvino` tells `openvino_telemetry`, and does without where that is missing.

    Raises:
        ImportError: it is not installed.
    """
    with hidden("openvino_telemetry"):
        return importlib.import_module("openvino")


def import_fabric() -> None:
    """Import Lightning Fabric, which would import torchmetrics with half of SciPy, only to ask for its version."""
    with hidden("torchmetrics"):
        importlib.import_module("lightning_fabric")
