"""`patina prepare` in its modes that make squares of one size: tiles, and noise-framed."""

import csv
import io
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from patina.data.manifest import write_json
from patina.errors import PatinaError
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sources import Source, list_sources, name_of_results, require_outside
from patina.imaging.tile_grid import GridTile, clipped_tiles, covering_tiles, frame_with_noise
from patina.runs.fingerprint import Stamp, file_stamp
from patina.runs.folder_job import JobReport, checked_workers, output_paths, run_folder_job
from patina.seeding import numpy_rng
from patina.system.atomic import write_text
from patina.system.jsonl import Line, append_lines, read_lines

STATEMENT = "pieces.json"
"""The file in a set that says how it was made and what every picture gave."""

TABLE = "pieces.csv"

PROGRESS = ".pieces.jsonl"
"""The file that says what is begun, and what every picture gave until the statement does."""


@dataclass(frozen=True)
class Cutting:
    """How pictures become squares.

    Attributes:
        mode: ``"tiles"`` moves leftovers back over their neighbours and leaves too small pictures out;
            ``"noise-framed"`` puts both into a frame of Gaussian noise.
        side: of a square in pixels.
        least: noise-framed leaves out what has a side below it.
        seed: of the noise, with the file's name and the piece's place.
    """

    mode: str
    side: int = 128
    least: int = 1
    seed: int = 0

    def pieces_of(self, height: int, width: int) -> tuple[list[GridTile], int]:
        """Return a picture's pieces, and how many leftovers are left out."""
        if self.mode == "noise-framed":
            return clipped_tiles(height, width, self.side, self.least)
        pieces = covering_tiles(height, width, self.side)
        return pieces, 0 if pieces else 1

    def square_of(self, pixels: np.ndarray, piece: GridTile, name: str) -> np.ndarray:
        """Return the square of a piece of the picture `name`."""
        window = pixels[piece.top : piece.top + piece.height, piece.left : piece.left + piece.width]
        if piece.kind != "framed":
            return window
        return frame_with_noise(window, self.side, numpy_rng(self.seed, "frame", name, piece.row, piece.column))


@dataclass(frozen=True)
class Yield:
    """What one picture gave.

    Attributes:
        source: its name, see `Source`.
        fingerprint: size and modification time of the source.
        whole, leftover, framed: squares of each kind.
        dropped: leftovers, or a whole picture, too small to be used.
        source_bytes, piece_bytes: of its file, and of the squares' files together.
        files: names of the squares.
    """

    source: str
    fingerprint: Stamp
    whole: int
    leftover: int
    framed: int
    dropped: int
    source_bytes: int
    piece_bytes: int
    files: tuple[str, ...]

    @property
    def pieces(self) -> int:
        """All squares."""
        return len(self.files)


def cut(
    source: Path, target: Path, cutting: Cutting, *, workers: int | None = None, recursive: bool = False
) -> JobReport[Yield]:
    """Cut every picture of `source`, or of its subfolders, too, into squares in `target`, PNG of the pictures' depth.

    What an earlier run has made from the same files in the same way is kept.

    Raises:
        PatinaError: a bad size, a folder that cannot be used, or one that holds squares cut otherwise.
    """
    if cutting.side < 8 or not 1 <= cutting.least <= cutting.side:
        raise PatinaError(f"-side is {cutting.side} and -least {cutting.least}; expected 8 or more, and 1 up to it")
    require_outside(target, source, recursive)
    workers = checked_workers(workers)
    pictures = list_sources(source, recursive)
    output_paths(pictures, target)
    before = _earlier(target, cutting, source, {picture.name for picture in pictures})
    done = {p.name: before[p.name] for p in pictures if p.name in before and _is_there(before[p.name], p, target)}
    missing = [picture for picture in pictures if picture.name not in done]
    _state(target, cutting, source, before.values())
    for picture in missing:
        if picture.name in before:
            _remove(target, before[picture.name])
    append_lines(target / PROGRESS, [{"begun": picture.stem} for picture in missing])
    report = run_folder_job(
        missing, partial(cut_picture, target=target, cutting=cutting), description=cutting.mode, name=str,
        workers=workers, on_result=lambda made: append_lines(target / PROGRESS, [asdict(made)]),
    )  # fmt: skip
    made = done | {each.source: each for each in report.results}
    report.results = [made[picture.name] for picture in pictures if picture.name in made]
    if made and not any(each.pieces for each in made.values()):
        raise PatinaError(
            f"{source}: no picture is large enough for a square of {cutting.side}; choose a smaller -side"
        )
    _state(target, cutting, source, report.results)
    (target / PROGRESS).unlink(missing_ok=True)
    write_text(target / TABLE, _table(report.results))
    return report


def cut_picture(source: Source, *, target: Path, cutting: Cutting) -> Yield:
    """Write the squares of one picture.

    Raises:
        PictureError: it cannot be read or is transparent.
    """
    stamp = file_stamp(source.path)
    pixels = read_picture(source.path, alpha="refuse").pixels
    pieces, dropped = cutting.pieces_of(*pixels.shape[:2])
    files = [target / f"{source.stem}_{piece.row:03d}_{piece.column:03d}.png" for piece in pieces]
    for file, piece in zip(files, pieces, strict=True):
        write_picture(file, cutting.square_of(pixels, piece, source.name))
    kinds = [piece.kind for piece in pieces]
    return Yield(
        source.name,
        stamp,
        *(kinds.count(kind) for kind in ("whole", "leftover", "framed")),
        dropped=dropped,
        source_bytes=stamp[0],
        piece_bytes=sum(file.stat().st_size for file in files),
        files=tuple(file.name for file in files),
    )


def summary(results: list[Yield], scale: int) -> str:
    """Return in words what a set holds and what storage it saves.

    Pairs are made of squares while training, so their small pictures, `scale` times smaller, are stored nowhere; nor
    is what lies beside the squares.
    """
    counts = {kind: sum(getattr(each, kind) for each in results) for kind in ("whole", "leftover", "framed", "dropped")}
    total = sum(each.pieces for each in results)
    before, after = (sum(getattr(each, name) for each in results) for name in ("source_bytes", "piece_bytes"))
    change = f"{_mib(abs(before - after))} {'saved' if after <= before else 'more'}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return (
        f"{len(results)} pictures gave {total} squares ({kinds or 'none'}); files: {_mib(before)} before, "
        f"{_mib(after)} now, {change}; their {scale} times smaller pictures are made in training, "
        f"about {_mib(after // scale**2)} saved"
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _table(results: list[Yield]) -> str:
    """Return one line a picture, and the sums."""
    names = [field.name for field in fields(Yield) if field.name not in ("fingerprint", "files")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "saved_bytes"])
    rows = [[getattr(each, name) for name in names] for each in results]
    rows.append(["sum", *(sum(column) for column in list(zip(*rows, strict=True))[1:])] if rows else ["sum"])
    for row in rows:
        writer.writerow([*row, row[-2] - row[-1]] if len(row) > 1 else row)
    return text.getvalue()


def _remove(target: Path, made: Yield) -> None:
    """Remove the squares of a picture that is gone or was exchanged."""
    for name in made.files:
        (target / name).unlink(missing_ok=True)


def _remove_unfinished(target: Path, lines: Iterable[Line]) -> None:
    """Remove the squares of pictures that a killed run had begun and not finished."""
    begun: set[str] = set()
    for line in lines:
        begun |= {line["begun"]} if "begun" in line else set()
        begun -= {name_of_results(line["source"])} if "source" in line else set()
    for path in list(target.glob("*_???_???.png")) if begun else ():
        if path.stem[:-8] in begun:
            path.unlink()


def _state(target: Path, cutting: Cutting, source: Path, results: Iterable[Yield]) -> None:
    pictures = [asdict(each) for each in results]
    write_json(target / STATEMENT, {"source": str(source.resolve()), **asdict(cutting), "pictures": pictures})


def _earlier(target: Path, cutting: Cutting, source: Path, names: set[str]) -> dict[str, Yield]:
    """Return what an earlier run of the same kind made of the pictures `names`; what it made of others is removed.

    Raises:
        PatinaError: the target holds something else, squares cut otherwise, or squares of another folder.
    """
    statement = target / STATEMENT
    if not statement.is_file():
        if target.exists() and any(target.iterdir()):
            raise PatinaError(f"{target} holds files that are no squares cut here; choose another target")
        return {}
    try:
        values: dict[str, Any] = json.loads(statement.read_text(encoding="utf-8"))
        lines = read_lines(target / PROGRESS)
        pictures = [
            Yield(**each | {"fingerprint": tuple(each["fingerprint"]), "files": tuple(each["files"])})
            for each in [*values.pop("pictures"), *(line for line in lines if "begun" not in line)]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise PatinaError(f"{statement} cannot be read; remove {target} and cut again") from error
    of_this_folder = values.pop("source", None) == str(source.resolve())
    made = {each.source: each for each in pictures}
    others = [each for name, each in made.items() if name not in names and each.files]
    if any(each.files for each in pictures) and (values != asdict(cutting) or (others and not of_this_folder)):
        raise PatinaError(
            f"{target} holds squares cut otherwise, or of another folder, see {statement}; choose another target"
        )
    if others:
        print(f"{target}: removed the squares of {len(others)} pictures that are gone from {source}", file=sys.stderr)
    for each in others:
        _remove(target, each)
    _remove_unfinished(target, lines)
    if values != asdict(cutting):  # and nothing was made of it
        (target / PROGRESS).unlink(missing_ok=True)
        return {}
    return {name: each for name, each in made.items() if name in names}


def _is_there(made: Yield, source: Source, target: Path) -> bool:
    return made.fingerprint == file_stamp(source.path) and all((target / name).is_file() for name in made.files)
