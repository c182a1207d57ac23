"""The scores of a folder of results: their table, their means, and what is written of them."""

import csv
import io
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from patina.errors import counted
from patina.metrics.full_reference import METRICS, ON_LUMA, means_of
from patina.metrics.image_pair import Space
from patina.metrics.set_measures import MEASURES
from patina.runs.folder_job import JobReport
from patina.runs.shard_notes import ShardNote
from patina.system.atomic import write_text
from patina.system.place_names import as_given

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
        metrics: keys of the requested metrics of images.
        space: "rgb", or "y" for luma; metrics with a network always measure RGB.
        crop: pixels that were cropped from every border.
        missing: reasons why metrics were not measured, by key.
        part: of a shard: what it is a part of.
        sets: distances of the whole set from another, by key of `SET_MEASURES`.
        against: the other set, in words.
    """

    report: JobReport[Score]
    metrics: tuple[str, ...]
    space: Space
    crop: int
    missing: Mapping[str, str]
    part: ShardNote | None = None
    sets: Mapping[str, float] = field(default_factory=dict)
    against: str = ""

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
        """Return the scores as a Markdown table, below a line on how they were measured."""
        rows = [("image", *(METRICS[key].heading for key in self.metrics))]
        rows += [self._row(score.image, score.values) for score in self.scores]
        rows.append(self._row(f"mean of {len(self.scores)}", self.means))
        sets = [
            f"{MEASURES[key].heading}: {MEASURES[key].text(value)} ({self.against})" for key, value in self.sets.items()
        ]
        notes = [f"{MEASURES[key].title} was not measured: {reason}" for key, reason in self.missing.items()]
        scores = [*aligned(rows), ""] if self.metrics else []
        return "\n".join([f"{self.how()}.", "", *scores, *sets, *self.notes, *notes])

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

    def how(self) -> str:
        """Say what was measured, and how much of the border was left out."""
        return f"Measured on {measured_space(self.space, self.metrics, self.missing)}, {border(self.crop)}"

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
            "failures": [
                {"image": as_given(name), "reason": as_given(reason)} for name, reason in self.report.failures
            ],
            "missing": dict(self.missing),
            "notes": self.notes,
        }
        if self.sets:
            values |= {"sets": finite(self.sets), "against": self.against}
        return values | ({} if self.part is None else {"shard": self.part.to_dict()})


def measured_space(space: Space, metrics: Collection[str], missing: Collection[str] = ()) -> str:
    """Say on which spaces metrics are measured: RGB, luma, or both."""
    both = space == "rgb" and any(key in ON_LUMA for key in metrics)
    networks = [METRICS[key].title for key in metrics if METRICS[key].network and key not in missing]
    but = f" ({', '.join(networks)} on RGB)" if networks and space != "rgb" else ""
    return ("RGB and luma Y (BT.601)" if both else SPACES[space]) + but


def border(crop: int) -> str:
    """Say how many pixels are left out."""
    return f"{counted(crop, 'pixel')} cropped from every border" if crop else "nothing cropped from the border"


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
