"""OpenVINO, imported without the package that tells its makers of every import."""

import sys
from types import ModuleType
from typing import Any

_TELLING = "openvino_telemetry"


def imported_openvino() -> Any:
    """Return the module `openvino`; it sends nothing and writes nothing into the user's home.

    `openvino` looks for `openvino_telemetry` when it is imported, and does without where that is missing.

    Raises:
        ImportError: it is not installed.
    """
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # None: cannot be imported
    if _TELLING in modules:  # the user's program has chosen
        import openvino

        return openvino
    modules[_TELLING] = None
    try:
        import openvino
    finally:
        del modules[_TELLING]
    return openvino
