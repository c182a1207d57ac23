"""The forms that `patina export` writes: ONNX, programs of torch.export, and ncnn's files; how each is run again."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from patina.errors import PatinaError
from patina.hints import install
from patina.models.ncnn_files import run_ncnn, write_ncnn
from patina.models.network_export import OPSET, ExportedGraph, opened_program, write_onnx, write_program

Run = Callable[..., np.ndarray]
"""Applies a written network to its inputs: an image ``[1, 3, H, W]``, and noise for some."""


@dataclass(frozen=True)
class ToWrite:
    """What a form writes.

    Attributes:
        graph: the network.
        files: the files, the one that the user named first.
        about: metadata.
        half: whether it computes in float16, or for ncnn, stores its weights in it.
        multiple: of which the sides of images must be multiples; 1 where the graph pads.
    """

    graph: ExportedGraph
    files: Sequence[Path]
    about: Mapping[str, str]
    half: bool
    multiple: int


@dataclass(frozen=True)
class GraphForm:
    """One of the forms.

    Attributes:
        name: in words.
        write: writes the files.
        opened: returns how to run what was written, and by what.
        packages: that it needs, and that an extra brings.
        extra: which one.
        pads: whether a graph pads images, and has inputs beside them.
        companion: suffix of a second file; empty for none.
        opset: version of ONNX's operators; None for other forms.
    """

    name: str
    write: Callable[[ToWrite], None]
    opened: Callable[[ToWrite], tuple[Run, str]]
    packages: tuple[str, ...] = ()
    extra: str = ""
    pads: bool = True
    companion: str = ""
    opset: int | None = None

    def files(self, out: Path) -> list[Path]:
        """Return all files, `out` first."""
        return [out, *([out.with_suffix(self.companion)] if self.companion else [])]

    def require_packages(self) -> None:
        """Make sure that the packages are installed.

        Raises:
            PatinaError: one is missing.
        """
        for package in self.packages:
            try:
                importlib.import_module(package)
            except ImportError as error:
                raise PatinaError(
                    f"{self.name.split(',')[0]} needs {package}, which is not installed: {install(self.extra)}; "
                    "or write .pt2"
                ) from error


def _onnx_run(written: ToWrite) -> tuple[Run, str]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # a graph that fails is told by its exception
    try:
        content = written.files[0].read_bytes()
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has exceptions of its own
        raise PatinaError(f"onnxruntime refuses the graph: {str(error).splitlines()[0][:200]}") from error

    def run(*inputs: Tensor) -> np.ndarray:
        given = {name: value.numpy() for name, value in zip(written.graph.inputs, inputs, strict=True)}
        try:
            return np.asarray(session.run(None, given)[0])
        except Exception as error:
            raise PatinaError(f"onnxruntime fails: {str(error).splitlines()[0][:200]}") from error

    return run, f"onnxruntime {onnxruntime.__version__}"


def _program_run(written: ToWrite) -> tuple[Run, str]:
    program = opened_program(written.files[0])
    return lambda *inputs: program(*inputs).detach().numpy(), f"torch {torch.__version__}"


def _write_ncnn(made: ToWrite) -> None:
    param, weights = made.files
    write_ncnn(made.graph, param, weights, made.half, made.multiple)


def _ncnn_run(written: ToWrite) -> tuple[Run, str]:
    param, weights = written.files
    return lambda image: run_ncnn(param, weights, image), f"ncnn {metadata.version('ncnn')}"


FORMS = {
    ".onnx": GraphForm(
        f"ONNX, opset {OPSET}",
        lambda made: write_onnx(made.graph, made.files[0], dict(made.about)),
        _onnx_run, ("onnx", "onnxscript", "onnxruntime"), "export", opset=OPSET,
    ),
    ".pt2": GraphForm(
        "torch.export", lambda made: write_program(made.graph, made.files[0], dict(made.about)), _program_run
    ),
    ".param": GraphForm(
        "ncnn",
        _write_ncnn,
        _ncnn_run, ("pnnx", "ncnn"), "ncnn", pads=False, companion=".bin",
    ),
}  # fmt: skip
"""All forms by the suffix of the file that the user names."""
