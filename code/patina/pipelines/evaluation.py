"""Measure a folder of results against its ground truth (GT), or by what needs none."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from patina.data.matching import Match, is_template, match_by_stem
from patina.errors import PatinaError, PictureError, listed
from patina.hints import nearest
from patina.imaging.picture_files import list_pictures, read_picture
from patina.imaging.value_spaces import to_eight_bit
from patina.metrics.full_reference import METRICS, measured, metric_keys, open_metrics
from patina.metrics.image_pair import Space
from patina.metrics.measure_names import BY_SET, WITHOUT_GT
from patina.metrics.set_measures import MEASURES
from patina.pipelines.score_table import Evaluation, Score
from patina.runs.folder_job import run_folder_job
from patina.runs.folder_lock import folder_lock
from patina.runs.made_by import MadeBy
from patina.runs.shard_notes import ShardNote
from patina.runs.shards import Shard
from patina.system.place_names import lasting_name
from patina.system.stored_files import stem_of


@dataclass(frozen=True)
class FolderEvaluationRequest:
    """Which results to measure, and how.

    Attributes:
        results, gt: folders of images, matched by stem. Without `gt`, only what needs none is measured.
        out: folder for the scores. None: the results' own.
        scale: the scale of the results, which decides the border. None: unknown.
        crop_border: pixels to crop from every border. None: the scale, as is customary, or nothing if it is unknown.
        space: "rgb", or "y" for luma. None: "rgb".
        metrics: keys of `MEASURES`. None: the usual ones, or NIQE without `gt`.
        against: folder of images that sets are compared with, of any scenes. None: `gt`.
        lpips: whether to measure LPIPS.
        device: where networks compute.
        shard: the part of the images to measure; `out` is its own folder. None: all.
        template: how the results are named after their GT, e.g. ``{}_out``. None: alike.
    """

    results: Path
    gt: Path | None = None
    out: Path | None = None
    scale: int | None = None
    crop_border: int | None = None
    space: Space | None = None
    metrics: tuple[str, ...] | None = None
    against: Path | None = None
    lpips: bool = True
    device: str = "auto"
    shard: Shard | None = None
    template: str | None = None


def evaluate(request: FolderEvaluationRequest) -> Evaluation:
    """Measure a folder of results and write its scores; see `evaluate_folders`."""
    out, space = request.out or request.results, request.space or "rgb"
    usual = ("niqe",) if request.gt is None else metric_keys(request.lpips, space)
    with folder_lock(out, "evaluate"):
        evaluation = evaluate_folders(
            request.results,
            request.gt,
            metrics=usual if request.metrics is None else request.metrics,
            crop=(request.scale or 0) if request.crop_border is None else request.crop_border,
            space=space,
            device=request.device,
            shard=request.shard,
            against=request.against,
            template="{}" if request.template is None else request.template,
        )
        evaluation.write(out)
    return evaluation


def evaluate_folders(
    results: Path,
    gt: Path | None,
    *,
    metrics: Collection[str] = metric_keys(lpips=True),
    crop: int = 0,
    space: Space = "rgb",
    device: str = "auto",
    without: Collection[str] = (),
    shard: Shard | None = None,
    against: Path | None = None,
    template: str = "{}",
) -> Evaluation:
    """Measure every result against the GT image of the same stem, or by what needs no GT.

    Alpha is ignored. An image that is too small for one metric is measured by the others. An image that cannot be read,
    or differs in size from its GT, is named in the report and skipped. A metric whose weights are missing is skipped,
    with its reason in the evaluation.

    Args:
        results, gt: folders of images, any format, 8 or 16 bit.
        metrics: keys of `MEASURES`. Without metrics that have a network, torch is never loaded.
        crop: pixels to crop from every border.
        space: "rgb", or "y" for luma; metrics with a network always measure RGB.
        device: where networks compute; "auto", "cpu", "cuda" or "mps".
        without: stems to leave out, with or without a result.
        shard: the part of the images to measure; None for all.
        against: what distances of sets compare with; None for `gt`.
        template: how the results are named after their GT, see `match_by_stem`.

    Raises:
        PatinaError: a folder is empty, an image has no partner, `crop` is negative, or a metric is unknown or needs
            what is not given.
    """
    if not is_template(template):
        raise PatinaError(f"-template is {template}, expected a name with one {{}} in place of the GT's, e.g. {{}}_out")
    if crop < 0:
        raise PatinaError(f"-crop_border is {crop}, expected 0 or more pixels")
    _require_possible(metrics, gt, against, shard)
    matches = _matches(results, gt, without, template)
    matches = matches if shard is None else list(shard.part(matches, results))
    by_image = tuple(key for key in metrics if key in METRICS)
    opened, missing = open_metrics(by_image, device)

    def measure(match: Match) -> Score:
        pair = _read(match)
        try:
            return Score(match.stem, *measured(opened, *pair, crop=crop, space=space))
        except PatinaError as error:
            raise PictureError(f"{match.first}: {error}") from error

    report = run_folder_job(matches, measure, description="evaluate", name=lambda match: str(match.first))
    how = {"metrics": by_image, "crop_border": crop, "space": space, "template": template}
    part = None if shard is None else _note(matches, results, gt, how)
    evaluation = Evaluation(report, by_image, space, crop, missing, part)
    if by_set := [key for key in metrics if key in BY_SET]:
        unread = {name for name, _ in report.failures}
        pairs = [match for match in matches if str(match.first) not in unread]
        others = list_pictures(against) if against is not None else [match.second for match in pairs]
        return _with_sets(evaluation, by_set, [match.first for match in pairs], others, against or gt, device)
    return evaluation


def _note(matches: Sequence[Match], results: Path, gt: Path | None, how: Mapping[str, object]) -> ShardNote:
    """Return what a shard's scores are a part of."""
    folders = {"results": lasting_name(results), "truth": None if gt is None else lasting_name(gt)}
    return ShardNote.now(MadeBy("evaluate", folders | dict(how)), [match.stem for match in matches])


def _require_possible(metrics: Collection[str], gt: Path | None, against: Path | None, shard: Shard | None) -> None:
    """Refuse measures that are unknown, or that lack what they compare with."""
    if unknown := [key for key in metrics if key not in MEASURES]:
        raise PatinaError(f"unknown metric {unknown[0]!r}, {nearest(unknown[0], MEASURES)}")
    if gt is None and (needy := [key for key in metrics if key not in WITHOUT_GT]):
        raise PatinaError(f"{listed(needy)}: needs the GT; give -truth, or measure {', '.join(WITHOUT_GT)}")
    if by_set := [key for key in metrics if key in BY_SET]:
        if gt is None and against is None:
            raise PatinaError(f"{by_set[0]} compares two sets; give the other folder as -against or -truth")
        if shard is not None:
            raise PatinaError(f"{by_set[0]} needs all images; leave -shard out, or measure it in a call of its own")


def _matches(results: Path, gt: Path | None, without: Collection[str], template: str) -> list[Match]:
    """Return the results with their GT, or with themselves."""
    if gt is not None:
        return match_by_stem(results, gt, without, template)
    return [Match(stem, path, path) for path in list_pictures(results) if (stem := stem_of(path)) not in without]


def _with_sets(
    evaluation: Evaluation, keys: list[str], found: list[Path], others: list[Path], where: Path | None, device: str
) -> Evaluation:
    """Add the distances of the whole set from another; images of that one that cannot be read are reported, too."""
    from patina.metrics.set_distances import set_distances

    unread, unread_others = list[tuple[str, str]](), list[tuple[str, str]]()
    images = _eight_bit(found, evaluation.crop, unread), _eight_bit(others, 0, unread_others)
    values, missing = set_distances(keys, *images, device)
    report = replace(evaluation.report, failures=[*evaluation.report.failures, *unread, *unread_others])
    told = f"{len(found) - len(unread)} images against {len(others) - len(unread_others)} in {where}"
    missing = {**evaluation.missing, **missing}
    return replace(evaluation, report=report, sets=values, missing=missing, against=told)


def _eight_bit(paths: list[Path], crop: int, failures: list[tuple[str, str]]) -> Iterator[np.ndarray]:
    """Yield the pixels of images as uint8, without their border; add those that cannot be read to `failures`."""
    for path in paths:
        try:
            pixels = to_eight_bit(read_picture(path).pixels)
        except PictureError as error:
            failures.append((str(path), str(error)))
            continue
        yield pixels[crop : pixels.shape[0] - crop, crop : pixels.shape[1] - crop]


def _read(match: Match) -> tuple[np.ndarray, np.ndarray]:
    """Read a pair; if the bit depths differ, return both as float in [0, 1]."""
    result = read_picture(match.first)
    if match.second == match.first:
        return result.pixels, result.pixels
    gt = read_picture(match.second)
    if (result.height, result.width) != (gt.height, gt.width):
        raise PictureError(
            f"{match.first} is {result.width}x{result.height} and {match.second} is {gt.width}x{gt.height}; "
            "expected the same size"
        )
    if result.pixels.dtype == gt.pixels.dtype:
        return result.pixels, gt.pixels
    return result.pixels / result.max_value, gt.pixels / gt.max_value
