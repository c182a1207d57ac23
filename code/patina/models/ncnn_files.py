"""Networks as ncnn's two files: a text of layers, ``.param``, and their weights, ``.bin``.

ncnn (Tencent, BSD-3) runs networks on phones, and by Vulkan on the GPUs of any maker.
"""

import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from patina.errors import PatinaError
from patina.models.ncnn_names import INPUT, OUTPUT
from patina.models.ncnn_runner import REFUSED
from patina.models.network_export import ExportedGraph, refused

_TRACED = ((60, 48), (36, 76))
"""Sizes that the converter is told, from which it sees that height and width are open; rounded up to multiples."""

_LONGEST_RUN = 600.0
"""Seconds after which a conversion or a run is given up."""

_FOREIGN = re.compile(r"^(pnnx\.\S+|aten::\S+|prim::\S+|torch\.\S+|Tensor\.\S+|F\.\S+|nn\.\S+)", re.M)
"""Layers that the converter left as they are, as ncnn has none of the kind."""


def write_ncnn(network: ExportedGraph, param: Path, weights: Path, half: bool, multiple: int = 1) -> None:
    """Write a network for ncnn.

    Args:
        network: the network; changed in place.
        param: file of the layers.
        weights: file of the weights.
        half: whether weights are stored in float16.
        multiple: of which the sides of images must be multiples.

    Raises:
        PatinaError: it cannot be converted.
    """
    import pnnx

    sizes = [tuple(-(-side // multiple) * multiple for side in size) for size in _TRACED]
    _repeat_by_slices(network)
    with tempfile.TemporaryDirectory(prefix="patina-ncnn-") as name:
        folder = Path(name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the tracer's, about shapes
                torch.jit.trace(network, network.examples(*sizes[0])).save(str(folder / "net.pt"))
        except Exception as error:  # a network of any kind can fail in any way
            raise refused(network, "a traced graph", error) from error
        shapes = [
            f"inputshape{number}=[1,3,{height},{width}]f32"
            for number, (height, width) in zip(("", 2), sizes, strict=True)
        ]
        words = [pnnx.EXEC_PATH, "net.pt", *shapes, f"fp16={int(half)}"]
        done = subprocess.run(words, cwd=folder, capture_output=True, timeout=_LONGEST_RUN, check=False)
        made = folder / "net.ncnn.param", folder / "net.ncnn.bin"
        if done.returncode or not all(file.is_file() for file in made):
            raise refused(network, "ncnn", RuntimeError(f"pnnx ended with code {done.returncode}"))
        layers = made[0].read_text(encoding="utf-8")
        if found := _FOREIGN.search(layers):
            raise refused(network, "ncnn", RuntimeError(f"it has no layer for {found[1]}"))
        param.write_text(_renamed(layers), encoding="utf-8")
        weights.write_bytes(made[1].read_bytes())


def _repeat_by_slices(network: nn.Module) -> None:
    """Let networks that repeat their channels (RealPLKSR) do so by what ncnn has: slices, put together."""
    for module in network.modules():
        for name, value in vars(module).items():
            if isinstance(value, partial) and value.func is torch.repeat_interleave:
                setattr(module, name, partial(_sliced, **value.keywords))


def _sliced(values: Tensor, repeats: int, dim: int) -> Tensor:
    return torch.cat([part for part in values.split(1, dim) for _ in range(repeats)], dim)


def _renamed(layers: str) -> str:
    """Name the input and the output as programs do."""
    return re.sub(r"\bout0\b", OUTPUT, re.sub(r"\bin0\b", INPUT, layers))


def run_ncnn(param: Path, weights: Path, image: Tensor) -> np.ndarray:
    """Apply a written network to an image ``[1, 3, H, W]`` in float32; returns ``[1, 3, scale·H, scale·W]``.

    Raises:
        PatinaError: ncnn refuses the file, or fails.
    """
    with tempfile.TemporaryDirectory(prefix="patina-ncnn-") as name:
        given, result = Path(name, "image.npy"), Path(name, "result.npy")
        np.save(given, image[0].numpy())
        code = _in_own_process([str(param), str(weights), str(given), str(result)])
        if code == REFUSED:
            raise PatinaError("ncnn refuses the file that was written for it")
        if code or not result.is_file():
            raise PatinaError(f"ncnn fails on the file that was written for it (exit code {code})")
        return np.load(result)[None]


def _in_own_process(words: Sequence[str]) -> int:
    program = "from patina.models.ncnn_runner import main; main()"
    command = [sys.executable, "-c", program, *words]
    return subprocess.run(command, capture_output=True, timeout=_LONGEST_RUN, check=False).returncode
