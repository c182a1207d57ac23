"""Noise of real photos, taken from their quiet patches.

The patches come from `patina measure -noise_patches` (see `patina.fitting.quiet_patches`). Injecting collected noise
follows Ji et al. 2020 (RealSR, section 3.2), who crop one patch per training patch. Here patches of one photo are laid
over a picture of any size, half overlapping, with windows whose squares add up to 1: independent patches keep their
variance everywhere, and their spectrum down to the size of a patch.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.numpy_files import read_arrays
from patina.degradations.ranges import Between, RealRange, draw_real, draw_whole
from patina.errors import PatinaError
from patina.seeding import numpy_rng

SIDE = 32
"""Side of a patch in pixels."""


class NoisePatches(Operation):
    """Noise of real photos, from their quiet patches."""

    name = "noise_patches"
    family = "noise"

    file: Path
    """Patches that `patina measure REAL -noise_patches FILE` collected (`.npz`)."""

    strength: Annotated[RealRange, Between(0, 4)] = (1.0, 1.0)
    """Factor of the noise."""

    @property
    def files(self) -> list[Path]:
        """The file of patches."""
        return [self.file]

    def check_ready(self) -> None:
        """Read the patches."""
        read_patches(self.file)

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw the photo that lends its noise."""
        photos, digest = read_patches(self.file)
        photo = draw_whole(rng, (0, len(photos) - 1))
        return {"file": str(self.file), "digest": digest, "photo": photo, "strength": draw_real(rng, self.strength)}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add the noise."""
        photos, digest = read_patches(Path(parameters["file"]))
        if digest != parameters["digest"]:
            raise PatinaError(f"{parameters['file']}: patches changed since they were drawn; restore the file")
        noise = _laid(photos[parameters["photo"]], image.shape[:2], numpy_rng(key, "patches"))
        return np.clip(image + np.float32(parameters["strength"] / 255) * noise, 0, 1, dtype=np.float32)


def _laid(patches: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return noise ``[H, W, 3]`` in grey levels, of patches ``[n, SIDE, SIDE, 3]``."""
    step = SIDE // 2
    line = np.sin(np.pi * (np.arange(SIDE) + 0.5) / SIDE)  # its square and that of the next one add up to 1
    window = np.outer(line, line)[..., None].astype(np.float32)
    rows, columns = (-(-length // step) + 1 for length in size)
    noise = np.zeros(((rows + 1) * step, (columns + 1) * step, 3), np.float32)
    for row in range(rows):
        chosen = patches[rng.integers(len(patches), size=columns)].astype(np.float32)
        for column, (flip_rows, flip_columns) in enumerate(rng.integers(2, size=(columns, 2))):
            patch = chosen[column][:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
            noise[row * step : row * step + SIDE, column * step : column * step + SIDE] += window * patch
    return noise[step : step + size[0], step : step + size[1]]


@lru_cache(maxsize=4)
def read_patches(path: Path) -> tuple[list[np.ndarray], str]:
    """Read the patches of every photo, ``[n, SIDE, SIDE, 3]`` in grey levels with mean 0, and the file's digest.

    Raises:
        PatinaError: the file is missing or does not contain patches.
    """
    if not path.is_file():
        raise PatinaError(f"{path}: no such noise file; make it with: patina measure REAL -noise_patches {path}")
    arrays = read_arrays(path, "noise patches")
    photos = [arrays[name] for name in sorted(arrays)]
    if not photos or not all(_are_patches(patches) for patches in photos):
        raise PatinaError(f"{path}: expected arrays of noise [n, {SIDE}, {SIDE}, 3], as patina measure writes them")
    return photos, hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()


def _are_patches(array: np.ndarray) -> bool:
    is_noise = array.dtype.kind == "f" and array.ndim == 4 and array.shape[1:] == (SIDE, SIDE, 3) and len(array) > 0
    return bool(is_noise and np.isfinite(array).all())
