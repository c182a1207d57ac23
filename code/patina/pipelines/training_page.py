"""A training's own page: its curves, its sheets and its configuration, of any task."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from patina.degradations.knobs import HANDLES
from patina.errors import PatinaError, counted
from patina.fidelity.charts import Line, chart, legend
from patina.fidelity.page_frame import render_page
from patina.imaging.picture_files import png_bytes, read_picture
from patina.imaging.value_spaces import to_eight_bit
from patina.runs.run_log import read_log
from patina.runs.run_models import FINAL, FOLDER
from patina.shipped import shown_path
from patina.system.atomic import write_text
from patina.system.yaml_files import read_yaml
from patina.training.best_model import HIGHER_IS_BETTER

FILE_NAME = "training.html"
CONFIG = "config.yml"
WIDEST = 2400
"""Pixels along a side above which a sheet is shown reduced by a whole factor."""

_STYLES = [f"series{number}" for number in range(6)]


@dataclass(frozen=True)
class TrainingPage:
    """The page of a training.

    Attributes:
        html: the page.
        page: the file that it is written to.
        values: what it says, as plain values.
        is_all: whether there is nothing else to report of this training.
    """

    html: str
    page: Path
    values: dict[str, Any]
    is_all: bool = True

    @property
    def text(self) -> str:
        """A line per stage, and the page's name."""
        return "\n".join([*(f"{run['name']}: {run['summary']}" for run in self.values["runs"]), str(self.page)])


def training_report(folder: Path | None, out: Path | None, only: bool) -> TrainingPage | None:
    """Write the page of the training in a folder; return None where there is none.

    Args:
        folder: a training's, one that may be none, or a file.
        out: the page, or its folder, where the page is all that is reported.
        only: whether nothing else is to be reported of a learned degradation.
    """
    runs = _runs(folder) if folder is not None else []
    if folder is None or not runs:
        return None
    is_all = only or read_yaml(runs[0] / CONFIG).get("task") not in HANDLES
    page = replace(training_page(folder, out if is_all else None), is_all=is_all)
    write_text(page.page, page.html)
    return page


def training_page(folder: Path, out: Path | None = None) -> TrainingPage:
    """Make the page of a training, finished or not.

    Args:
        folder: the training's, or one stage's.
        out: the page, or its folder. None: ``training.html`` in `folder`.

    Raises:
        PatinaError: the folder holds no training.
    """
    runs = _runs(folder)
    if not runs:
        raise PatinaError(f"{folder}: holds no training; expected a folder below trained_models with a {CONFIG}")
    page = folder / FILE_NAME if out is None else out if out.suffix and not out.is_dir() else out / FILE_NAME
    config = (runs[0] / CONFIG).read_text(encoding="utf-8")
    name = str(read_yaml(runs[0] / CONFIG).get("name", folder.resolve().name))
    if len(runs) == 1 and name != folder.resolve().name:
        name = f"{name}, {folder.resolve().name}"
    shown = [_run(path, path.name if len(runs) > 1 else name) for path in runs]
    values = {
        "name": folder.resolve().name,
        "runs": [{k: run[k] for k in ("name", "summary", "best")} for run in shown],
    }
    html = render_page(
        {
            "name": name,
            "headline": shown[0]["summary"] if len(shown) == 1 else counted(len(shown), "stage"),
            "grades": [],
            "made": "",
            "runs": shown,
            "crops": [],
            "command": "patina train -opt config.yml    # the configuration below",
            "facts": [("folder", shown_path(folder))],
            "config": config,
            "config_title": "Configuration",
        },
        "training_page.html",
        "patina.pipelines",
    )
    return TrainingPage(html, page, values)


def _runs(folder: Path) -> list[Path]:
    """Return the folders of the stages, in their order: that of their beginnings."""
    if (folder / CONFIG).is_file():
        return [folder]
    found = [path.parent for path in folder.glob(f"*/{CONFIG}")] if folder.is_dir() else []
    return sorted(found, key=_began)


def _began(folder: Path) -> float:
    return min((line["time"] for line in read_log(folder) if "time" in line), default=float("inf"))


def _run(folder: Path, name: str) -> dict[str, Any]:
    lines = read_log(folder)
    parts = {part: [line for line in lines if line.get("part") == part] for part in ("train", "valid")}
    return {
        "name": name,
        "summary": _summary(folder, lines),
        "best": _best(parts["valid"]),
        "figures": _figures(parts["train"], parts["valid"]),
        "sheets": list(_sheets(folder)),
        "events": [(line.get("step"), line.get("message")) for line in lines if line.get("part") == "event"],
    }


def _summary(folder: Path, lines: list[dict[str, Any]]) -> str:
    steps = max((line.get("step", 0) for line in lines), default=0)
    models = [path.stem for path in sorted((folder / FOLDER).glob("*.safetensors"))]
    state = "finished" if FINAL in models else "not finished"
    speeds = [line["steps_per_second"] for line in lines if "steps_per_second" in line]
    speed = f", {np.median(speeds):.3g} steps per second (median)" if speeds else ""
    return f"{counted(steps, 'step')}, {state}{speed}; {counted(len(models), 'model')}."


def _numbers(lines: Iterable[dict[str, Any]], name: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = [(line["step"], line[name]) for line in lines if isinstance(line.get(name), int | float)]
    steps, values = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(steps, float), np.array(values, float)


def _names(lines: Iterable[dict[str, Any]]) -> list[str]:
    return [
        name for name in dict.fromkeys(key for line in lines for key in line) if name not in ("part", "step", "time")
    ]


def _best(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first, best and last value of every number of the validations."""
    rows = []
    for name in _names(lines):
        steps, values = _numbers(lines, name)
        if len(values) and np.isfinite(values).any():
            rises = HIGHER_IS_BETTER.get(name.rsplit("/", 1)[-1], False)
            place = int(np.nanargmax(values) if rises else np.nanargmin(values))
            shown = {"first": values[0], "best": values[place], "last": values[-1]}
            rows.append({"name": name, "step": int(steps[place]), **{k: f"{v:.4g}" for k, v in shown.items()}})
    return rows


def _figures(train: list[dict[str, Any]], valid: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return a chart for every kind of number: ``phone/psnr`` and ``bsd/psnr`` share one."""
    kinds: dict[str, list[tuple[str, list[dict[str, Any]], str]]] = {}
    for lines, label in ((valid, "validation"), (train, "training")):
        for name in _names(lines):
            kinds.setdefault(name.rsplit("/", 1)[-1], []).append((name, lines, label))
    found = []
    for kind, members in kinds.items():
        curves = []
        for (name, lines, label), style in zip(members, _STYLES, strict=False):
            steps, values = _numbers(lines, name)
            title = name if "/" in name or len(members) == 1 else f"{name}, {label}"
            curves.append(Line(title, style, steps, values))
        if svg := chart(kind, "step", kind.replace("_", " "), curves):
            found.append({"title": kind, "note": "", "svg": svg, "legend": legend(curves) if len(curves) > 1 else ""})
    return found


def _sheets(folder: Path) -> Iterable[dict[str, str]]:
    """Yield the sheets of the last validation."""
    steps = sorted(path for path in (folder / "previews").glob("[0-9]*") if path.is_dir())
    for path in sorted(steps[-1].glob("*.png")) if steps else ():
        pixels = to_eight_bit(read_picture(path).pixels)
        every = -(-max(pixels.shape[:2]) // WIDEST)
        encoded = base64.b64encode(png_bytes(np.ascontiguousarray(pixels[::every, ::every]))).decode()
        reduced = f", every {every}th pixel" if every > 1 else ""
        title = f"Validation at step {int(path.parent.name)}: {path.stem}{reduced}"
        yield {"title": title, "url": f"data:image/png;base64,{encoded}"}
