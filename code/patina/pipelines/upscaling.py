"""Upscale a folder of pictures with a super-resolution model, in tiles, so that memory is bounded."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from patina.errors import PatinaError
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import Picture, read_picture, write_picture
from patina.imaging.sources import Source, list_sources, require_outside
from patina.pipelines.upscalers import OWN_SAMPLING, Sampling, Upscaler, open_upscaler
from patina.runs.fingerprint import KnownDigests
from patina.runs.folder_job import JobReport, output_paths, refuse_strangers
from patina.runs.overlapping_job import run_overlapping_job
from patina.system.atomic import write_text
from patina.system.jsonl import append_lines, read_lines

Replace = Literal["never", "otherwise", "always"]
"""Which pictures of an earlier call are made anew."""

Enlarged = tuple[np.ndarray, np.ndarray | None]
"""Pixels, and alpha where there is one."""

STATEMENT, LOG_NAME = "upscale.json", "upscale.jsonl"
"""The files in an output folder that say how its pictures were made, and of what each."""


@dataclass(frozen=True)
class UpscaleRequest:
    """What to upscale, and how.

    Attributes:
        model: a model file, or one of `INTERPOLATIONS`.
        source: a folder of pictures, or one picture.
        out: folder for the results.
        scale, tile, overlap, sampling, device, precision: as in `open_upscaler`.
        recursive: whether pictures in subfolders of `source` are upscaled, too.
    """

    model: str | Path
    source: Path
    out: Path
    scale: int | None = None
    tile: int | None = None
    overlap: int | None = None
    sampling: Sampling = OWN_SAMPLING
    device: str = "auto"
    precision: str = "32"
    recursive: bool = False


def upscale(request: UpscaleRequest) -> JobReport[Path]:
    """Upscale a folder, or one picture, into PNG files of the same names.

    The depth stays: 16 bit gives 16 bit. A gray picture gives a gray one. Alpha is enlarged by bicubic
    interpolation. Pictures that an earlier call has made of the same files are not made again.

    Returns:
        The report; its results are the files written.

    Raises:
        PatinaError: the model or a setting cannot be used, or `out` holds pictures that were made otherwise.
    """
    upscaler = open_upscaler(
        request.model,
        scale=request.scale,
        tile=request.tile,
        overlap=request.overlap,
        device=request.device,
        precision=request.precision,
        sampling=request.sampling,
    )
    return upscale_pictures(upscaler, request.source, request.out, recursive=request.recursive)


def upscale_pictures(
    upscaler: Upscaler, source: Path, out: Path, *, recursive: bool = False, replace: Replace = "never"
) -> JobReport[Path]:
    """Upscale a folder, or one picture, with an open model; see `upscale`.

    What another model or setting made in `out` is refused, or with `replace` removed first: where it is ``"otherwise"``
    made, or ``"always"``.
    """
    sources = list_sources(source, recursive)
    require_outside(out, source, recursive)
    outputs = output_paths(sources, out)
    _claim(out, upscaler.about, outputs, replace)
    known, digests = KnownDigests(out), {}
    made_of = {line["output"]: line["source_digest"] for line in read_lines(out / LOG_NAME)}

    def read(source: Source) -> Picture:
        with suppress(OSError):  # which reading tells in words
            digests[source] = known.of(source)
        return read_picture(source.path)

    def enlarge(_source: Source, picture: Picture) -> Enlarged:
        return _enlarge(picture, upscaler)

    def write(source: Source, enlarged: Enlarged) -> Path:
        output = outputs[source]
        write_picture(output, *enlarged)
        append_lines(out / LOG_NAME, [{"output": output.name, "source_digest": digests[source]}])
        return output

    def is_made(source: Source) -> bool:
        name = outputs[source].name
        return name in made_of and outputs[source].is_file() and known.hold(source, made_of[name])

    missing = [each for each in sources if not is_made(each)]
    return run_overlapping_job(missing, read, enlarge, write, description="upscale", name=str)


def _enlarge(picture: Picture, upscaler: Upscaler) -> Enlarged:
    pixels = upscaler(picture.pixels)
    if picture.gray:
        pixels = np.rint(pixels.mean(axis=2)).astype(pixels.dtype)
    alpha = None if picture.alpha is None else imresize(picture.alpha, upscaler.scale)
    return pixels, alpha


def _remove(out: Path, outputs: Iterable[Path]) -> None:
    """Remove what was made in a folder and what would be, and last what says how."""
    made = {out / line["output"] for line in read_lines(out / LOG_NAME)}
    for path in (*made, *outputs, out / LOG_NAME, out / STATEMENT):
        path.unlink(missing_ok=True)


def _claim(out: Path, about: dict[str, str | int], outputs: dict[Source, Path], replace: Replace) -> None:
    """State how the folder's pictures are made; refuse, or replace, pictures that were made otherwise."""
    statement, text = out / STATEMENT, json.dumps(about, indent=1) + "\n"
    if statement.is_file():
        made_so = statement.read_text(encoding="utf-8") == text
        if made_so and replace != "always":
            return
        if not made_so and replace == "never":
            raise PatinaError(f"{out} holds pictures of another model or setting, see {statement}; choose another -out")
        _remove(out, outputs.values())
    refuse_strangers(outputs.values())
    write_text(statement, text)
