"""Makes `import torchvision` work when torch is a CPU build and torchvision is built for CUDA.

Such a torchvision cannot load its compiled operators, and its import fails with ``operator torchvision::nms does not
exist``. Declaring the operators is enough: nothing in Patina calls them.
"""

import importlib
import sys

import torch

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_SYMPTOM = "operator torchvision::nms does not exist"
_declared: list[torch.library.Library] = []  # torch forgets a declaration when its Library is collected


def ensure() -> None:
    """Import torchvision; call this before importing torchvision, spandrel or lpips.

    Raises:
        ImportError: torchvision is not installed.
        RuntimeError: its import fails for a reason other than undeclared operators.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if _SYMPTOM not in str(error):
            raise
        _forget_torchvision()
        _declare_operators()
        importlib.import_module("torchvision")


def _forget_torchvision() -> None:
    """Remove the modules that the failed import left behind, so that the next import starts afresh."""
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(operator + _SIGNATURE)
    _declared.append(library)
