"""The images of the toy experiment: clean ones, others with each noise, and test images without and with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from patina.errors import PatinaError
from patina.experiments.gap_photographs import SMALLEST, Scene, choose_scenes
from patina.experiments.toy_noises import TOY_NOISES, ToyStatistics
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.picture_files import picture_size, write_picture
from patina.imaging.sources import Source, list_sources
from patina.imaging.value_spaces import to_eight_bit
from patina.runs.folder_job import run_folder_job
from patina.runs.journal import Result, Wanted
from patina.runs.output_folder import OutputFolder
from patina.seeding import numpy_rng

SIDE = 256
"""Side of a test image in pixels."""

BUNDLED = (60, 60, 40)
"""Most bundled photographs: clean, noisy, test."""


@dataclass(frozen=True)
class ToyFolders:
    """Where the toy experiment keeps its files.

    Attributes:
        out: the folder that holds all others.
    """

    out: Path

    @property
    def clean(self) -> Path:
        """Clean training images."""
        return self.out / "images" / "clean"

    @property
    def test(self) -> Path:
        """Clean test images."""
        return self.out / "images" / "test"

    def real(self, noise: str) -> Path:
        """Return the folder of the other training images, with noise."""
        return self.out / noise / "real"

    def test_real(self, noise: str) -> Path:
        """Return the folder of the test images with noise."""
        return self.out / noise / "test"

    def again(self, noise: str) -> Path:
        """Return the folder of the test images with the same noise, drawn again."""
        return self.out / noise / "again"

    def made(self, noise: str, method: str) -> Path:
        """Return the folder of the test images with a method's noise."""
        return self.out / noise / f"test_{method}"

    def runs(self, noise: str) -> Path:
        """Return the folder of the trainings."""
        return self.out / noise / "runs"

    def recipe(self, noise: str) -> Path:
        """Return the fitted recipe."""
        return self.out / noise / "fit.yml"


@dataclass(frozen=True)
class ToyScenes:
    """What the images show, in three groups that share no scene.

    Attributes:
        clean, real, test: by name.
    """

    clean: dict[str, Scene]
    real: dict[str, Scene]
    test: dict[str, Scene]


def toy_scenes(train: Path | None, test: Path | None, seed: int) -> ToyScenes:
    """Divide the training photographs into a clean and a noisy half, at random.

    Args:
        train, test: folders of photographs; both None for those that come with scikit-image.
        seed: of the division.

    Raises:
        PatinaError: one folder is given without the other, or has too few images.
    """
    if train is None and test is None:
        bundled = choose_scenes(None, BUNDLED, seed)
        return ToyScenes(bundled.clean, bundled.real, bundled.held_out)
    if train is None or test is None:
        raise PatinaError("-train and -test belong together; give both folders, or neither for bundled photographs")
    sources = _large(train, SMALLEST, 2)
    shuffled = [sources[place] for place in numpy_rng(seed, "toy scenes").permutation(len(sources))]
    half = len(shuffled) // 2
    return ToyScenes(*map(_named, (shuffled[:half], shuffled[half:], _large(test, SIDE, 1))))


def _large(folder: Path, side: int, count: int) -> list[Source]:
    found = [source for source in list_sources(folder) if min(picture_size(source.path)) >= side]
    if len(found) < count:
        raise PatinaError(f"{folder}: {len(found)} images have {side} pixels on each side, expected {count} or more")
    return found


def _named(sources: list[Source]) -> dict[str, Scene]:
    return {f"{number:03d}": Scene(source.path, source.name) for number, source in enumerate(sources)}


def write_toy_images(folder: OutputFolder, scenes: ToyScenes, noises: tuple[str, ...], seed: int, workers: int) -> None:
    """Write the images that are missing.

    Args:
        folder: the experiment's.
        scenes: what they show.
        noises: names, see `TOY_NOISES`.
        seed: of the noise.
        workers: processes.

    Raises:
        PatinaError: an image cannot be made.
    """
    shots = {shot.name: shot for shot in _shots(ToyFolders(folder.path), scenes, noises)}
    missing = folder.outdated(map(Wanted, shots))
    folder.begin(missing)
    if not missing:
        return
    trained = [*scenes.clean.values(), *scenes.real.values()]
    statistics = ToyStatistics.of(scene.pixels() for scene in trained)
    report = run_folder_job(
        [shots[wanted.output] for wanted in missing],
        partial(_written, out=folder.path, statistics=statistics, seed=seed),
        description="images", name=lambda shot: shot.name, workers=workers,
        on_result=lambda name: folder.record([Result(name)]),
    )  # fmt: skip
    report.require_complete()


@dataclass(frozen=True)
class _Shot:
    """An image to write: its file in the experiment's folder, what it shows, and its noise, if any."""

    name: str
    scene: Scene
    noise: str | None = None
    is_test: bool = False


def _shots(folders: ToyFolders, scenes: ToyScenes, noises: tuple[str, ...]) -> Iterator[_Shot]:
    def shots(folder: Path, group: dict[str, Scene], noise: str | None = None) -> Iterator[_Shot]:
        for name, scene in group.items():
            file = (folder / f"{name}.png").relative_to(folders.out).as_posix()
            yield _Shot(file, scene, noise, is_test=group is scenes.test)

    yield from shots(folders.clean, scenes.clean)
    yield from shots(folders.test, scenes.test)
    for noise in noises:
        yield from shots(folders.real(noise), scenes.real, noise)
        yield from shots(folders.test_real(noise), scenes.test, noise)
        yield from shots(folders.again(noise), scenes.test, noise)


def _written(shot: _Shot, out: Path, statistics: ToyStatistics, seed: int) -> str:
    pixels = shot.scene.pixels()
    pixels = centre_crop(pixels, min(SIDE, *pixels.shape[:2])) if shot.is_test else pixels
    if shot.noise is not None:
        noisy = TOY_NOISES[shot.noise].add(pixels.astype(np.float64), statistics, numpy_rng(seed, shot.name))
        pixels = noisy.clip(0, 255).round().astype(np.uint8)
    path = out / shot.name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, to_eight_bit(pixels))
    return shot.name
