"""Export a restoration network or a LUD-VAE for other programs, and check that these compute the same."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from patina.degradations.knobs import Span
from patina.errors import PatinaError
from patina.pipelines.exported_graphs import open_exportable
from patina.pipelines.graph_forms import FORMS, ToWrite
from patina.seeding import torch_generator
from patina.system.atomic import atomic_path
from patina.version import __version__

CHECKED = ((37, 53), (64, 48))
"""Sizes of the images that are checked: one with odd sides, and one whose sides are multiples of 16."""

LARGEST_DIFFERENCE = 1e-3
"""Of float32's results, in [0, 1]."""

LOWEST_PSNR = 40.0
"""Of float16's results to float32's, in dB."""


@dataclass(frozen=True)
class ExportRequest:
    """A model file to export.

    Attributes:
        model: a restoration network or a LUD-VAE, see `open_exportable`.
        out: file to write; its suffix is one of `FORMS`.
        half: whether it computes in float16, or for ncnn, stores its weights in it; images stay float32.
        knobs: values of a LUD-VAE's knobs.
    """

    model: Path
    out: Path
    half: bool = False
    knobs: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """A written file, and how well it agrees with the network.

    Attributes:
        out: the file.
        architecture, scale: of the network.
        precision: "float32" or "float16".
        opset: version of ONNX's operators; None for other formats.
        multiple: the sides that the network needs.
        pads: whether images are padded to multiples inside.
        form: what kind of file it is.
        minimum: smallest side of an image.
        run_by: what ran the file.
        sizes: height and width of the checked images.
        largest_difference: of the results, in [0, 1].
        psnr: of the results to those of the network in float32, in dB; None if they are the same.
        noise: channels of the noise, a second input; 0 without.
        knobs: values that the file holds, of a LUD-VAE.
    """

    out: str
    architecture: str
    scale: int
    precision: str
    opset: int | None
    multiple: int
    pads: bool
    form: str
    minimum: int
    run_by: str
    sizes: tuple[tuple[int, int], ...]
    largest_difference: float
    psnr: float | None
    noise: int
    knobs: dict[str, float]

    def told(self) -> str:
        """Return it in words."""
        sides = f"of at least {self.minimum} pixels a side" if self.minimum > 1 else "of any size"
        padded = f", padded to multiples of {self.multiple} inside" if self.pads else f", multiples of {self.multiple}"
        padded = padded if self.multiple > 1 else ""
        sizes = " and ".join(f"{height}x{width}" for height, width in self.sizes)
        agreement = (
            "the results are the network's"
            if self.psnr is None
            else f"PSNR to the network {self.psnr:.1f} dB, largest difference {self.largest_difference:.2g}"
        )
        held = "".join(f", {name} {value:g}" for name, value in self.knobs.items())
        noise = f", and standard-normal noise [1, {self.noise}, H, W]" if self.noise else ""
        return (
            f"{self.out}: {self.form}, {self.architecture} x{self.scale} in {self.precision}{held}, for images "
            f"[1, 3, H, W] {sides}{padded}, RGB in [0, 1]{noise}, float32\n"
            f"checked by {self.run_by} on images of {sizes}: {agreement}"
        )


def export_model(request: ExportRequest) -> Exported:
    """Write a network for other programs, run the file, and compare the results with the network's.

    Raises:
        PatinaError: the model or a setting cannot be used, a package is missing, or the results differ; no file is
            written then.
    """
    out, half = request.out, request.half
    form = FORMS.get(out.suffix)
    if form is None:
        known = ", ".join(f"{suffix} ({one.name.split(',')[0]})" for suffix, one in FORMS.items())
        raise PatinaError(f"{out}: expected one of the suffixes {known}")
    files = form.files(out)
    if found := [file for file in files if file.exists()]:
        raise PatinaError(f"{found[0]} exists; choose another -out, or remove it")
    form.require_packages()
    model = open_exportable(request.model, half, request.knobs, pads=form.pads)
    multiple = 1 if form.pads else model.multiple
    images = [_image(*size) for size in _sizes(model.minimum, multiple)]
    with torch.no_grad():
        wanted = [model.wanted(image) for image in images]
    try:
        graph = model.make_graph()
        with ExitStack() as stack:
            temporary = [stack.enter_context(atomic_path(file)) for file in reversed(files)][::-1]
            made = ToWrite(graph, temporary, model.about | {"patina_version": __version__}, half, multiple)
            form.write(made)
            run, run_by = form.opened(made)
            results = [run(image, *more) for image, (more, _) in zip(images, wanted, strict=True)]
            difference, worst = _compared(results, [result for _, result in wanted])
            _require_alike(difference, worst, half)
    except PatinaError as error:
        raise PatinaError(f"{request.model}: {error}") from error
    return Exported(
        out=str(out),
        architecture=model.architecture,
        scale=model.scale,
        precision="float16" if half else "float32",
        opset=form.opset,
        multiple=model.multiple,
        pads=form.pads,
        form=form.name,
        minimum=model.minimum,
        run_by=run_by,
        sizes=tuple((image.shape[2], image.shape[3]) for image in images),
        largest_difference=difference,
        psnr=None if np.isinf(worst) else worst,
        noise=model.noise,
        knobs=dict(model.knobs),
    )


def _sizes(least: int, multiple: int = 1) -> list[tuple[int, int]]:
    more = max(0, least - min(map(min, CHECKED)))
    more += more % 2  # odd sides stay odd
    height, width = ([-(-(size[axis] + more) // multiple) * multiple for size in CHECKED] for axis in (0, 1))
    return list(zip(height, width, strict=True))


def _image(height: int, width: int) -> Tensor:
    """Return smooth colours with some noise, ``[1, 3, height, width]``."""
    rows, columns = torch.linspace(0, 3, height)[:, None], torch.linspace(0, 4, width)
    waves = torch.stack([(rows * (1 + channel) + columns).sin() for channel in range(3)])
    noise = torch.randn(waves.shape, generator=torch_generator("export", height, width))
    return (0.5 + 0.3 * waves + 0.05 * noise).clamp(0, 1)[None]


def _compared(results: list[np.ndarray], wanted: list[np.ndarray]) -> tuple[float, float]:
    """Return the largest difference of results, and the lowest PSNR in dB."""
    for result, expected in zip(results, wanted, strict=True):
        if result.shape != expected.shape:
            raise PatinaError(f"the exported file returns the shape {result.shape}, expected {expected.shape}")
    differences = [np.abs(result - expected) for result, expected in zip(results, wanted, strict=True)]
    with np.errstate(divide="ignore"):
        levels = [float(-10 * np.log10(np.square(one, dtype=np.float64).mean())) for one in differences]
    return float(max(one.max() for one in differences)), min(levels)


def _require_alike(difference: float, worst: float, half: bool) -> None:
    is_alike = worst >= LOWEST_PSNR if half else difference <= LARGEST_DIFFERENCE
    if not is_alike:  # not a number, too
        instead = "export without --fp16" if half else "its graph holds for one size only"
        raise PatinaError(
            f"the file's results differ from the network's (PSNR {worst:.1f} dB, largest difference {difference:.2g}); "
            f"{instead}"
        )
