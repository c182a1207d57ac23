"""`patina prepare` in all its modes."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from patina.errors import PatinaError, counted
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.set_tars import TarRequest, scales_in_tars, tiles_in_tars
from patina.pipelines.tile_set import TileGrid, prepare_tiles, summary
from patina.runs.folder_job import JobReport
from patina.runs.shards import Shard
from patina.runs.tar_target import TarLimits, TarTarget

LEAST = 32
"""Smallest side in pixels of an incomplete tile that noise-framed keeps; smaller ones would be mostly frame."""


@dataclass(frozen=True)
class PrepareRequest:
    """The settings of `patina prepare`; None is the mode's default.

    Attributes:
        source: folder of pictures, or one picture.
        target: folder of the set, or, in all modes but categories, a pattern of tars, see `TarTarget`.
        mode: one of `MODES`.
        recursive: whether to include pictures in subfolders.
        workers: number of processes; None for one per core.
        scales: mode scales: downscaling factors.
        side: other modes: side of a tile in pixels.
        scale: other modes: downscaling factor of the LQ pictures.
        least: mode noise-framed: smallest side of an incomplete tile in pixels.
        seed: mode noise-framed: seed of the noise.
        blur: mode categories: std of the blur in pixels.
        shard: all modes but categories: the part of the pictures to take, into its own folder `target`.
        limits: when a tar is full.
    """

    source: Path
    target: Path
    mode: str = "scales"
    recursive: bool = False
    workers: int | None = None
    scales: tuple[int, ...] | None = None
    side: int | None = None
    scale: int | None = None
    least: int | None = None
    seed: int | None = None
    blur: float | None = None
    shard: Shard | None = None
    limits: TarLimits = TarLimits()  # noqa: RUF009 - frozen


def prepare_set(request: PrepareRequest) -> tuple[JobReport[Any], str]:
    """Make a set; return the job's report and a description of the set.

    Raises:
        PatinaError: a setting that the mode does not have, or any error of the mode.
    """
    work, settings = MODES[request.mode]
    for field in fields(request):
        if field.name in _SETTINGS - settings and getattr(request, field.name) is not None:
            raise PatinaError(f"-{field.name} does not apply to mode {request.mode}; omit it")
    return work(request)


def _scales(request: PrepareRequest) -> tuple[JobReport[Any], str]:
    scales = request.scales or (1, 8)
    report: JobReport[Any]
    if (tars := _tars(request)) is not None:
        report = scales_in_tars(tars, scales)
    else:
        report = prepare(request.source, request.target, scales, **_common(request))
    return report, f"{counted(len(report.results), 'image')} at {', '.join(f'{scale}x' for scale in sorted(scales))}"


def _tiles(request: PrepareRequest) -> tuple[JobReport[Any], str]:
    given = _given(request, "side", "least", "seed")
    if request.mode == "noise-framed":
        given.setdefault("least", min(LEAST, given.get("side", LEAST)))
    grid = TileGrid(request.mode, **given)
    if (tars := _tars(request)) is not None:
        made = tiles_in_tars(tars, grid)
        return made, summary(made.results, request.scale or 4)
    report = prepare_tiles(request.source, request.target, grid, **_common(request))
    return report, summary(report.results, request.scale or 4)


def _categories(request: PrepareRequest) -> tuple[JobReport[Any], str]:
    # Only this mode needs SciPy.
    from patina.pipelines.test_sets import CATEGORIES, CategorySettings, prepare_test_sets

    if TarTarget.parse(request.target) is not None:
        raise PatinaError(f"{request.target}: mode categories writes folders; choose a folder as -target")
    settings = CategorySettings(**_given(request, "side", "scale", "blur"))
    report = prepare_test_sets(
        request.source, request.target, settings, workers=request.workers, recursive=request.recursive
    )
    return report, f"{len(report.results)} pairs each of {', '.join(CATEGORIES)}"


def _tars(request: PrepareRequest) -> TarRequest | None:
    """Return the tars to write; None for a folder."""
    if (target := TarTarget.parse(request.target)) is None:
        return None
    return TarRequest(request.source, target, request.recursive, request.workers, request.shard, request.limits)


def _common(request: PrepareRequest) -> dict[str, Any]:
    return {"workers": request.workers, "recursive": request.recursive, "shard": request.shard}


def _given(request: PrepareRequest, *names: str) -> dict[str, int]:
    return {name: value for name in names if (value := getattr(request, name)) is not None}


MODES: dict[str, tuple[Callable[[PrepareRequest], tuple[JobReport[Any], str]], frozenset[str]]] = {
    "scales": (_scales, frozenset({"scales", "shard"})),
    "tiles": (_tiles, frozenset({"side", "scale", "shard"})),
    "noise-framed": (_tiles, frozenset({"side", "scale", "least", "seed", "shard"})),
    "categories": (_categories, frozenset({"side", "scale", "blur"})),
}
"""The function and the settings of every mode."""

_SETTINGS = frozenset().union(*(settings for _, settings in MODES.values()))
