"""The clean images of a fit: their crops in files, their size, and how they were compressed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from patina.errors import PatinaError, PictureError
from patina.fitting.file_compression import JPEG, NONE, WEBP, FileCompression, file_compression
from patina.fitting.measures import CROP, SMALLEST, crops_of, planes_of
from patina.fitting.photo import Photo
from patina.fitting.synthesis import clean_crops
from patina.imaging.compression_headers import read_compression_header
from patina.imaging.picture_files import read_picture
from patina.imaging.sources import Source
from patina.runs.folder_job import run_folder_job

SMALL = 0.4
"""Clean images are small if their downscaled crops have less than this fraction of the pixels of the photos' crops."""

MANY = 0.1
"""Fraction of compressed clean images from which their blocks are not taken for the recipe's."""

_NEVER = FileCompression()
_KINDS = {JPEG: "JPEGs", WEBP: "lossy WebPs"}


@dataclass(frozen=True)
class CleanImage:
    """A clean image that is degraded.

    Attributes:
        name: of its file.
        width, height: in pixels.
        crops: ``.npy`` file of `clean_crops`.
        measured: pixels of each crop.
        compression: its own, from its file's header or its pixels; none for fits that downscale the clean images.
    """

    name: str
    width: int
    height: int
    crops: Path
    measured: int
    compression: FileCompression = _NEVER


def read_clean_images(sources: Sequence[Source], scale: int, folder: Path) -> list[CleanImage]:
    """Write the crops of each clean image into a file of a folder; images that cannot be used are told and left out.

    Raises:
        PatinaError: none of them can be used.
    """
    files = {source.name: folder / f"{number}.npy" for number, source in enumerate(sources)}

    def write(source: Source) -> CleanImage:
        pixels = read_picture(source.path, alpha="refuse").pixels
        height, width = pixels.shape[:2]
        if min(height, width) < SMALLEST * scale:
            raise PictureError(f"{source} is {width}x{height}; scale {scale} needs {SMALLEST * scale} on each side")
        crops = clean_crops(pixels, scale)
        np.save(files[source.name], crops)
        measured = crops.shape[1] * crops.shape[2]
        image = CleanImage(source.name, width, height, files[source.name], measured)
        if scale > 1:
            return image
        planes = planes_of(crops_of(pixels))
        return replace(image, compression=file_compression(read_compression_header(source.path), planes))

    report = run_folder_job(sources, write, description="read clean images", name=str)
    report.print_summary()
    if not report.results:
        raise PatinaError(f"none of {len(sources)} clean images can be used; {report.failures[0][1]}")
    return report.results


def needed_pixels(photos: Sequence[Photo], scale: int) -> float:
    """Return how many pixels a clean image's crop needs so as not to be small beside the photos."""
    seen = float(np.median([min(photo.width, CROP) * min(photo.height, CROP) for photo in photos]))
    return SMALL * seen * scale**2


def can_be_halved(clean: Sequence[CleanImage], scale: int, needed: float) -> bool:
    """Whether most clean images, downscaled by 2, are neither too small nor small (`needed_pixels`)."""
    halves = [(image.width // 2, image.height // 2) for image in clean]
    crops = [(min(width, CROP * scale), min(height, CROP * scale)) for width, height in halves]
    enough = [min(crop) >= SMALLEST * scale and crop[0] * crop[1] > needed for crop in crops]
    return sum(enough) > len(enough) / 2


def small_images(clean: Sequence[CleanImage], scale: int, needed: float) -> str:
    """Warn of clean images that are much smaller than the photos once they are downscaled; else an empty text."""
    image = sorted(clean, key=lambda image: image.measured)[len(clean) // 2]
    if image.measured > needed:
        return ""
    return (
        f"The clean images are small: {image.width}x{image.height} leaves only "
        f"{image.width // scale}x{image.height // scale} pixels at scale {scale}, too few to compare well with the "
        f"photos; use larger ones, or a smaller -scale."
    )


def have_blocks(clean: Sequence[CleanImage]) -> bool:
    """Whether enough clean images have blocks of their own to make the recipe's results look compressed."""
    return len(_compressed(clean)) > MANY * len(clean)


def _compressed(clean: Sequence[CleanImage]) -> list[FileCompression]:
    """Return the compressions of the clean images that were compressed themselves and are not downscaled."""
    found = [image.compression for image in clean if image.compression.format != NONE]
    return [compression for compression in found if not compression.shows_in_chroma_alone]


def own_compression(clean: Sequence[CleanImage], scale: int, *, can_shrink: bool) -> str:
    """Warn of clean images that are compressed themselves, where nothing downscales them; else an empty text.

    Args:
        clean: the images.
        scale: of the fit. Above 1, the recipe's own downscaling takes most of the compression away.
        can_shrink: whether most of them are large enough to be downscaled by 2, see `can_be_halved`.
    """
    if scale > 1 or not (found := _compressed(clean)):
        return ""
    kinds = {("copies of " if one.seen_in_pixels else "") + _KINDS[one.format] for one in found}
    lowest = min(compression.quality for compression in found)
    way = (
        "or downscale these by 2 (patina prepare -source CLEAN -target SMALLER -scales 2), then fit and degrade "
        "SMALLER/2x"
        if can_shrink
        else "as these are too small to downscale"
    )
    return (
        f"{len(found)} of {len(clean)} clean images are {' or '.join(sorted(kinds))}, of quality {lowest} at the "
        "lowest. At scale 1 nothing hides their own blocks and blur, so the fit is less reliable, and a model learns "
        f"to keep these: use images that were never compressed, {way}. PNG copies of JPEGs do not help."
    )
