"""Pictures of several sizes, depths and formats."""

from pathlib import Path

import numpy as np

from patina.imaging.picture_files import write_picture

RNG = np.random.default_rng(5)


def write_mixed_pictures(folder: Path) -> Path:
    """Write five pictures of several sizes, depths and formats; return their folder."""
    for index in range(3):
        write_picture(folder / f"{index + 8}.png", RNG.integers(0, 256, (37 + index, 50, 3)).astype(np.uint8))
    write_picture(folder / "deep.tif", RNG.integers(0, 65536, (24, 25, 3)).astype(np.uint16))
    write_picture(folder / "gray.bmp", RNG.integers(0, 256, (40, 40)).astype(np.uint8))
    return folder
