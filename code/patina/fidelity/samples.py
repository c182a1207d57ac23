"""The pictures that are measured, of one size limit, as grey levels."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patina.data.matching import scene_of
from patina.errors import PatinaError, PictureError
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture

PATCH = 32
"""Side of the squares that noise is measured on, in pixels."""

LEAST_SIDE = 2 * PATCH


@dataclass(frozen=True)
class Shot:
    """One picture.

    Attributes:
        name: its file's stem.
        pixels: ``[H, W, 3]`` float32, RGB, 0 to 255.
    """

    name: str
    pixels: np.ndarray

    @property
    def scene(self) -> str:
        """What it shows a part of."""
        return scene_of(self.name)


def load_shots(
    folder: Path, *, limit: int, side: int, names: Collection[str] | None = None, scale: int = 1
) -> list[Shot]:
    """Read a folder's pictures, evenly chosen where there are more than `limit`.

    Args:
        folder: of pictures.
        limit: most pictures to read.
        side: larger pictures are cut to a square of this side in their middle, on the 8x8 grid of the file.
        names: the stems to read, all others are left out; None for all.
        scale: pictures are shrunk so many times, by MATLAB's bicubic, before they are cut.

    Raises:
        PatinaError: no pictures, or a name without its picture.
        PictureError: a picture cannot be read, or is too small to be measured.
    """
    return [_shot(path, side, scale) for path in chosen_files(folder, limit=limit, names=names)]


def chosen_files(folder: Path, *, limit: int, names: Collection[str] | None = None) -> list[Path]:
    """Return the files that `load_shots` reads, in its order."""
    files = {path.stem: path for path in reversed(list_pictures(folder))}
    if names is not None:
        if missing := [name for name in names if name not in files]:
            raise PatinaError(f"{folder}: has no picture named {missing[0]}; expected one for each of the other folder")
        files = {name: files[name] for name in names}
    paths = sorted(files.values(), key=lambda path: path.name) if names is None else list(files.values())
    return _evenly(paths, limit)


def fingerprint(files: Sequence[Path]) -> str:
    """Return the first 16 hex digits of the SHA-256 of files' names and contents, in whatever order they are given."""
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _evenly(paths: list[Path], limit: int) -> list[Path]:
    if len(paths) <= limit:
        return paths
    return [paths[index] for index in np.linspace(0, len(paths) - 1, limit).round().astype(int)]


def _shot(path: Path, side: int, scale: int) -> Shot:
    picture = read_picture(path)
    if min(picture.height, picture.width) < LEAST_SIDE * scale:
        raise PictureError(
            f"{path}: {picture.width}x{picture.height} pixels, expected {LEAST_SIDE * scale} or more along either side"
        )
    pixels = picture.pixels if scale == 1 else imresize(crop_to_multiple(picture.pixels, scale), 1 / scale)
    top, left = (max(0, (length - side) // 2) // 8 * 8 for length in pixels.shape[:2])
    pixels = pixels[top : top + side, left : left + side]
    return Shot(path.stem, np.float32(pixels * (255 / picture.max_value)))
