"""Make a multi-scale set: every picture of a folder at several sizes, and a manifest with channel statistics."""

import math
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from patina.data.manifest import FILE_NAME, Manifest, ManifestFailure, ManifestPicture, load_manifest, save_manifest
from patina.errors import PatinaError, PictureError
from patina.imaging.channel_statistics import StatisticsAccumulator
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sources import Source, folder_of, list_sources, name_of_results, require_outside
from patina.runs.fingerprint import digest_if_readable
from patina.runs.folder_job import JobReport, output_names, run_folder_job
from patina.runs.journal import Result, Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.runs.shards import Shard
from patina.runs.worker_processes import checked_workers
from patina.system.place_names import as_given, lasting_name
from patina.system.telling import warn

_NAMED_EXTRAS = 5


@dataclass(frozen=True)
class Layout:
    """Where a set's files lie and which sizes it has."""

    target: Path
    scales: tuple[int, ...]

    @property
    def multiple(self) -> int:
        """Every scale divides it, so pictures of all scales fit each other exactly."""
        return math.lcm(*self.scales)

    def output(self, source: Source, scale: int) -> str:
        """Return the file of `source` at `scale`, relative to the target."""
        return f"{scale}x/{source.stem}.png"

    def wanted(self, source: Source, scale: int) -> Wanted:
        """Return the result of `source` at `scale`; it is made again where the crop is another one."""
        return Wanted(self.output(source, scale), source.name, {"scale": scale, "multiple": self.multiple})


@dataclass(frozen=True)
class _Sums:
    """What `StatisticsAccumulator` has added up."""

    pixels: int
    sums: tuple[int, int, int]
    squares: tuple[int, int, int]

    def __post_init__(self) -> None:
        if self.pixels < 1 or any(self.pixels * b < a * a for a, b in zip(self.sums, self.squares, strict=True)):
            raise ValueError("no pixels have these sums")


@dataclass(frozen=True)
class _Details:
    """What a journal says of a picture at one scale; height and width are those at scale 1."""

    multiple: int
    height: int
    width: int
    sums: _Sums


@dataclass(frozen=True)
class PictureJob:
    """A picture and the scales that are missing."""

    source: Source
    scales: tuple[int, ...]

    def __str__(self) -> str:
        return str(self.source)


def prepare(
    source: Path | str,
    target: Path | str,
    scales: Sequence[int],
    *,
    workers: int | None = None,
    recursive: bool = False,
    shard: Shard | None = None,
) -> JobReport[str]:
    """Write every picture of `source` at every scale to ``target/{scale}x/``, and a manifest when all are there.

    Pictures are cropped (keeping the top left) to a multiple of all scales and shrunk with MATLAB's bicubic;
    16-bit pictures stay 16 bit, gray ones become RGB. Results of an earlier run are kept if their sources are
    unchanged. A picture that cannot be used is skipped and reported.

    Args:
        source: folder of pictures, or one picture.
        target: folder of the set.
        scales: downscaling factors, e.g. ``[1, 8]``; 1 is the cropped original.
        workers: processes; None for one per core.
        recursive: whether pictures in subfolders of `source` are taken, too.
        shard: the part of the pictures to take, into its own folder `target`; None for all.

    Returns:
        The names of the pictures in the set, and the failures.

    Raises:
        PatinaError: bad scales or folders, pictures of one name, or a full disk.
    """
    source, layout = Path(source), Layout(Path(target), checked_scales(scales))
    workers = checked_workers(workers)
    _check_folders(source, layout, recursive)
    pictures = list_sources(source, recursive)
    output_names(pictures, layout.target)
    report, results = make_scales(source, layout, pictures, workers, shard)
    return _described(source, layout, pictures, results, report, is_part=shard is not None)


def make_scales(
    source: Path, layout: Layout, pictures: Sequence[Source], workers: int, shard: Shard | None = None
) -> tuple[JobReport[list[Result]], list[Result]]:
    """Write pictures at all scales, without a manifest; return the report, and all results in the folder.

    Arguments and errors are as in `prepare`.
    """
    wanted = [layout.wanted(picture, scale) for picture in pictures for scale in layout.scales]
    with OutputFolder.open(
        layout.target,
        MadeBy("prepare", {"mode": "scales"}),
        source=source,
        sources=pictures,
        details=_Details,
        shard=shard,
    ) as folder:
        todo = folder.outdated(wanted)
        folder.begin(todo)
        if todo:
            # Until all are made, a manifest would describe neither the set before nor the one behind.
            (layout.target / FILE_NAME).unlink(missing_ok=True)
        report = run_folder_job(
            _jobs(todo, pictures), partial(prepare_picture, layout=layout), description="prepare", name=str,
            workers=workers, on_result=folder.record,
        )  # fmt: skip
        folder.finish()
        return report, folder.results


def _jobs(todo: Iterable[Wanted], pictures: Sequence[Source]) -> list[PictureJob]:
    """Return the results to make for every picture."""
    scales: dict[str | None, list[int]] = defaultdict(list)
    for wanted in todo:
        scales[wanted.source].append(wanted.details["scale"])
    return [PictureJob(picture, tuple(scales[picture.name])) for picture in pictures if picture.name in scales]


def prepare_picture(job: PictureJob, *, layout: Layout) -> list[Result]:
    """Write one picture at the scales that are missing.

    Raises:
        PictureError: the picture cannot be read, is transparent or too small.
    """
    source = job.source
    digest = digest_if_readable(source.path)
    pixels = read_picture(source.path, alpha="refuse").pixels
    height, width = pixels.shape[:2]
    if min(height, width) < layout.multiple:
        least = f"{layout.multiple}x{layout.multiple}"
        raise PictureError(f"{source} is {width}x{height}; these scales need at least {least} pixels")
    pixels = crop_to_multiple(pixels, layout.multiple)
    return [_write_scale(source, digest, pixels, scale, layout) for scale in job.scales]


def _write_scale(source: Source, digest: str | None, pixels: np.ndarray, scale: int, layout: Layout) -> Result:
    height, width = pixels.shape[:2]
    smaller = pixels if scale == 1 else imresize(pixels, size=(height // scale, width // scale))
    sums = StatisticsAccumulator()
    sums.add(smaller)
    wanted = layout.wanted(source, scale)
    write_picture(layout.target / wanted.output, smaller)
    details: dict[str, Any] = {**wanted.details, "height": height, "width": width, "sums": sums.to_dict()}
    size = os.stat(layout.target / wanted.output).st_size
    return Result(wanted.output, source.name, digest, details, file_bytes=size)


# The manifest


def _described(
    source: Path,
    layout: Layout,
    pictures: Sequence[Source],
    results: Iterable[Result],
    report: JobReport[list[Result]],
    is_part: bool = False,
) -> JobReport[str]:
    """Write the manifest of the set, for a part's failures alone, too; return the pictures' names, and the failures."""
    made = {result.output: result for result in results if result.details["multiple"] == layout.multiple}
    whole = {
        picture.name: [made[layout.output(picture, scale)] for scale in layout.scales]
        for picture in pictures
        if all(layout.output(picture, scale) in made for scale in layout.scales)
    }
    if whole or (is_part and report.failures):
        save_manifest(layout.target, manifest := _manifest(source, layout, whole, report.failures))
        if whole:
            _warn_of_extras(layout, {picture.output for picture in manifest.pictures})
    return JobReport(list(whole), report.failures, report.notes)


def describe_merged(
    source: Path, target: Path, pictures: Sequence[Source], results: Sequence[Result], shards: Sequence[Path]
) -> None:
    """Write the manifest of a set whose results come from several parts, with the failures that theirs name."""
    multiples = {result.details["multiple"] for result in results}
    scales = {result.details["scale"] for result in results if result.details["multiple"] == max(multiples)}
    layout, folder = Layout(target, tuple(sorted(scales))), folder_of(source)
    failed = {
        failure.source: failure.message
        for shard in shards
        if (shard / FILE_NAME).is_file()
        for failure in load_manifest(shard).failures
    }
    failures = [(str(folder / one.name), failed[one.name]) for one in pictures if one.name in failed]
    _described(source, layout, pictures, results, JobReport([], failures))


def _manifest(
    source: Path, layout: Layout, whole: Mapping[str, Sequence[Result]], failures: Sequence[tuple[str, str]]
) -> Manifest:
    folder, statistics = folder_of(source), {}
    for place, scale in enumerate(layout.scales if whole else ()):
        total = StatisticsAccumulator()
        for results in whole.values():
            total.merge(StatisticsAccumulator.from_dict(results[place].details["sums"]))
        statistics[scale] = total.result()
    return Manifest(
        source=lasting_name(source),
        crop_multiple=layout.multiple,
        statistics=statistics,
        pictures=tuple(
            ManifestPicture(name, f"{name_of_results(name)}.png", *_size(results[0])) for name, results in whole.items()
        ),
        failures=tuple(
            ManifestFailure(Path(name).relative_to(folder).as_posix(), as_given(message)) for name, message in failures
        ),
    )


def _size(result: Result) -> tuple[int, int]:
    """Return height and width of a picture at scale 1."""
    return result.details["height"], result.details["width"]


def _warn_of_extras(layout: Layout, outputs: set[str]) -> None:
    """Name what lies in the target without belonging to the set: training would read it."""
    extras = [
        f"{scale}x/{name}"
        for scale in layout.scales
        for name in sorted(os.listdir(layout.target / f"{scale}x"))
        if name not in outputs and not name.startswith(".")
    ]
    folders = {f"{scale}x" for scale in layout.scales}
    extras += sorted(
        f"{path.name}/"
        for path in layout.target.iterdir()
        if re.fullmatch(r"\d+x", path.name) and path.name not in folders
    )
    if extras:
        more = f" and {len(extras) - _NAMED_EXTRAS} more" if len(extras) > _NAMED_EXTRAS else ""
        names = ", ".join(extras[:_NAMED_EXTRAS])
        warn(f"warning: {layout.target} has what this set does not: {names}{more}; remove it")


# Checks


def checked_scales(scales: Sequence[int]) -> tuple[int, ...]:
    """Return scales in order, or raise a `PatinaError` if they are not different whole numbers from 1 up."""
    if not scales or min(scales) < 1 or len(set(scales)) != len(scales):
        raise PatinaError(f"scales must be different whole numbers from 1 up, e.g. 1 8; got {list(scales)}")
    return tuple(sorted(scales))


def _check_folders(source: Path, layout: Layout, recursive: bool) -> None:
    taken = [layout.target, *(layout.target / f"{scale}x" for scale in layout.scales)]
    if source.resolve() in [folder.resolve() for folder in taken]:
        raise PatinaError(f"{source} is also where the set would be written; choose another target")
    if recursive:
        require_outside(layout.target, source, recursive)
    if layout.target.exists() and not layout.target.is_dir():
        raise PatinaError(f"{layout.target} is a file; expected a folder to write the set to")
