"""A domain, clean or real: the images, conditions and channel statistics of a folder or multi-scale set."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from patina.data.manifest import FILE_NAME, load_manifest
from patina.data.stored_sums import stored_statistics
from patina.errors import PatinaError, PictureError, listed
from patina.imaging.channel_statistics import ChannelStatistics, StatisticsAccumulator
from patina.imaging.picture_files import list_pictures, picture_size, read_picture, readable
from patina.imaging.sources import Source, list_sources, same_text
from patina.imaging.stored_sets import is_stored_set
from patina.system.telling import tell


@dataclass(frozen=True)
class ImageDomain:
    """Images without conditions.

    Attributes:
        name: ``"clean"`` or ``"real"``, for messages.
        images: files.
        image_statistics: over all pixels, 0..255.
    """

    name: str
    images: list[Path]
    image_statistics: ChannelStatistics


@dataclass(frozen=True)
class Domain(ImageDomain):
    """Images and their low-resolution conditions, in the same order.

    Attributes:
        conditions: files, `scale` times smaller than the images.
        scale: ratio of the sizes.
        condition_statistics: over all pixels, 0..255.
    """

    conditions: list[Path]
    scale: int
    condition_statistics: ChannelStatistics


def open_images(
    name: str, folder: Path, statistics: ChannelStatistics | None = None, recursive: bool = False
) -> ImageDomain:
    """Open a plain folder of pictures, a set in stores, or one scale (``1x/``) of a set made by ``patina prepare``.

    Statistics come from the argument, else from the set's manifest if it lists the same pictures, else they are
    measured. With `recursive`, pictures in subfolders are included.

    Raises:
        PatinaError: the folder is missing or empty, or no picture can be read.
    """
    images = list_pictures(folder, "lq" if name == "real" else "gt", recursive)
    return ImageDomain(name, images, _statistics(folder.parent, folder, images) if statistics is None else statistics)


def open_domain(
    name: str, folder: Path, image_scale: int, scale: int, conditions: Callable[[Path], Path] | None = None
) -> Domain:
    """Open a set made by ``patina prepare``: images from ``{image_scale}x/``, conditions `scale` times smaller.

    The conditions lie in ``{image_scale · scale}x/``, or in the folder that `conditions` returns for the folder of
    images, where they match by stem. Statistics come from the set's manifest if it lists the same pictures, or from
    the sums in its tars, and are measured otherwise. `folder` may be a set in stores.

    Raises:
        PatinaError: a folder is missing or empty, a picture has no partner, or two sizes do not fit.
    """
    image_folder, condition_folder = folder / f"{image_scale}x", folder / f"{image_scale * scale}x"
    for subfolder in (image_folder, *([] if conditions else [condition_folder])):
        if not subfolder.is_dir() and not is_stored_set(subfolder):
            raise PatinaError(
                f"{folder}: the {name} set has no {subfolder.name}/; "
                f"make it with `patina prepare -source … -target {folder} -scales {image_scale} {image_scale * scale}`"
            )
    images = everything = list_sources(image_folder)
    if conditions is None:
        small = whole = list_sources(condition_folder)
        _require_partners(images, small)
    else:
        condition_folder = conditions(image_folder)
        whole = list_sources(condition_folder)
        by_stem = {same_text(source.stem): source for source in whole}
        images = [image for image in images if same_text(image.stem) in by_stem]  # unreadable ones have no condition
        small = [by_stem[same_text(image.stem)] for image in images]
    require_scale(zip(_paths(small), _paths(images), strict=True), scale)
    return Domain(
        name=name,
        images=_paths(images),
        image_statistics=_statistics(folder, image_folder, _paths(everything)),
        conditions=_paths(small),
        scale=scale,
        condition_statistics=_statistics(folder, condition_folder, _paths(whole)),
    )


def _paths(sources: Iterable[Source]) -> list[Path]:
    return [source.path for source in sources]


def require_scale(pairs: Iterable[tuple[Path, Path]], scale: int) -> None:
    """Check from the headers that of every pair, the second picture is exactly `scale` times the size of the first.

    Raises:
        PatinaError: names all pairs that do not fit, with their sizes, and pictures that cannot be read.
    """
    problems = []
    for small, large in pairs:
        try:
            (height, width), (large_height, large_width) = picture_size(small), picture_size(large)
        except PictureError as error:
            problems.append(str(error))
            continue
        if (large_height, large_width) != (height * scale, width * scale):
            problems.append(f"{small} is {width}x{height} and {large} is {large_width}x{large_height}")
    if problems:
        raise PatinaError(f"{listed(problems)}; expected exactly {scale} times the size")


def require_size(paths: Sequence[Path], side: int, what: str) -> None:
    """Check from the headers that every picture has at least `side` pixels along each side.

    Raises:
        PatinaError: names all pictures that are too small or cannot be read.
    """
    problems = []
    for path in paths:
        try:
            height, width = picture_size(path)
        except PictureError as error:
            problems.append(str(error))
            continue
        if min(height, width) < side:
            problems.append(f"{path}: {width}x{height} pixels, smaller than the {what} of {side}")
    if problems:
        raise PatinaError(f"{listed(problems)}; remove {_it(problems)} or lower the {what}")


def _it(problems: Sequence[str]) -> str:
    return "it" if len(problems) == 1 else "them"


def _require_partners(images: Sequence[Source], conditions: Sequence[Source]) -> None:
    by_name, others = ({source.name: source for source in sources} for sources in (images, conditions))
    problems = []
    for name in sorted(by_name.keys() ^ others.keys()):
        there, missing = (by_name, conditions) if name in by_name else (others, images)
        problems.append(f"{there[name]} has no partner in {missing[0].path.parent}")
    if problems:
        raise PatinaError(
            f"{listed(problems)}; remove {_it(problems)}, or add the sources and run `patina prepare` again"
        )


def _statistics(folder: Path, subfolder: Path, pictures: Sequence[Path]) -> ChannelStatistics:
    """Read a subfolder's statistics from the manifest or its tars, or measure them over all readable pictures in it.

    Training names unreadable pictures when it meets them.
    """
    if (folder / FILE_NAME).is_file() and re.fullmatch(r"\d+x", subfolder.name):
        manifest, scale = load_manifest(folder), int(subfolder.name.removesuffix("x"))
        is_current = {picture.output for picture in manifest.pictures} == {path.name for path in pictures}
        if is_current and scale in manifest.scales:
            return manifest.statistics[scale]
        if not is_current:
            tell(f"{subfolder}: other images than {FILE_NAME} lists; measuring their statistics")
    elif is_stored_set(subfolder) and (stored := stored_statistics(pictures)) is not None:
        return stored
    accumulator = StatisticsAccumulator()
    for picture in readable(pictures, partial(read_picture, alpha="refuse")):
        accumulator.add(picture.pixels)
    return accumulator.result()
