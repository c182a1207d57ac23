"""`patina prepare` into tars: a picture at all its scales is one sample, a tile is one sample."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina.imaging.sources import Source, list_sources
from patina.pipelines.multiscale_set import Layout, checked_scales, make_scales
from patina.pipelines.tar_output import Packed, Packing, require_apart, tar_key, write_tars
from patina.pipelines.tile_set import TileGrid, make_tiles
from patina.runs.folder_job import JobReport, output_names
from patina.runs.journal import Result
from patina.runs.made_by import MadeBy
from patina.runs.shards import Shard
from patina.runs.tar_target import TarLimits, TarTarget
from patina.runs.worker_processes import checked_workers, kept_workers


@dataclass(frozen=True)
class TarRequest:
    """Which pictures to prepare into which tars.

    Attributes:
        source: folder of pictures, or one picture.
        target: the tars.
        recursive: whether pictures in subfolders are taken, too.
        workers: processes; None for one per core.
        shard: the part of the pictures to take; the target is its own.
        limits: when a tar is full.
    """

    source: Path
    target: TarTarget
    recursive: bool
    workers: int | None
    shard: Shard | None
    limits: TarLimits

    def write(
        self,
        made_by: MadeBy,
        make: Callable[[Sequence[Source], Path, int], JobReport[Any]],
        packing: Packing,
    ) -> JobReport[Any]:
        """Write the tars.

        Args:
            made_by: everything that decides the results.
            make: makes the results of some pictures in a folder, with a number of processes.
            packing: the samples of a picture.

        Raises:
            PatinaError: see `write_tars`.
        """
        workers = checked_workers(self.workers)
        pictures = list_sources(self.source, self.recursive)
        require_apart(self.target, self.source, self.recursive, pictures)
        output_names(pictures, self.target.pattern)
        mine = pictures if self.shard is None else self.shard.part(pictures, self.source)

        def make_part(part: slice, folder: Path) -> JobReport[Any]:
            return make(mine[part], folder, workers)

        with kept_workers(workers):
            return write_tars(
                self.target, made_by, mine, make_part, limits=self.limits, packing=packing, shard=self.shard
            )


def scales_in_tars(request: TarRequest, scales: Sequence[int]) -> JobReport[Any]:
    """Write every picture at several sizes, as ``key.1x.png``, ``key.8x.png``, …; arguments as in `prepare`."""
    chosen = checked_scales(scales)

    def make(pictures: Sequence[Source], folder: Path, workers: int) -> JobReport[Any]:
        return make_scales(request.source, Layout(folder, chosen), pictures, workers)[0]

    return request.write(MadeBy("prepare", {"mode": "scales", "scales": list(chosen)}), make, _all_scales)


def _all_scales(folder: Path, results: Sequence[Result]) -> Iterator[Packed]:
    """Yield one sample with the picture at all scales, and the sums of its channels by scale."""
    ordered = sorted(results, key=lambda result: result.details["scale"])
    common = {name: ordered[0].details[name] for name in ("multiple", "height", "width")}
    sums = {str(result.details["scale"]): result.details["sums"] for result in ordered}
    images = [(f"{result.details['scale']}x.png", folder / result.output) for result in ordered]
    yield tar_key(Path(ordered[0].output).name), {**common, "sums": sums}, images


def tiles_in_tars(request: TarRequest, grid: TileGrid) -> JobReport[Result]:
    """Write tiles as ``key_000_001.png``; arguments as in `prepare_tiles`."""
    grid.require()

    def make(pictures: Sequence[Source], folder: Path, workers: int) -> JobReport[Any]:
        return make_tiles(request.source, folder, grid, pictures, workers)[0]

    return request.write(grid.made_by, make, _all_tiles)


def _all_tiles(folder: Path, results: Sequence[Result]) -> Iterator[Packed]:
    for result in results:
        for name in result.paths:
            yield tar_key(name), {}, [("png", folder / name)]
