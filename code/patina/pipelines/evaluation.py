"""Measure a folder of results against its ground truth (GT): the scores of every image, and their means."""

import csv
import io
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from patina.data.matching import Match, match_by_stem
from patina.errors import PatinaError, PictureError
from patina.imaging.picture_files import read_picture
from patina.metrics.full_reference import METRICS, means_of, measured, metric_keys, open_metrics
from patina.metrics.image_pair import Space
from patina.runs.folder_job import JobReport, run_folder_job
from patina.runs.folder_lock import folder_lock
from patina.runs.shards import Shard
from patina.system.atomic import write_text

SPACES = {"rgb": "RGB", "y": "luma (BT.601)"}
"""What is measured, in words."""


@dataclass(frozen=True)
class Score:
    """The scores of one image.

    Attributes:
        image: its stem.
        values: by the metrics' keys.
        absent: why it is too small for the other metrics, by key.
    """

    image: str
    values: Mapping[str, float]
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_identical(self) -> bool:
        """Whether it equals its GT, which makes its PSNR infinite."""
        return math.inf in self.values.values()


@dataclass(frozen=True)
class Evaluation:
    """The scores of a folder.

    Attributes:
        report: the scores in natural order of the images, and which images could not be measured.
        metrics: keys of the requested metrics.
        space: "rgb", or "y" for luma; metrics with a network always measure RGB.
        crop: pixels that were cropped from every border.
        missing: reasons why metrics were not measured, by key.
        stems: of a shard: all its images in their order, with those that could not be measured.
    """

    report: JobReport[Score]
    metrics: tuple[str, ...]
    space: Space
    crop: int
    missing: Mapping[str, str]
    stems: tuple[str, ...] = ()

    @property
    def scores(self) -> list[Score]:
        """The scores of the images."""
        return self.report.results

    @property
    def means(self) -> dict[str, float | None]:
        """The mean of every requested metric over the images that have it; None if it was not measured.

        Identical images, whose PSNR is infinite, do not count for it unless all are.
        """
        means = means_of([score.values for score in self.scores])
        return {key: means.get(key) for key in self.metrics}

    @property
    def identical(self) -> int:
        """Number of images that equal their GT."""
        return sum(score.is_identical for score in self.scores)

    @property
    def notes(self) -> list[str]:
        """What a reader of the means must know, in sentences."""
        count, notes = len(self.scores), []
        if self.identical:
            others = "the mean PSNR is that of the others" if self.identical < count else "so is the mean PSNR"
            notes.append(f"{self.identical} of {count} images are identical to their GT (PSNR infinite): {others}.")
        for key in self.metrics:
            if reasons := [score.absent[key] for score in self.scores if key in score.absent]:
                title = METRICS[key].title
                notes.append(f"{title} was not measured for {len(reasons)} of {count} images, e.g. {reasons[0]}.")
        return notes

    def table(self) -> str:
        """Return the scores as a Markdown table, with a line on how they were measured."""
        rows = [("image", *(METRICS[key].heading for key in self.metrics))]
        rows += [self._row(score.image, score.values) for score in self.scores]
        rows.append(self._row(f"mean of {len(self.scores)}", self.means))
        notes = [f"{METRICS[key].title} was not measured: {reason}" for key, reason in self.missing.items()]
        return "\n".join([*aligned(rows), "", f"{self._how()}.", *self.notes, *notes])

    def write(self, out: Path) -> None:
        """Write ``scores.csv`` and ``scores.json`` into the folder `out`; infinity is the string "inf"."""
        write_text(out / "scores.csv", self._csv())
        write_text(out / "scores.json", json.dumps(self.document(), indent=1, ensure_ascii=False) + "\n")

    def _row(self, label: str, values: Mapping[str, float | None]) -> tuple[str, ...]:
        return label, *(self._cell(key, values.get(key)) for key in self.metrics)

    def _cell(self, key: str, value: float | None) -> str:
        if value is None:
            return "no weights" if key in self.missing else "-"
        return METRICS[key].text(value)

    def _how(self) -> str:
        networks = [METRICS[key].title for key in self.metrics if METRICS[key].network and key not in self.missing]
        but = f" ({', '.join(networks)} on RGB)" if networks and self.space != "rgb" else ""
        return f"Measured on {SPACES[self.space]}{but}, {self.crop} pixels cropped from every border"

    def _csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("image", *self.metrics, "space", "crop_border"))
        for label, values in [(score.image, score.values) for score in self.scores] + [("mean", self.means)]:
            writer.writerow((label, *(values.get(key) for key in self.metrics), self.space, self.crop))
        return text.getvalue()

    def document(self) -> dict[str, object]:
        """Return the values of ``scores.json``; infinity is the string "inf"."""
        unmeasured = dict.fromkeys(self.metrics)
        values: dict[str, object] = {
            "space": self.space,
            "crop_border": self.crop,
            "mean": finite(self.means),
            "identical": self.identical,
            "images": [
                {"image": score.image, **finite({**unmeasured, **score.values})}
                | ({"absent": dict(score.absent)} if score.absent else {})
                for score in self.scores
            ],
            "failures": [{"image": name, "reason": reason} for name, reason in self.report.failures],
            "missing": dict(self.missing),
            "notes": self.notes,
        }
        return values | ({"stems": list(self.stems)} if self.stems else {})


@dataclass(frozen=True)
class FolderEvaluationRequest:
    """Which results to measure, and how.

    Attributes:
        results, gt: folders of images, matched by stem.
        out: folder for the scores. None: the results' own.
        crop_border: pixels to crop from every border. None: 0.
        space: "rgb", or "y" for luma. None: "rgb".
        lpips: whether to measure LPIPS.
        device: where networks compute.
        shard: the part of the images to measure; `out` is its own folder. None: all.
    """

    results: Path
    gt: Path
    out: Path | None = None
    crop_border: int | None = None
    space: Space | None = None
    lpips: bool = True
    device: str = "auto"
    shard: Shard | None = None


def evaluate(request: FolderEvaluationRequest) -> Evaluation:
    """Measure a folder of results and write its scores; see `evaluate_folders`."""
    out = request.out or request.results
    with folder_lock(out, "evaluate"):
        evaluation = evaluate_folders(
            request.results,
            request.gt,
            metrics=metric_keys(request.lpips),
            crop=request.crop_border or 0,
            space=request.space or "rgb",
            device=request.device,
            shard=request.shard,
        )
        evaluation.write(out)
    return evaluation


def evaluate_folders(
    results: Path,
    gt: Path,
    *,
    metrics: Collection[str] = tuple(METRICS),
    crop: int = 0,
    space: Space = "rgb",
    device: str = "auto",
    without: Collection[str] = (),
    shard: Shard | None = None,
) -> Evaluation:
    """Measure every result against the GT image of the same stem.

    Alpha is ignored. An image that is too small for one metric is measured by the others. An image that cannot be read,
    or differs in size from its GT, is named in the report and skipped. A metric whose weights are missing is skipped,
    with its reason in the evaluation.

    Args:
        results, gt: folders of images, any format, 8 or 16 bit.
        metrics: keys of `METRICS`. Without LPIPS, torch is never loaded.
        crop: pixels to crop from every border.
        space: "rgb", or "y" for luma; metrics with a network always measure RGB.
        device: where networks compute; "auto", "cpu", "cuda" or "mps".
        without: stems to leave out, with or without a result.
        shard: the part of the images to measure; None for all.

    Raises:
        PatinaError: a folder is empty, an image has no partner, or `crop` is negative.
    """
    if crop < 0:
        raise PatinaError(f"-crop_border is {crop}, expected 0 or more pixels")
    matches = match_by_stem(results, gt, without)
    matches = matches if shard is None else list(shard.part(matches, results))
    opened, missing = open_metrics(metrics, device)

    def measure(match: Match) -> Score:
        pair = _read(match)
        try:
            return Score(match.stem, *measured(opened, *pair, crop=crop, space=space))
        except PatinaError as error:
            raise PictureError(f"{match.first}: {error}") from error

    report = run_folder_job(matches, measure, description="evaluate", name=lambda match: str(match.first))
    stems = () if shard is None else tuple(match.stem for match in matches)
    return Evaluation(report, tuple(metrics), space, crop, missing, stems)


def finite(values: Mapping[str, object]) -> dict[str, object]:
    """Write infinity and NaN as strings: JSON has no numbers for them."""
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }


def aligned(rows: list[tuple[str, ...]], names: int = 1) -> list[str]:
    """Lay out a Markdown table; the first row is its head.

    Args:
        rows: the cells.
        names: columns that are aligned to the left; the others hold numbers and are aligned to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [str.ljust] * names + [str.rjust] * (len(widths) - names)
    lines = [
        "| " + " | ".join(side(text, width) for side, text, width in zip(sides, row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = ["-" * width if column < names else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return [lines[0], "| " + " | ".join(rule) + " |", *lines[1:]]


def _read(match: Match) -> tuple[np.ndarray, np.ndarray]:
    """Read a pair; if the bit depths differ, return both as float in [0, 1]."""
    result, gt = read_picture(match.first), read_picture(match.second)
    if (result.height, result.width) != (gt.height, gt.width):
        raise PictureError(
            f"{match.first} is {result.width}x{result.height} and {match.second} is {gt.width}x{gt.height}; "
            "expected the same size"
        )
    if result.pixels.dtype == gt.pixels.dtype:
        return result.pixels, gt.pixels
    return result.pixels / result.max_value, gt.pixels / gt.max_value
