"""What the demo measures and shows on its held-out pictures."""

import json
from collections.abc import Sequence

import numpy as np

from patina.experiments.demo_folders import (
    BICUBIC_PAIRS,
    FITTED_PAIRS,
    LEARNED_PAIRS,
    METHODS,
    SCALE,
    TRUE_PAIRS,
    DemoFolders,
)
from patina.experiments.narration import spread
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.sheets import sheet
from patina.pipelines.evaluation import evaluate_folders
from patina.pipelines.noise_comparison import noise_table
from patina.runs.journal import Result, Wanted
from patina.runs.output_folder import OutputFolder
from patina.system.atomic import write_text

CROP = (slice(60, 140), slice(104, 184))
"""The crop of a half-size picture that the sheet shows."""


RESULTS = ("results.json", "results.md", "sheet.png")
SMALLEST_GAP = 0.1
"""Gap in dB below which a fraction of it means nothing."""


def write_results(folder: OutputFolder, seeds: Sequence[int], warning: str | None = None) -> str:
    """Measure all methods; write ``results.json``, ``results.md`` and ``sheet.png``.

    Args:
        folder: the demo's.
        seeds: seeds of the super-resolution networks.
        warning: replaces the sentence about the gap where the numbers mean nothing, as after a smoke run.

    Returns:
        The tables, Markdown.
    """
    folders = DemoFolders(folder.path)
    scores = {method: _scores(folders, method, seeds) for method in METHODS}
    text = _report(folders, seeds, scores, warning)
    folder.begin(map(Wanted, RESULTS))
    write_text(
        folder.path / "results.json",
        json.dumps({method: score.tolist() for method, score in scores.items()}, indent=1),
    )
    write_text(folder.path / "results.md", text)
    write_picture(folder.path / "sheet.png", _sheet(folders, seeds[0]))
    folder.record(Result(name, details={"seeds": list(seeds)}) for name in RESULTS)
    return text


def _report(folders: DemoFolders, seeds: Sequence[int], scores: dict[str, np.ndarray], warning: str | None) -> str:
    lines = [warning, ""] if warning else []
    lines += ["| held-out images, x2 | PSNR (dB) | SSIM |", "| --- | ---: | ---: |"]
    lines += [f"| {method} | {spread(score[:, 0], 2)} | {spread(score[:, 1], 4)} |" for method, score in scores.items()]
    lines += [
        "",
        f"Seeds {', '.join(map(str, seeds))}; PSNR and SSIM on RGB, without a border of {SCALE} pixels.",
        warning or _gap_in_words({method: score[:, 0] for method, score in scores.items()}),
        "",
        "What the camera adds to the held-out images, and what was fitted and learned:",
        "",
    ]
    degraded = {
        "true": folders.photographs("held_out_real"),
        "fitted": folders.held_out_fitted,
        "learned": folders.held_out_learned,
    }
    return "\n".join([*lines, noise_table(folders.photographs("held_out_2x"), degraded), ""])


def _gap_in_words(psnr: dict[str, np.ndarray]) -> str:
    """Say how much of the gap between bicubic and true pairs the fitted and the learned pairs close."""
    gap = float((psnr[TRUE_PAIRS] - psnr[BICUBIC_PAIRS]).mean())
    if gap < SMALLEST_GAP:
        return f"True pairs gain {gap:+.2f} dB over bicubic pairs: no gap to close."
    fitted, learned = (
        100 * float((psnr[pairs] - psnr[BICUBIC_PAIRS]).mean()) / gap for pairs in (FITTED_PAIRS, LEARNED_PAIRS)
    )
    return (
        f"True pairs gain {gap:+.2f} dB over bicubic pairs. Of this gap, fitted pairs close {fitted:.0f} % and learned "
        f"pairs {learned:.0f} %, without a single true pair."
    )


def _scores(folders: DemoFolders, method: str, seeds: Sequence[int]) -> np.ndarray:
    """Return mean PSNR and SSIM by seed, ``[seeds, 2]``."""
    rows = []
    for seed in seeds:
        results = folders.upscaled(method, seed)
        evaluation = evaluate_folders(results, folders.photographs("held_out"), crop=SCALE, metrics=("psnr", "ssim"))
        evaluation.write(results)
        rows.append((evaluation.means["psnr"], evaluation.means["ssim"]))
    return np.array(rows)


def _sheet(folders: DemoFolders, seed: int) -> np.ndarray:
    """Show the held-out pictures: clean, truly degraded, fitted, learned, and restored by every method."""
    rows = []
    for path in list_pictures(folders.photographs("held_out")):
        stem = path.stem
        small = [
            folders.photographs("held_out_2x") / f"{stem}.png",
            folders.photographs("held_out_real") / f"{stem}.jpg",
            folders.held_out_fitted / f"{stem}.png",
            folders.held_out_learned / f"{stem}.png",
        ]
        large = [*(folders.upscaled(method, seed) / f"{stem}.png" for method in METHODS), path]
        rows.append(
            [read_picture(file).pixels[CROP].repeat(SCALE, 0).repeat(SCALE, 1) for file in small]
            + [read_picture(file).pixels[_scaled(CROP[0]), _scaled(CROP[1])] for file in large]
        )
    return sheet(rows, ["clean, half size", "truly degraded", "fitted", "learned", *METHODS, "ground truth"])


def _scaled(span: slice) -> slice:
    return slice(span.start * SCALE, span.stop * SCALE)
