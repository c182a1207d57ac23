"""Make a picture set: every picture at several sizes with channel statistics, squares for training, or test sets."""

import argparse
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

from patina.errors import PatinaError, PictureError
from patina.imaging.crops import crop_to_multiple
from patina.imaging.files import read_picture, write_picture
from patina.imaging.manifest import FILE_NAME, Manifest, ManifestFailure, ManifestPicture, write_json
from patina.imaging.resize import imresize
from patina.imaging.sources import Source, folder_of, list_sources, name_of_results, require_outside
from patina.imaging.statistics import StatisticsAccumulator
from patina.runs.atomic import write_text
from patina.runs.fingerprint import Stamp, file_stamp
from patina.runs.folder_job import JobReport, output_paths, refuse_strangers, run_folder_job
from patina.verbs.arguments import add_flag, add_recursive_flag, checked_workers
from patina.verbs.pieces import Cutting, cut, summary

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "source", "source_dir", required=True, help="folder of pictures, or one picture")
    add_recursive_flag(parser)
    add_flag(parser, "target", "target_dir", required=True, help="folder of the set; gets 1x/, 8x/, … and a manifest")
    add_flag(
        parser, "mode", default="scales", choices=["scales", "tiles", "noise-framed", "categories"],
        help="several sizes (default); squares, their leftovers moved back inside or framed with noise; or test sets",
    )  # fmt: skip
    add_flag(parser, "scales", type=int, nargs="+", help="mode scales: how many times smaller (default: 1 8)")
    add_flag(parser, "side", type=int, help="other modes: of a square in pixels (default: 128)")
    add_flag(parser, "scale", type=int, help="other modes: how many times smaller pairs' pictures are (default: 4)")
    add_flag(parser, "least", type=int, help=f"mode noise-framed: smallest side of a leftover (default: {LEAST})")
    add_flag(parser, "seed", type=int, help="mode noise-framed: of the noise (default: 0)")
    add_flag(parser, "blur", type=float, help="mode categories: deviation of the blur in pixels (default: 2)")
    add_flag(parser, "workers", type=int, help="processes (default: one a core)")


def run(arguments: argparse.Namespace) -> int:
    """Prepare the set; return 1 if pictures failed."""
    _refuse_flags_of_other_modes(arguments)
    work = {"scales": _run_scales, "categories": _run_categories}.get(arguments.mode, _run_pieces)
    report, text = work(arguments, Path(arguments.source), Path(arguments.target))
    report.print_summary()
    print(f"{arguments.target}: {text}")
    return report.exit_code


def _run_scales(arguments: argparse.Namespace, source: Path, target: Path) -> tuple[JobReport, str]:
    scales = arguments.scales or [1, 8]
    report = prepare(source, target, scales, workers=arguments.workers, recursive=arguments.recursive)
    return report, f"{len(report.results)} pictures at {', '.join(f'{scale}x' for scale in sorted(scales))}"


def _run_pieces(arguments: argparse.Namespace, source: Path, target: Path) -> tuple[JobReport, str]:
    given = _given(arguments, "side", "least", "seed")
    if arguments.mode == "noise-framed":
        given.setdefault("least", min(LEAST, given.get("side", LEAST)))
    cutting = Cutting(arguments.mode, **given)
    report = cut(source, target, cutting, workers=arguments.workers, recursive=arguments.recursive)
    return report, summary(report.results, arguments.scale or 4)


def _run_categories(arguments: argparse.Namespace, source: Path, target: Path) -> tuple[JobReport, str]:
    # SciPy's filters are needed here alone.
    from patina.verbs.categories import CATEGORIES, TestSquares, make_categories

    squares = TestSquares(**_given(arguments, "side", "scale", "blur"))
    workers = checked_workers(arguments.workers)
    report = make_categories(source, target, squares, workers=workers, recursive=arguments.recursive)
    return report, f"{len(report.results)} pairs each of {', '.join(CATEGORIES)}"


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


def _refuse_flags_of_other_modes(arguments: argparse.Namespace) -> None:
    for name in set(sum(MODE_FLAGS.values(), ())) - set(MODE_FLAGS[arguments.mode]):
        if getattr(arguments, name) is not None:
            raise PatinaError(f"-{name} means nothing in mode {arguments.mode}; leave it out")


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
