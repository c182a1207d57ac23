"""The table of a model comparison: one row per test set and model."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patina.metrics.set_measures import MEASURES
from patina.pipelines.score_table import aligned, finite
from patina.system.atomic import write_text


@dataclass(frozen=True)
class ComparisonRow:
    """The measurements of one model on one set.

    Attributes:
        set, model: their names.
        scale: scale of the set.
        crop: pixels that were cropped from every border.
        images: number of measured images.
        means: mean of every metric, by key; None if it was not measured.
        seconds: to upscale an image, without reading and writing.
        memory: peak bytes while upscaling. On CUDA, what torch allocated there; else, the growth of the process, which
            excludes the model's own weights.
    """

    set: str
    model: str
    scale: int
    crop: int
    images: int
    means: Mapping[str, float | None]
    seconds: float
    memory: int

    @property
    def values(self) -> dict[str, object]:
        """All values by the names of the columns."""
        values = dict(vars(self))
        means = values.pop("means")
        rest = {name: values.pop(name) for name in ("seconds", "memory")}
        return {**values, **means, **rest}


@dataclass(frozen=True)
class ModelComparison:
    """Models measured on test sets.

    Attributes:
        rows: in the order of sets and models.
        how: what was measured, and how; a line above the table.
        notes: lines below the table.
        failures: number of images that could not be upscaled or measured.
    """

    rows: Sequence[ComparisonRow]
    how: str
    notes: Sequence[str]
    failures: int

    @property
    def exit_code(self) -> int:
        """0 if every image was measured, else 1."""
        return 1 if self.failures else 0

    def table(self) -> str:
        """Return a Markdown table, and the notes."""
        keys = [key for key in MEASURES if any(row.means.get(key) is not None for row in self.rows)]
        cells = [("set", "model", *(MEASURES[key].heading for key in keys), "s per image", "MiB")]
        for row in self.rows:
            means = [_cell(key, row.means.get(key)) for key in keys]
            cells.append((row.set, row.model, *means, f"{row.seconds:.3g}", f"{row.memory / 2**20:.0f}"))
        return "\n".join([self.how, "", *aligned(cells, names=2), *(["", *self.notes] if self.notes else [])])

    def write(self, out: Path) -> None:
        """Write ``comparison.md``, ``comparison.csv`` and ``comparison.json`` into the folder `out`."""
        write_text(out / "comparison.md", self.table() + "\n")
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0].values), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.values for row in self.rows)
        write_text(out / "comparison.csv", text.getvalue())
        write_text(out / "comparison.json", json.dumps(self.document(), indent=1) + "\n")

    def document(self) -> dict[str, object]:
        """Return the values of ``comparison.json``; infinity is the string "inf"."""
        return {"rows": [finite(row.values) for row in self.rows], "how": self.how, "notes": list(self.notes)}


def _cell(key: str, value: float | None) -> str:
    return "-" if value is None else MEASURES[key].text(value)
