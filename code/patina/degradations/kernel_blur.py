"""Blur by kernels from a file."""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.blur import convolve
from patina.degradations.numpy_files import read_arrays
from patina.degradations.ranges import draw_whole
from patina.errors import PatinaError


class KernelBlur(Operation):
    """Blur by a kernel drawn from a file."""

    name = "kernel_blur"
    family = "blur"

    file: Path
    """NumPy file: one kernel `[h, w]` or several `[n, h, w]` (`.npy`), or any number of arrays (`.npz`)."""

    turn: bool = False
    """Flip and rotate kernels, 8 orientations."""

    @property
    def files(self) -> list[Path]:
        """The file of kernels."""
        return [self.file]

    def check_ready(self) -> None:
        """Read the kernels."""
        read_kernels(self.file)

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw a kernel and its orientation."""
        found, digest = read_kernels(self.file)
        orientation = draw_whole(rng, (0, 7)) if self.turn else 0
        index = draw_whole(rng, (0, len(found) - 1))
        return {"file": str(self.file), "digest": digest, "index": index, "orientation": orientation}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Convolve with the kernel."""
        found, digest = read_kernels(Path(parameters["file"]))
        if digest != parameters["digest"]:
            raise PatinaError(f"{parameters['file']}: kernels changed since they were drawn; restore the file")
        kernel, orientation = found[parameters["index"]], parameters["orientation"]
        kernel = kernel[:: -1 if orientation & 1 else 1, :: -1 if orientation & 2 else 1]
        kernel = kernel.T if orientation & 4 else kernel
        blurred = convolve(image, np.ascontiguousarray(kernel))
        return np.clip(blurred, 0, 1, out=blurred)


@lru_cache(maxsize=8)
def read_kernels(path: Path) -> tuple[list[np.ndarray], str]:
    """Read blur kernels, normalise each to sum 1, and return them with their digest.

    Raises:
        PatinaError: the file is missing or does not contain kernels.
    """
    if not path.is_file():
        raise PatinaError(f"{path}: no such kernel file")
    arrays = read_arrays(path, "kernels").values()
    found = [kernel for array in arrays for kernel in (array if array.ndim == 3 else [array])]
    if not found or not all(_is_kernel(kernel) for kernel in found):
        raise PatinaError(f"{path}: expected kernels [h, w] or [n, h, w] of finite numbers with a positive sum")
    found = [kernel.astype(np.float64) / kernel.sum() for kernel in found]
    digest = hashlib.blake2b(b"".join(repr(k.shape).encode() + k.tobytes() for k in found), digest_size=8)
    return found, digest.hexdigest()


def _is_kernel(array: np.ndarray) -> bool:
    return array.ndim == 2 and array.dtype.kind in "fiu" and bool(np.isfinite(array).all()) and array.sum() > 0
