"""What the toy experiment measured: the table, beside published numbers, and a sheet of crops."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from patina.data.matching import match_by_stem
from patina.experiments.toy_images import ToyFolders
from patina.experiments.toy_noises import MIXTURE, TOY_NOISES
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sheets import sheet
from patina.metrics.residuals import WHOLE_RANGE, histogram, kl_divergence
from patina.runs.journal import Result, Wanted
from patina.runs.output_folder import OutputFolder
from patina.system.atomic import write_text

RESULTS = ("results.json", "results.md", "sheet.png")
_CROP = 96


@dataclass
class ToyScores:
    """Kullback-Leibler divergences of residual histograms, in nats.

    Attributes:
        methods: in the order of the table.
        divergences: by method and noise.
        again: by noise, of the true noise drawn again: what chance alone gives.
    """

    methods: Sequence[str]
    divergences: dict[str, dict[str, float]] = field(default_factory=dict)
    again: dict[str, float] = field(default_factory=dict)


def divergence(made: Path, clean: Path, real: Path) -> float:
    """Return KL(true ‖ made) of the histograms of all residuals of two folders, in nats.

    Args:
        made: images with a method's noise.
        clean: the same ones without noise, by stem.
        real: the same ones with the true noise, by stem.
    """
    counts, reference = (histogram(_residuals(folder, clean), WHOLE_RANGE) for folder in (made, real))
    return kl_divergence(counts, reference)


def _residuals(noisy: Path, clean: Path) -> list[np.ndarray]:
    matches = match_by_stem(noisy, clean)
    return [read_picture(match.first).pixels - read_picture(match.second).pixels.astype(np.int16) for match in matches]


def toy_report(scores: ToyScores) -> str:
    """Return the table in Markdown: one row per method, one column per noise."""
    noises = list(scores.again)
    lines = [f"| | {' | '.join(TOY_NOISES[noise].title for noise in noises)} |"]
    lines.append(f"| --- |{' ---: |' * len(noises)}")
    for place, name in enumerate(("LUD-VAE (published)", "LUD-DIF (published)")):
        lines.append(_row(name, [TOY_NOISES[noise].published[place] for noise in noises]))
    lines += [_row(method, [scores.divergences[method][noise] for noise in noises]) for method in scores.methods]
    lines.append(_row("the true noise, drawn again", [scores.again[noise] for noise in noises]))
    (often, weak), (seldom, strong) = MIXTURE
    lines += [
        "",
        "Kullback-Leibler divergence (nats) of the histograms of made from true noise, in bins of one grey level over "
        f"all values of the test images. The mixture has std {weak:.0f} with probability {often:g} and {strong:.0f} "
        f"with probability {seldom:g}; the publication does not tell its mixture.",
    ]
    return "\n".join(lines)


def _row(name: str, values: Sequence[float]) -> str:
    return f"| {name} | {' | '.join(f'{value:.4f}' for value in values)} |"


def write_toy(folder: OutputFolder, folders: ToyFolders, scores: ToyScores, shown: str) -> None:
    """Write ``results.json``, ``results.md`` and ``sheet.png``, with the centre of the test image `shown`."""
    folder.begin(map(Wanted, RESULTS))
    values = {"kl": scores.divergences, "again": scores.again}
    write_text(folder.path / "results.json", json.dumps(values, indent=1))
    write_text(folder.path / "results.md", toy_report(scores) + "\n")
    rows = []
    for noise in scores.again:
        made = [folders.made(noise, method) for method in scores.methods]
        files = [place / f"{shown}.png" for place in (folders.test, folders.test_real(noise), *made)]
        rows.append([centre_crop(read_picture(file).pixels, _CROP) for file in files])
    titles = ["clean", "true noise", *scores.methods]
    write_picture(folder.path / "sheet.png", sheet(rows, titles, list(scores.again), zoom=2))
    folder.record(Result(name) for name in RESULTS)
