"""What computes a network's tiles on a processor: torch, or onnxruntime or OpenVINO from a graph of the network.

A graph is used only if its results agree with torch's on trial images. The choice depends on the model, the settings
and the machine alone, never on time that was measured or on the user's images.
"""

import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from patina.degradations.trial import LOWEST_PSNR, SIDE, decibels, trial_picture
from patina.errors import PatinaError
from patina.hints import install
from patina.models.generator_files import LoadedGenerator, load_generator
from patina.models.network_export import INPUT, ExportedNetwork, require_finite
from patina.models.traced_graph import traced_onnx
from patina.system.quick_imports import imported_openvino
from patina.system.telling import tell

SAME_PSNR = 50.0
"""Lowest acceptable PSNR in dB of a graph's float32 results to torch's; in bf16, `LOWEST_PSNR` as for torch's own."""

PACKAGES = {"onnxruntime": ("onnxruntime", "onnx"), "openvino": ("openvino", "onnx")}
"""The packages that a backend needs, by its name."""

EXTRAS = {"onnxruntime": "export", "openvino": "openvino"}
"""The extra that brings them."""

FASTER_IN_OPENVINO: Mapping[str, tuple[bool, ...]] = {
    "ESRGAN": (False, True),
    "SPAN": (False, True),
    "Compact": (False, True),
    "PLKSR": (True,),
}
"""spandrel's ids of architectures measured to be faster in OpenVINO than in torch: in float32 (False), bf16 (True)."""

RunTile = Callable[[Tensor], Tensor]
"""Maps float32 ``[1, 3, h, w]`` in [0, 1] to ``[1, 3, scale h, scale w]``, unclamped."""


@dataclass(frozen=True)
class Backend:
    """What computes tiles.

    Attributes:
        name: "torch", "onnxruntime" or "openvino".
        run: computes a tile; None for torch.
    """

    name: str = "torch"
    run: RunTile | None = None


TORCH = Backend()


def chosen_backend(path: Path, network: LoadedGenerator, wanted: str, half: bool) -> Backend:
    """Open what computes a network's tiles.

    Args:
        path: the model file.
        network: the model on its device.
        wanted: one of `BACKENDS`. "auto" is OpenVINO on processors, if it is installed and `FASTER_IN_OPENVINO` has the
            network, else torch; if the graph cannot be used, a line says why.
        half: whether to compute in bf16.

    Raises:
        PatinaError: a backend that was asked for by name cannot be used.
    """
    if wanted == "torch":
        return TORCH
    on_processor = network.device.type == "cpu"
    if wanted == "auto":
        if (
            not on_processor
            or has_compiled()
            or half not in FASTER_IN_OPENVINO.get(network.architecture.id, ())
            or missing_package("openvino")
        ):
            return TORCH
        try:
            return _opened(path, network, "openvino", half)
        except PatinaError as error:
            tell(f"{error}; torch is used instead")
            return TORCH
    if not on_processor:
        raise PatinaError(f"-backend {wanted} computes on the processor; add -device cpu, or choose -backend torch")
    if has_compiled():
        raise PatinaError(f"-backend {wanted} cannot follow torch.compile in the same process; use another process")
    if half and wanted == "onnxruntime":
        raise PatinaError("-backend onnxruntime computes in float32; add -precision 32, or choose another backend")
    if missing := missing_package(wanted):
        raise PatinaError(f"-backend {wanted} needs {missing}, which is not installed: {install(EXTRAS[wanted])}")
    return _opened(path, network, wanted, half)


def has_compiled() -> bool:
    """Whether this process has used torch.compile: tracing a network after that may end it (SIGSEGV, torch 2.13)."""
    dynamo = sys.modules.get("torch._dynamo")
    return dynamo is not None and dynamo.utils.counters["stats"]["unique_graphs"] > 0


def missing_package(name: str) -> str:
    """Return the first package that a backend needs and that is not installed; "" for none."""
    return next((package for package in PACKAGES[name] if find_spec(package) is None), "")


def _opened(path: Path, network: LoadedGenerator, name: str, half: bool) -> Backend:
    """Make a graph of a model file, open it, and compare its results with torch's.

    Raises:
        PatinaError: the graph cannot be made or opened, or gives other results.
    """
    needs = network.size_requirements
    unit = max(needs.multiple_of, -(-max(needs.minimum, 8) // 8))
    try:
        another = load_generator(path)  # making a graph changes a network
        require_finite(another.model, False, path)
        run = OPEN[name](traced_onnx(ExportedNetwork(another, clamped=False), unit), half)
        agreement = min(_agreement(network, run, height, width) for height, width in _sizes(needs.multiple_of))
    except PatinaError as error:
        raise PatinaError(f"{name} cannot compute {path}: {str(error).removeprefix(f'{path}: ')}") from error
    except Exception as error:  # both packages have exceptions of their own
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise PatinaError(f"{name} cannot compute {path}: {reason}") from error
    lowest = LOWEST_PSNR if half else SAME_PSNR
    if not agreement >= lowest:  # not a number, too
        raise PatinaError(
            f"{name} cannot compute {path}: its results have a PSNR of {agreement:.1f} dB to torch's, "
            f"expected {lowest:g}"
        )
    return Backend(name, run)


def _sizes(multiple: int) -> tuple[tuple[int, int], ...]:
    """Return two sizes of trial images that a network takes as they are."""
    side = -(-SIDE // multiple) * multiple
    return (side, side), (side, side // multiple // 2 * multiple or side)


def _agreement(network: LoadedGenerator, run: RunTile, height: int, width: int) -> float:
    """Return the PSNR in dB of a graph's result to that of torch in float32, for a trial image."""
    picture = trial_picture()
    rows, columns = (torch.arange(length) % SIDE for length in (height, width))
    tile = picture[:, rows][:, :, columns][None]
    with torch.no_grad():
        expected = network(tile.clone())
    return decibels(expected, run(tile).clamp(0, 1))


def _by_onnxruntime(graph: bytes, half: bool) -> RunTile:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # a graph that fails is told by its exception
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others may need the cores
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(tile: Tensor) -> Tensor:
        return torch.from_numpy(np.array(session.run(None, {INPUT: tile.numpy()})[0], np.float32))

    return run


def _by_openvino(graph: bytes, half: bool) -> RunTile:
    core = imported_openvino().Core()
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",  # by itself, it takes what is fast
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # other processes have these cores, too
    }
    request = core.compile_model(core.read_model(io.BytesIO(graph)), "CPU", settings).create_infer_request()

    lock = Lock()

    def run(tile: Tensor) -> Tensor:
        # A request computes one tile at a time, and its result lies in memory that the next tile overwrites.
        with lock:
            return torch.from_numpy(np.array(request.infer([tile.contiguous().numpy()])[0], np.float32))

    return run


OPEN: Mapping[str, Callable[[bytes, bool], RunTile]] = {"onnxruntime": _by_onnxruntime, "openvino": _by_openvino}
"""Opens a graph, in bf16 or not, by the backend's name."""
