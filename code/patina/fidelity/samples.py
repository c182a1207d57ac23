"""The images that are measured: loaded, limited in number and size, in 8-bit units."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from patina.data.matching import scene_of
from patina.errors import PatinaError, PictureError
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture
from patina.imaging.sources import name_in, same_text
from patina.runs.folder_job import JobReport, run_folder_job
from patina.system.stored_files import file_bytes

T = TypeVar("T")

PATCH = 32
"""Side of the patches that noise is measured on, in pixels."""

MIN_SIDE = 2 * PATCH


@dataclass(frozen=True)
class Sample:
    """One image.

    Attributes:
        name: stem of its file.
        pixels: ``[H, W, 3]`` float32, RGB, 0 to 255.
    """

    name: str
    pixels: np.ndarray

    @property
    def scene(self) -> str:
        """Name of the scene; several samples may show parts of one scene."""
        return scene_of(self.name)


def load_samples(
    folder: Path,
    *,
    limit: int | None = None,
    side: int | None = None,
    names: Collection[str] | None = None,
    scale: int = 1,
) -> list[Sample]:
    """Read the images of a folder, and print which ones cannot be measured; arguments as in `read_samples`."""
    report = read_samples(folder, limit=limit, side=side, names=names, scale=scale)
    report.print_summary()
    return report.results


def read_samples(
    folder: Path,
    *,
    limit: int | None = None,
    side: int | None = None,
    names: Collection[str] | None = None,
    scale: int = 1,
    recursive: bool = False,
) -> JobReport[Sample]:
    """Read the images of a folder, evenly spaced by name where there are more than `limit`.

    Args:
        folder: folder of images.
        limit: maximum number of images. None: all.
        side: larger images are center-cropped to this many pixels, aligned to the 8x8 grid of the file. None: whole
            images.
        names: stems to read. None: all.
        scale: factor by which images are downscaled (MATLAB's bicubic) before they are cropped.
        recursive: include images in subfolders, see `name_in`.

    Returns:
        The images, and as failures those that cannot be read or are too small.

    Raises:
        PatinaError: the folder has no images, lacks one of `names`, or none of them can be measured.
    """
    files = select_files(folder, limit=limit, names=names, recursive=recursive)

    def read(path: Path) -> Sample:
        return make_sample(name_in(folder, path), read_picture(path).pixels, side=side, scale=scale, where=path)

    report = run_folder_job(files, read, description="read images", name=str)
    if not report.results:
        raise PatinaError(f"{folder}: none of {len(files)} images can be measured; {report.failures[0][1]}")
    return report


def matched(*sets: Sequence[Sample]) -> list[list[Sample]]:
    """Return from sets of one order the images whose names are in all of them.

    Raises:
        PatinaError: there are none.
    """
    shared = set.intersection(*({same_text(sample.name) for sample in samples} for samples in sets))
    if not shared:
        raise PatinaError("no image can be measured in all folders; repair or remove the damaged files")
    return [[sample for sample in samples if same_text(sample.name) in shared] for samples in sets]


def make_sample(
    name: str, pixels: np.ndarray, *, side: int | None = None, scale: int = 1, where: Path | str | None = None
) -> Sample:
    """Return an image as it is measured.

    Args:
        name: name of the sample.
        pixels: ``[H, W, 3]`` RGB, uint8 or uint16.
        side, scale: as in `load_samples`.
        where: what messages call the image. None: `name`.

    Raises:
        PictureError: the image is too small.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE * scale:
        raise PictureError(
            f"{where or name}: {width}x{height} pixels, expected {MIN_SIDE * scale} or more along either side"
        )
    peak = np.iinfo(pixels.dtype).max
    resized = pixels if scale == 1 else imresize(crop_to_multiple(pixels, scale), 1 / scale)
    if side is not None:
        top, left = (max(0, (length - side) // 2) // 8 * 8 for length in resized.shape[:2])
        resized = resized[top : top + side, left : left + side]
    return Sample(name, np.float32(resized * (255 / peak)))


def select_files(
    folder: Path, *, limit: int | None = None, names: Collection[str] | None = None, recursive: bool = False
) -> list[Path]:
    """Return the files that `load_samples` reads, in the same order."""
    files = {name_in(folder, path): path for path in reversed(list_pictures(folder, None, recursive))}
    if names is not None:
        names = [same_text(name) for name in names]
        if missing := [name for name in names if name not in files]:
            raise PatinaError(
                f"{folder}: has no image named {missing[0]}; expected one for every image of the other folder"
            )
        files = {name: files[name] for name in names}
    paths = sorted(files.values(), key=lambda path: path.name) if names is None else list(files.values())
    return evenly_spaced(paths, limit)


def files_digest(files: Sequence[Path]) -> str:
    """Return the first 16 hex digits of the SHA-256 of the files' names and contents; their order does not matter."""
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(file_bytes(path)).digest())
    return digest.hexdigest()[:16]


def evenly_spaced(items: Sequence[T], limit: int | None) -> list[T]:
    """Return at most `limit` items, evenly spaced; all of them for None."""
    if limit is None or len(items) <= limit:
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, limit).round().astype(int)]
