"""Upscale a folder of pictures with a super-resolution model, in tiles, so that memory is bounded."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from patina.degradations.trial import FEWEST_DB, decibels, trial_picture
from patina.errors import PatinaError
from patina.imaging.files import Picture, list_pictures, read_picture, to_pixels, to_tensor, write_picture
from patina.imaging.resize import imresize
from patina.imaging.tiles import Tile, apply_tiled
from patina.layers.precision import has_fast_bf16
from patina.models.files import file_hash
from patina.models.restoration import ImageModelDescriptor, load_generator
from patina.runs.atomic import write_text
from patina.runs.folder_job import JobReport, output_paths
from patina.runs.overlapping_job import run_overlapping_job
from patina.verbs.arguments import add_compute_flags, add_flag

BICUBIC = "bicubic"
"""The model name that stands for MATLAB's bicubic interpolation, the baseline of every comparison."""

TILE, OVERLAP = 256, 32
"""Defaults; ESRGAN's generator at scale 4 then needs about 1.5 GB."""

Enlarged = tuple[np.ndarray, np.ndarray | None]
"""Pixels, and alpha where there is one."""

STATEMENT = "upscale.json"
"""The file in an output folder that says how its pictures were made."""


class Upscaler(Protocol):
    """What enlarges a picture.

    Attributes:
        scale: output pixels to an input pixel, along a side.
        about: what decides the result, as it is written beside the results.
    """

    scale: int
    about: dict[str, str | int]

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Map RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same type."""


class Bicubic:
    """MATLAB's bicubic interpolation.

    Args:
        scale: a positive whole number.
    """

    def __init__(self, scale: int):
        self.scale = scale
        self.about = {"model": BICUBIC, "scale": scale}

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Map RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same type."""
        return imresize(pixels, self.scale)


@dataclass
class TiledModel:
    """A network applied in overlapping tiles.

    Attributes:
        model: the network with what spandrel knows of it.
        about: what decides the result.
        tile, overlap: side of a tile and what neighbours share, in input pixels.
        half: compute in bfloat16 where that is safe.
    """

    model: ImageModelDescriptor
    about: dict[str, str | int]
    tile: int = TILE
    overlap: int = OVERLAP
    half: bool = False

    @property
    def scale(self) -> int:
        """Output pixels to an input pixel, along a side."""
        return self.model.scale

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Map RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same type.

        Raises:
            PatinaError: the tile does not fit into memory.
        """
        try:
            return to_pixels(self.enlarge(to_tensor(pixels)), pixels.dtype)
        except torch.cuda.OutOfMemoryError as error:
            raise PatinaError(f"a tile of {self.tile} pixels needs too much memory; choose a smaller -tile") from error

    def enlarge(self, picture: Tensor) -> Tensor:
        """Map ``[3, H, W]`` in [0, 1] to ``[3, scale H, scale W]``, not clamped."""
        multiple = self.model.size_requirements.multiple_of
        return apply_tiled(
            self._on_tile, picture, tile=self.tile, overlap=self.overlap, multiple=multiple, scale=self.scale
        )

    def _on_tile(self, tile: Tensor, _window: Tile) -> Tensor:
        device = self.model.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.half):
            return self.model(tile.to(device)).float().cpu()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "model", "model_path", required=True, help=f"model file that spandrel reads, or {BICUBIC}")
    add_flag(parser, "source", "source_dir", required=True, help="folder of pictures, or one picture")
    add_flag(parser, "out", "out_dir", required=True, help="folder for the upscaled pictures")
    add_flag(parser, "scale", type=int, help=f"needed for {BICUBIC} alone; a model knows its own")
    add_flag(parser, "tile", type=int, default=TILE, help="side of a tile in pixels; less needs less memory")
    add_flag(parser, "overlap", type=int, default=OVERLAP, help="overlap of tiles in pixels")
    add_compute_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Upscale every picture of a folder that is not yet upscaled."""
    report = upscale_folder(
        arguments.model,
        Path(arguments.source),
        Path(arguments.out),
        scale=arguments.scale,
        tile=arguments.tile,
        overlap=arguments.overlap,
        device=arguments.device,
        precision=arguments.precision,
    )
    report.print_summary()
    return report.exit_code


def upscale_folder(
    model: str | Path,
    source: Path,
    out: Path,
    *,
    scale: int | None = None,
    tile: int | None = None,
    overlap: int = OVERLAP,
    device: str = "auto",
    precision: str = "32",
) -> JobReport[Path]:
    """Upscale a folder, or one picture, into PNG files of the same names.

    The depth stays: 16 bit gives 16 bit. A gray picture gives a gray one. Alpha is enlarged by bicubic
    interpolation. Pictures that an earlier call has finished are not made again.

    Args:
        model, scale, tile, overlap, device, precision: as in `open_upscaler`.
        source: a folder of pictures, or one picture.
        out: the output folder.

    Returns:
        The report; its results are the files written.

    Raises:
        PatinaError: the model or a setting cannot be used, or `out` holds pictures that were made otherwise.
    """
    upscaler = open_upscaler(model, scale=scale, tile=tile, overlap=overlap, device=device, precision=precision)
    return upscale_pictures(upscaler, source, out)


def open_upscaler(
    model: str | Path,
    *,
    scale: int | None = None,
    tile: int | None = None,
    overlap: int = OVERLAP,
    device: str = "auto",
    precision: str = "32",
) -> Upscaler:
    """Open a model for upscaling.

    Args:
        model: a file that spandrel reads, or ``"bicubic"``.
        scale: needed for bicubic; for a model file, checked against its own.
        tile: side of a tile in input pixels; None for the default.
        overlap: pixels that neighbouring tiles share, at most half a tile.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "32", "bf16-mixed", or "auto" for bf16 where it is fast and gives float32's pictures.

    Raises:
        PatinaError: the file cannot be used, or a setting does not fit it.
    """
    if str(model) == BICUBIC:
        if scale is None or scale < 1:
            raise PatinaError(f"{BICUBIC} needs a scale of 1 or more, got {scale}; name it with -scale")
        return Bicubic(scale)
    descriptor = load_generator(Path(model))
    tile = TILE if tile is None else tile
    _check_settings(Path(model), descriptor, scale, tile, overlap, precision)
    descriptor.to(Fabric(accelerator=device, devices=1).device)
    half = precision == "bf16-mixed" or (precision == "auto" and _half_is_close(descriptor))
    precision = "bf16-mixed" if half else "32"
    about = {"model": file_hash(Path(model)), "tile": tile, "overlap": overlap, "precision": precision}
    return TiledModel(descriptor, about, tile, overlap, half)


def _half_is_close(descriptor: ImageModelDescriptor) -> bool:
    """Say whether bf16 is fast on the model's device and enlarges a trial picture as float32 does."""
    if not (descriptor.supports_bfloat16 and has_fast_bf16(descriptor.device)):
        return False
    picture = trial_picture()
    exact, half = (TiledModel(descriptor, {}, half=half).enlarge(picture).clamp(0, 1) for half in (False, True))
    return decibels(exact, half) >= FEWEST_DB


def upscale_pictures(upscaler: Upscaler, source: Path, out: Path) -> JobReport[Path]:
    """Upscale a folder, or one picture, with an open model; see `upscale_folder`."""
    sources = [source] if source.is_file() else list_pictures(source)
    if out.resolve() == sources[0].parent.resolve():
        raise PatinaError(f"{out}: source and output are the same folder; choose another output")
    outputs = output_paths(sources, out)
    _claim(out, upscaler.about, outputs)

    def enlarge(_path: Path, picture: Picture) -> Enlarged:
        return _enlarge(picture, upscaler)

    def write(path: Path, enlarged: Enlarged) -> Path:
        write_picture(outputs[path], *enlarged)
        return outputs[path]

    missing = [path for path in sources if not outputs[path].exists()]
    return run_overlapping_job(missing, read_picture, enlarge, write, description="upscale", name=str)


def _enlarge(picture: Picture, upscaler: Upscaler) -> Enlarged:
    pixels = upscaler(picture.pixels)
    if picture.gray:
        pixels = np.rint(pixels.mean(axis=2)).astype(pixels.dtype)
    alpha = None if picture.alpha is None else imresize(picture.alpha, upscaler.scale)
    return pixels, alpha


def _claim(out: Path, about: dict[str, str | int], outputs: dict[Path, Path]) -> None:
    """State how the folder's pictures are made; refuse a folder whose pictures were made otherwise."""
    statement, text = out / STATEMENT, json.dumps(about, indent=1) + "\n"
    if statement.is_file():
        if statement.read_text(encoding="utf-8") != text:
            raise PatinaError(f"{out} holds pictures of another model or setting, see {statement}; choose another -out")
        return
    strangers = [path for path in outputs.values() if path.exists()]
    if strangers:
        raise PatinaError(f"{strangers[0]} exists and was not upscaled here; choose another -out")
    write_text(statement, text)


def _check_settings(
    path: Path, model: ImageModelDescriptor, scale: int | None, tile: int, overlap: int, precision: str
) -> None:
    multiple = model.size_requirements.multiple_of
    if scale not in (None, model.scale):
        raise PatinaError(f"{path} upscales by {model.scale}, not by {scale}; leave -scale out")
    if tile < 16 or tile % multiple:
        raise PatinaError(f"-tile is {tile}, expected 16 or more and a multiple of {multiple} for {path}")
    if not 0 <= overlap <= tile // 2:
        raise PatinaError(f"-overlap is {overlap}, expected 0 to {tile // 2}, half a tile")
    if precision == "bf16-mixed" and not model.supports_bfloat16:
        raise PatinaError(f"{path} cannot be computed in {precision}; use -precision 32")
