"""What the gap experiment measured: the table by camera and method, and a sheet of crops to look at."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from patina.experiments.choices import BICUBIC, TRUE
from patina.experiments.demo_results import SMALLEST_GAP
from patina.experiments.gap_folders import GapFolders
from patina.experiments.known_cameras import ALL_CAMERAS
from patina.experiments.narration import spread
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.sheets import sheet
from patina.runs.journal import Result, Wanted
from patina.runs.output_folder import OutputFolder
from patina.system.atomic import write_text

RESULTS = ("results.json", "results.csv", "results.md", "sheet.png")
_CROP = 144
"""Side of the sheet's crops, in pixels of the ground truth."""


@dataclass
class GapScores:
    """PSNR in dB on held-out pictures.

    Attributes:
        seeds: of the networks.
        psnr: by camera and method, one value a seed.
    """

    seeds: Sequence[int]
    psnr: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, camera: str, method: str, value: float) -> None:
        """Note the next seed's value."""
        self.psnr.setdefault(camera, {}).setdefault(method, []).append(value)

    def values(self, camera: str, method: str) -> np.ndarray:
        """Return the values by seed, ``[seeds]``."""
        return np.array(self.psnr[camera][method])

    def gap(self, camera: str) -> np.ndarray:
        """Return what true pairs gain over bicubic pairs by seed, in dB."""
        return self.values(camera, TRUE) - self.values(camera, BICUBIC)

    def fraction(self, camera: str, method: str) -> np.ndarray | None:
        """Return the fraction of the gap that a method closes by seed; None where there is no gap to close.

        Every seed's gain is divided by the mean gap: a seed's own gap is noisy where the gap is small.
        """
        gap = float(self.gap(camera).mean())
        if gap < SMALLEST_GAP:
            return None
        return (self.values(camera, method) - self.values(camera, BICUBIC)) / gap

    @property
    def methods(self) -> list[str]:
        """All methods, bicubic pairs first and true pairs last."""
        return list(next(iter(self.psnr.values())))


def gap_report(scores: GapScores) -> str:
    """Return the table in Markdown: one row per camera, PSNR of bicubic and true pairs, what each method closes."""
    compared = [method for method in scores.methods if method not in (BICUBIC, TRUE)]
    lines = [f"| camera | bicubic pairs (dB) | true pairs (dB) | {' | '.join(compared)} |"]
    lines.append(f"| --- | ---: | ---: |{' ---: |' * len(compared)}")
    for camera in scores.psnr:
        cells = [spread(scores.values(camera, method), 2) for method in (BICUBIC, TRUE)]
        cells += [_cell(scores, camera, method) for method in compared]
        lines.append(f"| {camera} | {' | '.join(cells)} |")
    lines += [
        "",
        "Fraction of the gap between bicubic and true pairs that each method's pairs close; where the gap is below "
        f"{SMALLEST_GAP} dB, the difference from bicubic pairs in dB. Seeds {', '.join(map(str, scores.seeds))}"
        f"{', mean ± std' if len(scores.seeds) > 1 else ''}. PSNR on RGB, x2, without a border of 2 pixels.",
        "",
        *(f"- {camera}: {ALL_CAMERAS[camera].form}" for camera in scores.psnr),
    ]
    return "\n".join(lines)


def _cell(scores: GapScores, camera: str, method: str) -> str:
    fraction = scores.fraction(camera, method)
    if fraction is None:
        difference = scores.values(camera, method) - scores.values(camera, BICUBIC)
        return f"{spread(difference, 2)} dB"
    return f"{spread(100 * fraction, 0)} %"


def write_gap(folder: OutputFolder, folders: GapFolders, scores: GapScores, held_out: Sequence[str]) -> None:
    """Write ``results.json``, ``results.csv``, ``results.md`` and ``sheet.png``."""
    folder.begin(map(Wanted, RESULTS))
    values = {"seeds": list(scores.seeds), "psnr": scores.psnr, "fraction": _fractions(scores)}
    write_text(folder.path / "results.json", json.dumps(values, indent=1))
    write_text(folder.path / "results.csv", _csv(scores))
    write_text(folder.path / "results.md", gap_report(scores) + "\n")
    write_picture(folder.path / "sheet.png", _sheet(folders, scores, held_out[0]))
    folder.record(Result(name, details={"seeds": list(scores.seeds)}) for name in RESULTS)


def _fractions(scores: GapScores) -> dict[str, dict[str, list[float] | None]]:
    found: dict[str, dict[str, list[float] | None]] = {}
    for camera in scores.psnr:
        by_method = {method: scores.fraction(camera, method) for method in scores.methods}
        found[camera] = {method: None if value is None else value.tolist() for method, value in by_method.items()}
    return found


def _csv(scores: GapScores) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["camera", "method", "seed", "psnr", "fraction"])
    for camera in scores.psnr:
        for method in scores.methods:
            fraction = scores.fraction(camera, method)
            for place, (seed, psnr) in enumerate(zip(scores.seeds, scores.psnr[camera][method], strict=True)):
                part = "" if fraction is None else f"{fraction[place]:.4f}"
                writer.writerow([camera, method, seed, f"{psnr:.4f}", part])
    return text.getvalue()


def _sheet(folders: GapFolders, scores: GapScores, name: str) -> np.ndarray:
    """Show one held-out picture in a row for every camera: as it was taken, and restored by every method."""
    rows = []
    truth = _crop(_file(folders.held_out, name), 1)
    for camera in scores.psnr:
        restored = [_file(folders.upscaled(camera, method, scores.seeds[0]), name) for method in scores.methods]
        row = [_crop(_file(folders.held_out_lq(camera), name), 2), *(_crop(path, 1) for path in restored), truth]
        rows.append(row)
    titles = ["photograph", *(f"{method} pairs" for method in scores.methods), "ground truth"]
    return sheet(rows, titles, list(scores.psnr))


def _file(folder: Path, stem: str) -> Path:
    return next(path for path in list_pictures(folder) if path.stem == stem)


def _crop(path: Path, zoom: int) -> np.ndarray:
    crop = centre_crop(read_picture(path).pixels, _CROP // zoom)
    return crop.repeat(zoom, 0).repeat(zoom, 1)
