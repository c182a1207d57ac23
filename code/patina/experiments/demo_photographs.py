"""The demo's photographs, from scikit-image, written to folders as a user would have them."""

from pathlib import Path

import numpy as np

from patina.degradations.camera import Camera
from patina.experiments.demo_folders import SCALE, DemoFolders
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import write_picture
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.runs.journal import Result, Wanted
from patina.runs.output_folder import OutputFolder
from patina.seeding import derive, numpy_rng

HELD_OUT = ("chelsea", "coffee")
CLEAN = ("astronaut", "stereo_motorcycle", "grass", "camera", "moon")
PHOTOGRAPHS = {
    "clean": CLEAN,
    "clean_by_camera": CLEAN,
    "real": ("rocket", "retina", "coins", "gravel", "brick"),
    "held_out": HELD_OUT,
    "held_out_2x": HELD_OUT,
    "held_out_real": HELD_OUT,
}
"""Names in `skimage.data` by folder; all of them are in its wheel."""

BY_CAMERA = ("clean_by_camera", "real", "held_out_real")
"""The folders whose pictures the simulated camera takes, as JPEG."""

JPEG_QUALITY = 90
MULTIPLE = 16
"""Sides are cropped to a multiple of it, so that every copy of a picture fits the others."""


def take_photographs(folder: OutputFolder, seed: int) -> None:
    """Write the photographs that are missing.

    Args:
        folder: the demo's.
        seed: seed of the camera.
    """
    folders = DemoFolders(folder.path)
    files = {
        str(path.relative_to(folder.path)): path
        for part, names in PHOTOGRAPHS.items()
        for name in names
        for path in [folders.photographs(part) / f"{name}{'.jpg' if part in BY_CAMERA else '.png'}"]
    }
    missing = folder.outdated(map(Wanted, files))
    folder.begin(missing)
    for wanted in missing:
        path = files[wanted.output]
        write_picture(path, _photograph(path, seed), quality=JPEG_QUALITY)
        folder.record([Result(wanted.output)])


def _photograph(path: Path, seed: int) -> np.ndarray:
    scene = bundled_photograph(path.stem)
    if path.parent.name in BY_CAMERA:
        camera, key = Camera(), derive(seed, "camera", path.name)
        return to_pixels(camera.apply(to_tensor(scene), camera.draw(numpy_rng(key, "parameters")), key), np.uint8)
    return imresize(scene, 1 / SCALE) if path.parent.name == "held_out_2x" else scene


def bundled_photograph(name: str) -> np.ndarray:
    """Return one of scikit-image's photographs, RGB uint8, cropped to the multiple."""
    import skimage.data

    pixels = getattr(skimage.data, name)()
    pixels = pixels[0] if isinstance(pixels, tuple) else pixels
    pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(crop_to_multiple(pixels, MULTIPLE)[..., :3])
