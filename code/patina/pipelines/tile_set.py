"""`patina prepare` in its modes that make tiles of one size: tiles, and noise-framed."""

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from patina.errors import PatinaError, counted
from patina.imaging.picture_files import picture_size, read_picture, write_picture
from patina.imaging.sources import Source, list_sources, require_outside
from patina.imaging.tile_grid import GridTile, clipped_tiles, covering_tiles, frame_with_noise
from patina.runs.fingerprint import digest_if_readable
from patina.runs.folder_job import JobReport, output_names, run_folder_job
from patina.runs.journal import Result, Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.runs.shards import Shard
from patina.runs.worker_processes import checked_workers
from patina.seeding import numpy_rng
from patina.system.atomic import write_text
from patina.system.stored_files import file_size

TABLE = "tiles.csv"
"""Name of the table with the number of tiles per picture."""

COUNTS = ("whole", "leftover", "framed", "dropped")
"""Kinds of tiles, and dropped parts."""


@dataclass(frozen=True)
class _Details:
    """What a journal says of a picture's tiles."""

    whole: int
    leftover: int
    framed: int
    dropped: int
    source_bytes: int


@dataclass(frozen=True)
class TileGrid:
    """How pictures are split into tiles.

    Attributes:
        mode: ``"tiles"`` moves incomplete tiles back inside the picture and drops pictures smaller than a tile;
            ``"noise-framed"`` puts both into a frame of Gaussian noise.
        side: side of a tile in pixels.
        least: noise-framed drops parts with a smaller side.
        seed: seed of the noise, together with the file's name and the tile's position.
    """

    mode: str
    side: int = 128
    least: int = 1
    seed: int = 0

    def require(self) -> None:
        """Refuse sizes that no grid can have; the message names the flags."""
        if self.side < 8 or not 1 <= self.least <= self.side:
            raise PatinaError(
                f"-side is {self.side} and -least {self.least}; expected 8 or more, and 1 to -side for -least"
            )

    @property
    def made_by(self) -> MadeBy:
        """Everything that decides the tiles."""
        return MadeBy("prepare", asdict(self))

    def tiles_of(self, height: int, width: int) -> tuple[list[GridTile], int]:
        """Return a picture's tiles, and how many leftovers are dropped."""
        if self.mode == "noise-framed":
            return clipped_tiles(height, width, self.side, self.least)
        tiles = covering_tiles(height, width, self.side)
        return tiles, 0 if tiles else 1

    def pixels_of(self, pixels: np.ndarray, tile: GridTile, name: str) -> np.ndarray:
        """Return the pixels of one tile of the picture `name`."""
        window = pixels[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        if tile.kind != "framed":
            return window
        return frame_with_noise(window, self.side, numpy_rng(self.seed, "frame", name, tile.row, tile.column))


def prepare_tiles(
    source: Path,
    target: Path,
    grid: TileGrid,
    *,
    workers: int | None = None,
    recursive: bool = False,
    shard: Shard | None = None,
) -> JobReport[Result]:
    """Split every picture of a folder into tiles: PNG files of the pictures' depth, and a table of their numbers.

    Tiles of an earlier run are kept if their pictures are unchanged; those of pictures that are gone are removed.

    Args:
        source: folder of pictures, or one picture.
        target: folder of the tiles.
        grid: how to split.
        workers: processes; None for one per core.
        recursive: whether pictures in subfolders are taken, too.
        shard: the part of the pictures to split, into its own folder `target`; None for all.

    Returns:
        What each picture gave, and the failures.

    Raises:
        PatinaError: a bad size, a folder that cannot be used, or one that holds something else.
    """
    grid.require()
    require_outside(target, source, recursive)
    workers = checked_workers(workers)
    pictures = list_sources(source, recursive)
    output_names(pictures, target)
    report, results = make_tiles(source, target, grid, pictures, workers, shard)
    if shard is None and results and not any(result.paths for result in results):
        raise PatinaError(f"{source}: no image is large enough for a tile of {grid.side}; choose a smaller -side")
    write_tile_table(target, results)
    return JobReport(results, report.failures, report.notes)


def make_tiles(
    source: Path, target: Path, grid: TileGrid, pictures: Sequence[Source], workers: int, shard: Shard | None = None
) -> tuple[JobReport[Result], list[Result]]:
    """Write the tiles of pictures, without a table; return the report, and all results in the folder.

    Args:
        source, target, grid, shard: as in `prepare_tiles`.
        pictures: in the source folder.
        workers: processes.
    """
    by_output = {picture.stem: picture for picture in pictures}
    with OutputFolder.open(
        target, grid.made_by, source=source, sources=pictures, exclusive=True, details=_Details, shard=shard
    ) as folder:
        folder.prune()
        wanted = [Wanted(picture.stem, picture.name, files=()) for picture in pictures]
        todo = [_with_files(item, by_output[item.output], grid) for item in folder.outdated(wanted)]
        folder.begin(todo)
        report = run_folder_job(
            [by_output[item.output] for item in todo], partial(split_picture, target=target, grid=grid),
            description=grid.mode, name=str, workers=workers, on_result=lambda made: folder.record([made]),
        )  # fmt: skip
        folder.finish()
        return report, folder.results


def write_tile_table(target: Path, results: Sequence[Result]) -> None:
    """Write the table of tiles by image."""
    write_text(target / TABLE, _table(results))


def split_picture(source: Source, *, target: Path, grid: TileGrid) -> Result:
    """Write the tiles of one picture.

    Raises:
        PictureError: it cannot be read or is transparent.
    """
    digest = digest_if_readable(source.path)
    pixels = read_picture(source.path, alpha="refuse").pixels
    tiles, dropped = grid.tiles_of(*pixels.shape[:2])
    files = _files(source, tiles)
    for file, tile in zip(files, tiles, strict=True):
        write_picture(target / file, grid.pixels_of(pixels, tile, source.name))
    kinds = [tile.kind for tile in tiles]
    counts = {kind: kinds.count(kind) for kind in ("whole", "leftover", "framed")} | {"dropped": dropped}
    details = counts | {"source_bytes": file_size(source.path)}
    size = sum((target / file).stat().st_size for file in files)
    return Result(source.stem, source.name, digest, details, files=files, file_bytes=size)


def _with_files(wanted: Wanted, source: Source, grid: TileGrid) -> Wanted:
    """Name the tiles that are about to be written, so that a killed run's are known; a broken picture has none."""
    try:
        tiles, _ = grid.tiles_of(*picture_size(source.path))
    except PatinaError:
        return wanted
    return dataclasses.replace(wanted, files=_files(source, tiles))


def _files(source: Source, tiles: Sequence[GridTile]) -> tuple[str, ...]:
    return tuple(f"{source.stem}_{tile.row:03d}_{tile.column:03d}.png" for tile in tiles)


def summary(results: Sequence[Result], scale: int) -> str:
    """Describe the contents of a set and how much storage it saves.

    Pairs are made from tiles in training, so their LQ pictures, `scale` times smaller, are not stored.
    """
    rows = [_row(result) for result in results]
    counts = {kind: sum(row[kind] for row in rows) for kind in COUNTS}
    before, after = (sum(row[name] for row in rows) for name in ("source_bytes", "tile_bytes"))
    change = f"{_mib(abs(before - after))} {'saved' if after <= before else 'more'}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    tiles = sum(len(result.paths) for result in results)
    return (
        f"{counted(tiles, 'tile')} from {counted(len(results), 'image')} ({kinds or 'none'}); "
        f"files: {_mib(before)} before, {_mib(after)} now, {change}; their {scale} times smaller LQ images are made "
        f"in training, which saves about {_mib(after // scale**2)}"
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _row(result: Result) -> Mapping[str, Any]:
    counts = {kind: result.details[kind] for kind in COUNTS}
    sizes = {"source_bytes": result.details["source_bytes"], "tile_bytes": result.file_bytes or 0}
    return {"source": result.source, **counts, **sizes, "saved_bytes": sizes["source_bytes"] - sizes["tile_bytes"]}


def _table(results: Sequence[Result]) -> str:
    """Return a line for each picture, and the sums, as CSV."""
    names = ["source", *COUNTS, "source_bytes", "tile_bytes", "saved_bytes"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    rows = [_row(result) for result in results]
    writer.writerows(rows)
    writer.writerow({"source": "sum"} | {name: sum(row[name] for row in rows) for name in names[1:]})
    return text.getvalue()
