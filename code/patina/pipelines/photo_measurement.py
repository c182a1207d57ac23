"""Measure photos: noise, blur, sharpening and compression of each, as a table and for the fit."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from patina.degradations.noise_patches import SIDE
from patina.errors import PatinaError
from patina.fitting.file_compression import JPEG
from patina.fitting.former_jpeg import FormerJpeg
from patina.fitting.photo import Photo, measure_photo
from patina.fitting.quantities import as_arrays, colour_noise_std, edge_blur, noise_correlation, noise_std, overshoot
from patina.fitting.quiet_patches import quiet_patches
from patina.fitting.stuck_pixels import impulse_words
from patina.imaging.sources import Source, list_sources, some_sources
from patina.runs.folder_job import JobReport, run_folder_job
from patina.runs.made_by import MadeBy
from patina.runs.shard_notes import ShardNote
from patina.runs.shards import Shard
from patina.seeding import numpy_rng
from patina.system.atomic import atomic_path
from patina.system.place_names import lasting_name
from patina.system.text_layout import text_table

TITLES = {
    "photo": ["name"],
    "size": ["width", "height"],
    "luma noise std": ["noise"],
    "chroma noise": ["colour_noise"],
    "noise corr.": ["noise_correlation"],
    "edge blur": ["edge_blur"],
    "overshoot %": ["overshoot"],
    "compression": ["format", "quality", "subsampling"],
    "remark": ["remark"],
}
"""The columns of the printed table, which must fit a terminal, and the values in each."""

COLUMNS = [name for names in TITLES.values() for name in names]
"""The values of a photo."""


@dataclass(frozen=True)
class PhotoRequest:
    """Which photos to measure.

    Attributes:
        folder: of photos, or one photo.
        recursive: whether photos in subfolders are measured, too.
        limit: most photos; they are chosen at random. None for all.
        seed: of that choice.
        workers: processes; 0 for this one.
        shard: the part of the chosen photos; None for all.
    """

    folder: Path
    recursive: bool = False
    limit: int | None = None
    seed: int = 0
    workers: int = 0
    shard: Shard | None = None


def measure_photos(request: PhotoRequest, description: str = "measure") -> JobReport[Photo]:
    """Measure photos; what is not a photo is set aside and named in the report's failures.

    Raises:
        PatinaError: the folder cannot be used, or nothing in it can be measured, which is no error in a shard.
    """
    sources = _chosen(request)
    report = run_folder_job(sources, _measured, description=description, name=str, workers=request.workers)
    if not report.results and request.shard is None:
        raise PatinaError(f"{request.folder}: none of {len(sources)} images can be measured; {report.failures[0][1]}")
    return report


def shard_note(request: PhotoRequest) -> ShardNote:
    """Return the settings and images that the table of a shard records.

    Raises:
        PatinaError: the folder cannot be used.
    """
    how = {"recursive": request.recursive, "pictures": request.limit, "seed": request.seed}
    made_by = MadeBy("measure", {"folder": lasting_name(request.folder)} | how)
    return ShardNote.now(made_by, [source.name for source in _chosen(request)])


def _chosen(request: PhotoRequest) -> list[Source]:
    rng = numpy_rng(request.seed, "photos")
    chosen = some_sources(list_sources(request.folder, request.recursive), request.limit, rng)
    return chosen if request.shard is None else list(request.shard.part(chosen, request.folder))


def _measured(source: Source) -> Photo:
    return measure_photo(source.path, source.name)


def collect_noise(request: PhotoRequest, out: Path) -> JobReport[np.ndarray]:
    """Write the quiet patches of photos to a NumPy file for the operation ``noise_patches``.

    Raises:
        PatinaError: the folder cannot be used, or no photo has a quiet place.
    """
    sources = _chosen(request)
    report = run_folder_job(sources, _quiet, description="collect noise", name=str, workers=request.workers)
    found = [patches for patches in report.results if len(patches)]
    if not found:
        raise PatinaError(
            f"{request.folder}: none of {len(sources)} photos has a quiet place of {SIDE}x{SIDE} pixels; "
            "use photos with sky, walls or blurred backgrounds"
        )
    with atomic_path(out) as place, place.open("wb") as file:
        save: Any = np.savez_compressed  # its stub takes no names
        save(file, **{f"{number:06d}": patches for number, patches in enumerate(found)})
    return report


def _quiet(source: Source) -> np.ndarray:
    return quiet_patches(source.path)


def photo_row(photo: Photo) -> dict[str, Any]:
    """Return what is told of a photo, by the names of `COLUMNS`; None where it says nothing."""
    measures, header = as_arrays(photo.measures), photo.header
    return {
        "name": photo.name,
        "width": photo.width,
        "height": photo.height,
        "noise": round(float(noise_std(measures)), 2),
        "colour_noise": round(float(colour_noise_std(measures)), 2),
        "noise_correlation": round(float(noise_correlation(measures)), 2),
        "edge_blur": round(float(edge_blur(measures)), 2),
        "overshoot": round(100 * float(overshoot(measures)), 1),
        "format": header.format if header else None,
        "quality": header.quality if header else None,
        "subsampling": header.subsampling or None if header else None,
        "remark": _remark(photo),
    }


def _remark(photo: Photo) -> str | None:
    remarks = ["looks upscaled"] if photo.is_upscaled else []
    if photo.header is not None and not photo.header.standard:
        remarks.append("own quantisation table")
    if photo.impulses:
        remarks.append(impulse_words(photo.impulses))
    own = photo.compression
    former = FormerJpeg(own.quality, own.grid) if photo.header is None and own.format == JPEG else own.former
    tables = " with a quantisation table of its own" if photo.header is None and own.tables else ""
    if photo.header is None and own.shows_in_chroma_alone:
        remarks.append("once JPEG 4:2:2 of high quality")
    elif former is not None:
        remarks.append(f"once JPEG {former.quality}{tables}{' and cropped since' if any(former.grid) else ''}")
    return ", ".join(remarks) or None


def photo_table(photos: list[Photo]) -> str:
    """Return the rows of photos as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(photo_row(photo) for photo in photos)
    return text.getvalue()


def printed_table(rows: list[dict[str, Any]], width: int | None = None) -> str:
    """Return rows as a table for a terminal of `width` columns; columns without any value are left out."""
    said = {name for row in rows for name, value in row.items() if value is not None}
    titles = {title: names for title, names in TITLES.items() if said & {*names}}
    between = {"size": "x"}
    cells = [
        [between.get(title, " ").join(str(row[name]) for name in names if row[name] is not None)
         for title, names in titles.items()] for row in rows
    ]  # fmt: skip
    return "\n".join(text_table(cells, list(titles), width=width))
