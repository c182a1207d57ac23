"""What a folder of results scores against the truth: every picture, and the means."""

import csv
import io
import json
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from patina.data.matching import Match, match_by_stem
from patina.errors import PatinaError, PictureError
from patina.imaging.picture_files import read_picture
from patina.metrics.image_pair import Space
from patina.metrics.mse import mse
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim
from patina.runs.folder_job import JobReport, run_folder_job
from patina.system.atomic import write_text

METRICS = ("mse", "psnr", "ssim", "lpips")


@dataclass(frozen=True)
class Score:
    """One picture's measures.

    Attributes:
        picture: the stem.
        mse: mean squared error, values of 0 to 255.
        psnr: in dB, infinity for equal pictures.
        ssim: 1 for equal pictures.
        lpips: 0 for equal pictures; None where it was not measured.
    """

    picture: str
    mse: float
    psnr: float
    ssim: float
    lpips: float | None


@dataclass(frozen=True)
class Evaluation:
    """What a comparison found.

    Attributes:
        report: the scores in natural order of the pictures, and which pictures could not be compared.
        space: "rgb", or "y" for luma; LPIPS is always of RGB.
        crop: pixels that were cut from every side.
        lpips_missing: why LPIPS was asked for and not measured, or None.
    """

    report: JobReport[Score]
    space: Space
    crop: int
    lpips_missing: str | None = None

    @property
    def scores(self) -> list[Score]:
        """The pictures' scores."""
        return self.report.results

    @property
    def means(self) -> dict[str, float | None]:
        """The mean of every metric, None where it was not measured."""
        return {metric: self._mean(metric) for metric in METRICS}

    def _mean(self, metric: str) -> float | None:
        values = [value for score in self.scores if (value := getattr(score, metric)) is not None]
        return fmean(values) if values else None

    def table(self) -> str:
        """Return the scores as a Markdown table with a line that says how they were measured."""
        rows = [("picture", "MSE", "PSNR (dB)", "SSIM", "LPIPS")]
        rows += [self._row(score.picture, vars(score)) for score in self.scores]
        rows.append(self._row(f"mean of {len(self.scores)}", self.means))
        lines = aligned(rows)
        space = "luma (BT.601)" if self.space == "y" else "RGB"
        lines += ["", f"MSE (of 255), PSNR and SSIM on {space}; border cut from every side: {self.crop} pixels."]
        if self.lpips_missing:
            lines.append(f"LPIPS was not measured: {self.lpips_missing}")
        return "\n".join(lines)

    def _row(self, label: str, values: dict[str, float | None]) -> tuple[str, ...]:
        missing = {"lpips": "no weights"} if self.lpips_missing else {}
        numbers = ((metric, values[metric], decimals) for metric, decimals in zip(METRICS, (2, 3, 4, 4), strict=True))
        return (
            label,
            *(
                missing.get(metric, "-") if value is None else f"{value:.{decimals}f}"
                for metric, value, decimals in numbers
            ),
        )

    def write(self, out: Path) -> None:
        """Write ``scores.csv`` and ``scores.json`` into the folder `out`; infinity is the string "inf"."""
        write_text(out / "scores.csv", self._csv())
        write_text(out / "scores.json", json.dumps(self._document(), indent=1, ensure_ascii=False) + "\n")

    def _csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("picture", *METRICS, "space", "crop_border"))
        for label, values in [(score.picture, vars(score)) for score in self.scores] + [("mean", self.means)]:
            writer.writerow((label, *(values[metric] for metric in METRICS), self.space, self.crop))
        return text.getvalue()

    def _document(self) -> dict[str, object]:
        return {
            "space": self.space,
            "crop_border": self.crop,
            "mean": finite(self.means),
            "pictures": [finite(vars(score)) for score in self.scores],
            "failures": [{"picture": name, "reason": reason} for name, reason in self.report.failures],
            "lpips_missing": self.lpips_missing,
        }


def evaluate_folders(
    results_dir: Path,
    truth_dir: Path,
    *,
    crop: int = 0,
    space: Space = "rgb",
    lpips: bool = True,
    device: str = "auto",
    without: Collection[str] = (),
) -> Evaluation:
    """Measure every result against the truth of the same stem.

    Alpha is left out of the comparison. A picture that cannot be read, or differs in size from its truth, is
    named in the report and skipped. Where LPIPS has no weights, the evaluation says so and does without.

    Args:
        results_dir, truth_dir: folders of pictures, any format, 8 or 16 bit.
        crop: pixels to cut from every side.
        space: what PSNR and SSIM are measured on, "rgb" or "y".
        lpips: whether to measure LPIPS too; without it, torch is never loaded.
        device: where LPIPS is computed; "auto", "cpu", "cuda" or "mps".
        without: stems that are left out, with or without a result.

    Raises:
        PatinaError: a folder is empty, a picture has no partner, or `crop` is negative.
    """
    if crop < 0:
        raise PatinaError(f"the border to cut is {crop}, expected a number of pixels from 0 up")
    matches = match_by_stem(results_dir, truth_dir, without)
    perceptual, missing = open_lpips(device) if lpips else (None, None)

    def measure(match: Match) -> Score:
        result, truth = _read(match)
        try:
            return Score(
                match.stem,
                mse(result, truth, crop=crop, space=space),
                psnr(result, truth, crop=crop, space=space),
                ssim(result, truth, crop=crop, space=space),
                perceptual(result, truth, crop=crop) if perceptual else None,
            )
        except PatinaError as error:
            raise PictureError(f"{match.first}: {error}") from error

    report = run_folder_job(matches, measure, description="evaluate", name=lambda match: str(match.first))
    return Evaluation(report, space, crop, missing)


def open_lpips(device: str) -> tuple[Callable[..., float] | None, str | None]:
    """Return the metric, or why there is none."""
    from patina.metrics.backbones import WeightsMissing
    from patina.metrics.lpips import Lpips
    from patina.system.devices import compute_device

    try:
        return Lpips(compute_device(device)), None
    except WeightsMissing as error:
        return None, str(error)


def _read(match: Match) -> tuple[np.ndarray, np.ndarray]:
    """Read a pair; where the two have different depths, bring both to float in [0, 1]."""
    result, truth = read_picture(match.first), read_picture(match.second)
    if (result.height, result.width) != (truth.height, truth.width):
        raise PictureError(
            f"{match.first} is {result.width}x{result.height} and {match.second} is {truth.width}x{truth.height}; "
            "expected the same size"
        )
    if result.pixels.dtype == truth.pixels.dtype:
        return result.pixels, truth.pixels
    return result.pixels / result.max_value, truth.pixels / truth.max_value


def finite(values: dict[str, object]) -> dict[str, object]:
    """Spell infinity as a string: JSON has no number for it."""
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }


def aligned(rows: list[tuple[str, ...]], names: int = 1) -> list[str]:
    """Lay out a Markdown table, its head the first row: the first `names` columns to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [str.ljust] * names + [str.rjust] * (len(widths) - names)
    lines = [
        "| " + " | ".join(side(text, width) for side, text, width in zip(sides, row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = ["-" * width if column < names else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return [lines[0], "| " + " | ".join(rule) + " |", *lines[1:]]
