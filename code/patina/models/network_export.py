"""Networks as graphs that other programs run: ONNX, and programs of torch.export."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from patina.errors import PatinaError
from patina.models.generator_files import LoadedGenerator
from patina.system.typed_values import shortened

OPSET = 18
"""Version of ONNX's operators, which is the exporter's own."""

INPUT, OUTPUT = "input", "output"
"""Names of a graph's input and output."""

_TRACED = (61, 47)
"""Size of the image that a network is traced with: no multiple of anything, so that paths that pad are taken. They
hold for multiples, too, as they pad by 0 then."""


class ExportedGraph(nn.Module):
    """What is written: a module that maps an image, and further inputs of its height and width, to an image.

    Attributes:
        inputs: names of the inputs.
        network: the network in it, which messages name.
    """

    inputs: tuple[str, ...] = (INPUT,)
    network: nn.Module

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        """Return inputs of some size."""
        return (torch.rand(1, 3, height, width),)


class ExportedNetwork(ExportedGraph):
    """A network with all that an image needs: padding to the multiples that the network needs, and the clamp.

    Maps float32 images ``[1, 3, H, W]``, RGB in [0, 1], to ``[1, 3, scale·H, scale·W]`` in [0, 1].

    Args:
        opened: the network; changed in place.
        half: whether it computes in float16.
        clamped: whether results are clamped; False lets infinity be seen.
        padded: whether images are padded; without it, their sides must be multiples.

    Raises:
        PatinaError: it works for squares only.
    """

    def __init__(self, opened: LoadedGenerator, half: bool = False, clamped: bool = True, padded: bool = True):
        super().__init__()
        if opened.size_requirements.square:
            raise PatinaError(f"a {opened.architecture.name} accepts squares only, expected a network for any size")
        self.network = opened.model.eval().requires_grad_(False)
        self._call = opened._call_fn
        self.scale = opened.scale
        self.multiple = opened.size_requirements.multiple_of
        self.dtype = torch.float16 if half else torch.float32
        self.clamped, self.padded = clamped, padded
        _merge_branches(self.network)
        self.network.to(self.dtype)

    def forward(self, image: Tensor) -> Tensor:
        """Upscale or restore an image."""
        height, width = image.shape[-2:]
        if self.multiple > 1 and self.padded:
            more = (-height % self.multiple, -width % self.multiple)
            image = functional.pad(image, (0, more[1], 0, more[0]), mode="reflect")
        result = self._call(self.network, image.to(self.dtype, copy=True)).float()
        if self.padded:
            result = result[..., : height * self.scale, : width * self.scale]
        return result.clamp(0, 1) if self.clamped else result


def require_finite(network: nn.Module, half: bool, where: Path) -> None:
    """Make sure that all weights are numbers, in the precision of the export.

    Raises:
        PatinaError: names the first weight that is not.
    """
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            continue
        if not torch.isfinite(value).all():
            raise PatinaError(f"{where}: {name} is not finite, expected numbers; train again, or take an earlier model")
        if half and not torch.isfinite(value.half()).all():
            raise PatinaError(f"{where}: {name} has values beyond float16's range; export without --fp16")


def write_onnx(network: ExportedGraph, path: Path, about: dict[str, str]) -> None:
    """Write a network as ONNX, one file, with open height and width.

    Args:
        network: the network.
        path: the file.
        about: metadata.

    Raises:
        PatinaError: it cannot be expressed in ONNX.
    """
    program = _traced(network)
    with _quiet():
        try:
            made: Any = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(network.inputs),
                output_names=[OUTPUT],
                verbose=False,
            )
            made.model.producer_name = "patina"
            made.model.metadata_props.update(about)
            made.save(path, external_data=False)
        except Exception as error:  # a network of any kind can fail in any way
            raise refused(network, "ONNX", error) from error


def write_program(network: ExportedGraph, path: Path, about: dict[str, str]) -> None:
    """Write a network as a program of torch.export, with open height and width; arguments as in `write_onnx`.

    Raises:
        PatinaError: it cannot be traced.
    """
    torch.export.save(_traced(network), path, extra_files=about)


def opened_program(path: Path) -> nn.Module:
    """Return a written program as a module.

    Its guards are left out: those of a network that pads by itself refuse sizes that need no padding.
    """
    return torch.export.load(path).module(check_guards=False)


def _traced(network: ExportedGraph) -> torch.export.ExportedProgram:
    sides = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with _quiet():
        try:
            examples = network.examples(*_TRACED)
            shapes = (sides,) * len(examples)
            return torch.export.export(network, examples, dynamic_shapes=shapes, strict=False)
        except Exception as error:  # as above
            raise refused(network, "a graph of any size", error) from error


def refused(network: ExportedGraph, form: str, error: Exception) -> PatinaError:
    """Return the error that says why a network cannot be exported."""
    causes = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in reversed(causes) if line.startswith("<class")), causes[0] if causes else "")
    kind = type(network.network).__name__
    return PatinaError(f"a {kind} cannot be exported as {form}: {shortened(told or type(error).__name__)}")


def _merge_branches(network: nn.Module) -> None:
    """Let modules that merge their branches in every call of evaluation do that once, because no graph can hold it."""
    for module in network.modules():
        merge = getattr(module, "update_params", None)
        if callable(merge):
            merge()
            module.update_params = _nothing  # type: ignore[assignment]


def _nothing() -> None:
    """Do nothing."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporters' warnings about themselves."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
