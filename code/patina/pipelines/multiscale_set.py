"""Make a picture set: every picture at several sizes with channel statistics, squares for training, or test sets."""

import json
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from patina.data.manifest import FILE_NAME, Manifest, ManifestFailure, ManifestPicture, write_json
from patina.errors import PatinaError, PictureError
from patina.imaging.channel_statistics import StatisticsAccumulator
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sources import Source, folder_of, list_sources, name_of_results, require_outside
from patina.runs.fingerprint import Stamp, file_stamp
from patina.runs.folder_job import JobReport, checked_workers, output_paths, refuse_strangers, run_folder_job
from patina.system.atomic import write_text

RECORDS = ".prepared"
"""Hidden folder in the target: one small file a picture, so that the next run knows what is done."""

SOURCE_NAME = "source.txt"
"""The file in it that names the folder of the pictures."""

MODE_FLAGS = {
    "scales": ("scales",),
    "tiles": ("side", "scale"),
    "noise-framed": ("side", "scale", "least", "seed"),
    "categories": ("side", "scale", "blur"),
}
"""What each mode can be told."""

LEAST = 32
"""Leftovers with a side below it are mostly frame."""

_NAMED_EXTRAS = 5


@dataclass(frozen=True)
class Output:
    """One written file: its size, to notice that it was replaced, and the sums over its pixels."""

    size: int
    sums: StatisticsAccumulator


@dataclass(frozen=True)
class Record:
    """What was made of one source picture, and from which state of it.

    Attributes:
        source: name of the source, see `Source`.
        fingerprint: size and modification time of the source.
        multiple: sizes were cropped to a multiple of it.
        height, width: size at scale 1.
        outputs: per scale.
    """

    source: str
    fingerprint: Stamp
    multiple: int
    height: int
    width: int
    outputs: dict[int, Output]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        outputs = {str(scale): {"size": o.size, "sums": o.sums.to_dict()} for scale, o in sorted(self.outputs.items())}
        return vars(self) | {"outputs": outputs}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Record":
        """Undo `to_dict`."""
        outputs = {
            int(scale): Output(o["size"], StatisticsAccumulator.from_dict(o["sums"]))
            for scale, o in values["outputs"].items()
        }
        return cls(**values | {"outputs": outputs, "fingerprint": tuple(values["fingerprint"])})


@dataclass(frozen=True)
class Layout:
    """Where a set's files lie and which sizes it has."""

    target: Path
    scales: tuple[int, ...]

    @property
    def multiple(self) -> int:
        """All scales divide it, so every scale fits every other exactly."""
        return math.lcm(*self.scales)

    def output(self, source: Source, scale: int) -> Path:
        """Return the file of `source` at `scale`."""
        return self.target / f"{scale}x" / f"{source.stem}.png"

    def record(self, source: Source) -> Path:
        """Return the file with the record of `source`."""
        return self.target / RECORDS / f"{source.stem}.json"


def prepare(
    source: Path | str,
    target: Path | str,
    scales: Sequence[int],
    *,
    workers: int | None = None,
    recursive: bool = False,
) -> JobReport[Record]:
    """Write every picture of `source` at every scale to ``target/{scale}x/``, and a manifest when all are there.

    Pictures are cropped (keeping the top left) to a multiple of all scales and shrunk with MATLAB's bicubic;
    16-bit pictures stay 16 bit, gray ones become RGB. What an earlier run has made from the same source files is
    kept. A picture that cannot be used is skipped and reported.

    Args:
        source: folder of pictures.
        target: folder of the set.
        scales: how many times smaller, e.g. ``[1, 8]``; 1 is the cropped original.
        workers: processes; None for one a core.
        recursive: whether pictures in subfolders of `source` are taken, too.

    Returns:
        A record per picture in the set, and the failures.

    Raises:
        PatinaError: bad scales or folders, two pictures of one name, or a full disk.
    """
    source, layout = Path(source), Layout(Path(target), _checked_scales(scales))
    workers = checked_workers(workers)
    _check_folders(source, layout, recursive)
    pictures = list_sources(source, recursive)
    output_paths(pictures, layout.target)
    _claim(source, layout, pictures)
    done = {picture: record for picture in pictures if (record := _finished(picture, layout))}
    missing = [picture for picture in pictures if picture not in done]
    if missing:
        # From here until the end the set is in between; a manifest would describe neither state.
        (layout.target / FILE_NAME).unlink(missing_ok=True)
    report = run_folder_job(
        missing, partial(prepare_picture, layout=layout), description="prepare", name=str, workers=workers
    )
    made = {record.source: record for record in [*done.values(), *report.results]}
    report.results = [made[picture.name] for picture in pictures if picture.name in made]
    if report.results:
        manifest = _manifest(source, layout, report)
        write_json(layout.target / FILE_NAME, manifest.to_dict())
        _warn_of_extras(layout, {picture.output for picture in manifest.pictures})
    return report


def prepare_picture(source: Source, *, layout: Layout) -> Record:
    """Write the missing sizes of one picture, and its record last.

    Raises:
        PictureError: the picture cannot be read, is transparent or too small.
    """
    pixels = _cropped(source.path, read_picture(source.path, alpha="refuse").pixels, layout.multiple)
    fingerprint = file_stamp(source.path)
    outputs = _kept_outputs(source, layout)
    layout.record(source).unlink(missing_ok=True)
    for scale in layout.scales:
        if scale not in outputs:
            outputs[scale] = _write_scale(layout.output(source, scale), pixels, scale)
    record = Record(source.name, fingerprint, layout.multiple, *pixels.shape[:2], outputs)
    write_json(layout.record(source), record.to_dict())
    return record


def _cropped(source: Path, pixels: np.ndarray, multiple: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    if min(height, width) < multiple:
        raise PictureError(f"{source} is {width}x{height}; these scales need at least {multiple}x{multiple} pixels")
    return crop_to_multiple(pixels, multiple)


def _write_scale(path: Path, pixels: np.ndarray, scale: int) -> Output:
    height, width = pixels.shape[:2]
    smaller = pixels if scale == 1 else imresize(pixels, size=(height // scale, width // scale))
    sums = StatisticsAccumulator()
    sums.add(smaller)
    write_picture(path, smaller)
    return Output(path.stat().st_size, sums)


# What an earlier run has left


def _finished(source: Source, layout: Layout) -> Record | None:
    """Return the record of a picture of which nothing is missing."""
    record = _valid_record(source, layout)
    if record and all(_is_there(record, source, layout, scale) for scale in layout.scales):
        return record
    return None


def _kept_outputs(source: Source, layout: Layout) -> dict[int, Output]:
    record = _valid_record(source, layout)
    if record is None:
        return {}
    return {
        scale: output for scale, output in record.outputs.items() if _is_there(record, source, layout, scale)
    }  # fmt: skip


def _valid_record(source: Source, layout: Layout) -> Record | None:
    """Return the picture's record if it is about this state of the source and this crop."""
    try:
        record = Record.from_dict(json.loads(layout.record(source).read_text(encoding="utf-8")))
        same = (record.source, record.fingerprint) == (source.name, file_stamp(source.path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if same and record.multiple == layout.multiple else None


def _is_there(record: Record, source: Source, layout: Layout, scale: int) -> bool:
    path = layout.output(source, scale)
    return scale in record.outputs and path.is_file() and path.stat().st_size == record.outputs[scale].size


# What the set looks like at the end


def _manifest(source: Path, layout: Layout, report: JobReport[Record]) -> Manifest:
    folder, statistics = folder_of(source), {}
    for scale in layout.scales:
        total = StatisticsAccumulator()
        for record in report.results:
            total.merge(record.outputs[scale].sums)
        statistics[scale] = total.result()
    return Manifest(
        source=str(source.resolve()),
        crop_multiple=layout.multiple,
        statistics=statistics,
        pictures=tuple(
            ManifestPicture(record.source, f"{name_of_results(record.source)}.png", record.height, record.width)
            for record in report.results
        ),
        failures=tuple(
            ManifestFailure(Path(name).relative_to(folder).as_posix(), message) for name, message in report.failures
        ),
    )


def _claim(source: Path, layout: Layout, pictures: Sequence[Source]) -> None:
    """State of which folder the set is; refuse a target with files of another, which training would read as one set.

    Raises:
        PatinaError: it holds what this set does not have, or what no set made.
    """
    statement, text = layout.target / RECORDS / SOURCE_NAME, f"{source.resolve()}\n"
    before = statement.read_text(encoding="utf-8") if statement.is_file() else None
    if before is None and not statement.parent.is_dir():
        refuse_strangers(layout.output(picture, scale) for picture in pictures for scale in layout.scales)
    if before == text:
        return
    others = {path.stem for path in statement.parent.glob("*.json")} - {picture.stem for picture in pictures}
    if before is not None and others:
        raise PatinaError(
            f"{layout.target} holds the set of {before.strip()}, with {len(others)} pictures that {source} does not "
            "have; choose another target"
        )
    write_text(statement, text)


def _warn_of_extras(layout: Layout, outputs: set[str]) -> None:
    """Name what lies in the target without belonging to the set: training would read it."""
    extras = [
        str(path.relative_to(layout.target))
        for scale in layout.scales
        for path in sorted((layout.target / f"{scale}x").iterdir())
        if path.name not in outputs and not path.name.startswith(".")
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
        print(f"warning: {layout.target} has what this set does not: {names}{more}; remove it", file=sys.stderr)


# Checks


def _checked_scales(scales: Sequence[int]) -> tuple[int, ...]:
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
