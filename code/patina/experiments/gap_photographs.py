"""The photographs of the gap experiment: clean ones, held-out ones, and others as every camera takes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from patina.errors import PatinaError
from patina.experiments.demo_photographs import HELD_OUT, bundled_photograph
from patina.experiments.gap_folders import SCALE, GapFolders
from patina.experiments.known_camera import KnownCamera
from patina.experiments.known_cameras import ALL_CAMERAS
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import picture_size, read_picture, write_picture
from patina.imaging.sources import list_sources
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.runs.folder_job import run_folder_job
from patina.runs.journal import Result, Wanted
from patina.runs.output_folder import OutputFolder
from patina.seeding import derive, numpy_rng

MULTIPLE, LARGEST, SMALLEST = 16, 512, 160
"""Sides of the scenes: multiples of the first, at most the second, at least the third, in pixels."""

_CROP = 256
"""Side of the crops that the few bundled photographs are cut into."""

_BUNDLED = (
    "astronaut", "stereo_motorcycle", "grass", "camera", "moon", "rocket", "coins", "gravel", "brick",
    "immunohistochemistry", "retina",
)  # fmt: skip
"""Photographs from scikit-image; some crops of each are used as clean images, others as photos."""

_MOST_CROPS = 7
"""Largest number of crops of one photograph, so that the largest does not dominate the set."""


@dataclass(frozen=True)
class Scenes:
    """What is photographed, in three groups that share no scene.

    Attributes:
        clean, real, held_out: pictures, or crops, by name.
    """

    clean: dict[str, "Scene"]
    real: dict[str, "Scene"]
    held_out: dict[str, "Scene"]


@dataclass(frozen=True)
class Scene:
    """A clean picture or a part of it.

    Attributes:
        file: picture to read; None for one that comes with scikit-image.
        name: in its folder, or scikit-image's name.
        top, left: of the crop of one that comes with scikit-image.
    """

    file: Path | None
    name: str
    top: int = 0
    left: int = 0

    @property
    def source(self) -> str | None:
        """The name of its source in the user's folder, if it is from there."""
        return None if self.file is None else self.name

    def pixels(self) -> np.ndarray:
        """Return RGB uint8, its sides multiples of `MULTIPLE`."""
        if self.file is None:
            whole = bundled_photograph(self.name)
            return whole[self.top : self.top + _CROP, self.left : self.left + _CROP]
        picture = read_picture(self.file, alpha="refuse")
        values = values_to_pixels(to_values(picture.pixels), np.uint8)
        return crop_to_multiple(values[:LARGEST, :LARGEST], MULTIPLE)


def choose_scenes(folder: Path | None, counts: tuple[int, int, int], seed: int) -> Scenes:
    """Divide photographs into clean, real and held-out ones.

    The bundled photographs are too few to keep them apart: clean images and photos would show unlike subjects, such as
    an astronaut and gravel. They share photographs, but no crop of one; held-out crops are of other photographs.

    Args:
        folder: clean photographs of the user's; None for those that come with scikit-image, in crops.
        counts: most pictures of each group.
        seed: of the division.

    Raises:
        PatinaError: there are too few.
    """
    rng = numpy_rng(seed, "scenes")
    if folder is None:
        shared = [crop for name in _BUNDLED for crop in _some(rng, list(_crops(name)), _MOST_CROPS)]
        others = [crop for name in HELD_OUT for crop in _crops(name)]
        groups = shared[0::2], shared[1::2], others
        chosen = [_some(rng, group, count) for group, count in zip(groups, counts, strict=True)]
    else:
        files = [Scene(source.path, source.name) for source in list_sources(folder) if _is_large(source.path)]
        if len(files) < sum(counts) // 4:
            raise PatinaError(
                f"{folder}: {len(files)} images have {SMALLEST} pixels on each side; expected {sum(counts) // 4} or "
                f"more, {sum(counts)} are best"
            )
        shuffled = _some(rng, files, min(sum(counts), len(files)))
        ends = np.round(np.cumsum(counts) / sum(counts) * len(shuffled)).astype(int)
        chosen = [shuffled[: ends[0]], shuffled[ends[0] : ends[1]], shuffled[ends[1] : ends[2]]]
    return Scenes(*({f"{number:03d}": scene for number, scene in enumerate(group)} for group in chosen))


def _some(rng: np.random.Generator, scenes: Sequence[Scene], count: int) -> list[Scene]:
    return [scenes[place] for place in rng.permutation(len(scenes))[:count]]


def _is_large(path: Path) -> bool:
    return min(picture_size(path)) >= SMALLEST


def _crops(name: str) -> Iterator[Scene]:
    height, width = bundled_photograph(name).shape[:2]
    for top in range(0, height - _CROP + 1, _CROP):
        for left in range(0, width - _CROP + 1, _CROP):
            yield Scene(None, name, top, left)


def take_photographs(
    folder: OutputFolder, scenes: Scenes, cameras: Sequence[str], seeds: Sequence[int], seed: int, workers: int
) -> None:
    """Write the pictures that are missing.

    Args:
        folder: the experiment's.
        scenes: what to photograph.
        cameras: names of the cameras, see `ALL_CAMERAS`.
        seeds: of the networks, which are trained on true pairs of their own.
        seed: of the cameras.
        workers: processes.

    Raises:
        PatinaError: a picture cannot be taken.
    """
    shots = {shot.name: shot for shot in _shots(GapFolders(folder.path), scenes, cameras, seeds)}
    missing = folder.outdated(Wanted(name, shot.scene.source) for name, shot in shots.items())
    folder.begin(missing)

    def record(name: str) -> None:
        source = shots[name].scene.source
        folder.record([Result(name, source, None if source is None else folder.source_digest(source))])

    report = run_folder_job(
        [shots[wanted.output] for wanted in missing], partial(_taken, out=folder.path, seed=seed),
        description="photographs", name=lambda shot: shot.name, workers=workers, on_result=record,
    )  # fmt: skip
    report.require_complete()


@dataclass(frozen=True)
class _Shot:
    """A scene as it is, at half the size, or as a camera takes it.

    Attributes:
        name: its file in the experiment's folder.
        scene: what it shows.
        camera: name of the camera; None for none.
        halved: whether to shrink it.
    """

    name: str
    scene: Scene
    camera: str | None = None
    halved: bool = False


def _shots(folders: GapFolders, scenes: Scenes, cameras: Sequence[str], seeds: Sequence[int]) -> Iterator[_Shot]:
    """Yield every picture of the experiment."""

    def shot(folder: Path, name: str, scene: Scene, camera: str | None = None, halved: bool = False) -> _Shot:
        suffix = ALL_CAMERAS[camera].suffix if camera else ".png"
        return _Shot((folder / f"{name}{suffix}").relative_to(folders.out).as_posix(), scene, camera, halved)

    for name, scene in scenes.clean.items():
        yield shot(folders.clean, name, scene)
        yield shot(folders.clean_half, name, scene, halved=True)
    yield from (shot(folders.held_out, name, scene) for name, scene in scenes.held_out.items())
    for camera in cameras:
        yield from (shot(folders.real(camera), name, scene, camera) for name, scene in scenes.real.items())
        yield from (shot(folders.held_out_lq(camera), name, scene, camera) for name, scene in scenes.held_out.items())
        for seed in seeds:
            pairs = folders.pairs(camera, "true", seed)
            yield from (shot(pairs, name, scene, camera) for name, scene in scenes.clean.items())


def _taken(shot: _Shot, out: Path, seed: int) -> str:
    pixels, path = shot.scene.pixels(), out / shot.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if shot.camera is not None:
        photograph(pixels, path, ALL_CAMERAS[shot.camera], derive(seed, shot.name))
    else:
        write_picture(path, imresize(pixels, 1 / SCALE) if shot.halved else pixels)
    return shot.name


def photograph(pixels: np.ndarray, path: Path, camera: KnownCamera, key: int) -> None:
    """Take a picture and write it in the camera's format.

    Args:
        pixels: the scene, RGB uint8 ``[H, W, 3]`` of even sides.
        path: file to write, with the camera's suffix.
        camera: the camera.
        key: decides everything that is drawn.
    """
    rng = numpy_rng(key, "camera")
    low, high = camera.quality
    quality = int(rng.integers(low, high + 1))
    taken = camera.take(pixels.astype(np.float64) / 255, rng)
    write_picture(path, values_to_pixels(taken.astype(np.float32).clip(0, 1), np.uint8), quality=quality)
