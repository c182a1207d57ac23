"""Measure how many pictures a second a recipe makes on this machine."""

import os
from pathlib import Path

import numpy as np

from patina.imaging.picture_files import write_picture

DIFFERENT = 12
"""Different clean pictures; more are copies, because their content does not change the time."""


def _processor_seconds() -> float:
    """Return the processor time of this process and its finished children: it does not count what others take."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def make_pictures(folder: Path, count: int, side: int) -> None:
    """Write crops of photographs that come with scikit-image, with a little noise as cameras have."""
    from skimage import data

    scenes = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    rng = np.random.default_rng(0)
    files: list[bytes] = []
    for index in range(count):
        path = folder / f"{index:05d}.png"
        if index < DIFFERENT:
            write_picture(path, _scene(scenes[index % len(scenes)], side, rng))
            files.append(path.read_bytes())
        else:
            path.write_bytes(files[index % DIFFERENT])


def _scene(picture: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a square out of a picture, mirrored as often as it needs to be large enough."""
    rows, columns = (-(-side // length) + 1 for length in picture.shape[:2])
    tall = np.concatenate([picture[:: -1 if row % 2 else 1] for row in range(rows)])
    wide = np.concatenate([tall[:, :: -1 if column % 2 else 1] for column in range(columns)], axis=1)
    top, left = (int(rng.integers(length - side + 1)) for length in wide.shape[:2])
    cut = wide[top : top + side, left : left + side] + rng.normal(0, 2, (side, side, 3))
    return np.rint(cut).clip(0, 255).astype(np.uint8)
