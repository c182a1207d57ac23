"""Measure a learned noise by the denoisers that it trains, against Gaussian noise and real pairs, on true pairs."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patina.data.matching import match_by_stem, scene_of
from patina.degradations.fitted_noise import FittedGaussianNoise
from patina.errors import PatinaError
from patina.experiments.choices import Method, Pictures
from patina.experiments.denoiser_folds import (
    Fold,
    denoised_folder,
    denoiser_config,
    fold_config,
    fold_score,
    mean_score,
    scene_folds,
    synthetic_fold,
)
from patina.experiments.learned_methods import require_free_names
from patina.experiments.narration import spread
from patina.experiments.parallel_training import train_all
from patina.experiments.ready_methods import ready_methods
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_eight_bit
from patina.metrics.noise_statistics import flat_std
from patina.metrics.residuals import pgap
from patina.pipelines.noise_comparison import noise_table
from patina.specs.restoration_spec import RestorationConfig
from patina.system.atomic import write_text
from patina.system.telling import tell

NOTHING, GAUSSIAN, REAL_PAIRS = "nothing", "Gaussian", "real-pairs"
SHOWN_SIDE = 160

Scores = dict[str, np.ndarray]
"""Mean PSNR and SSIM by method, ``[seeds, 2]``."""


@dataclass(frozen=True)
class DenoisingRequest:
    """A denoising experiment.

    Attributes:
        denoiser: the configuration of the denoiser, a path or a name.
        methods: learned noises and recipes.
        pictures: the folders of training and test pictures.
        seeds: seeds of the denoisers.
        out: a folder for everything that the experiment writes.
        device: where to compute.
    """

    denoiser: str
    methods: tuple[Method, ...]
    pictures: Pictures
    seeds: tuple[int, ...]
    out: Path
    device: str = "auto"


def compare_noises(request: DenoisingRequest) -> str:
    """Make the pairs, train the denoisers, and measure them; finished results of an earlier call are kept.

    Writes ``results.md``, ``results.json`` and ``sheet.png`` beside all else into ``request.out``.

    Returns:
        The tables, Markdown.

    Raises:
        PatinaError: a model, configuration or picture cannot be used, or a training was interrupted.
    """
    denoiser, pictures, out = denoiser_config(request.denoiser), request.pictures, request.out
    require_free_names(request.methods, (NOTHING, GAUSSIAN, REAL_PAIRS))
    match_by_stem(pictures.test_real, pictures.test_clean)
    names = [method.name for method in request.methods]
    tell(f"1/3 pairs: Gaussian noise and {', '.join(names)} added to the clean images")
    sigma = fitted_sigma(pictures.real, pictures.clean)
    folds = _folds(request, sigma)
    configs = [
        fold_config(denoiser, name, fold, seed, out)
        for name, members in folds.items()
        for fold in members
        for seed in request.seeds
    ]
    tell(f"2/3 denoisers: {len(configs)} trainings of {denoiser.stages[-1].steps} steps, seeds {list(request.seeds)}")
    train_all(configs, request.device)
    tell("3/3 denoise and measure the true pairs")
    scores = _scores(request, denoiser, folds)
    text = f"{report(scores, request.seeds, sigma)}\n\n{_noise_report(pictures, folds, names)}"
    write_text(out / "results.md", text + "\n")
    write_text(out / "results.json", json.dumps({name: score.tolist() for name, score in scores.items()}, indent=1))
    write_picture(out / "sheet.png", _sheet(request, folds))
    return text


def fitted_sigma(real: Path, clean: Path) -> list[float]:
    """Fit white noise to a real set: how much more its flat areas vary than those of a clean set.

    Returns:
        The std (8-bit) of each channel.

    Raises:
        PatinaError: the real set varies no more than the clean one.
    """
    real_variance, clean_variance = (_flat_std(folder) ** 2 for folder in (real, clean))
    variance = real_variance - clean_variance
    if variance.min() <= 0:
        raise PatinaError(f"{real} is not noisier than {clean}; swap the folders or choose others")
    return [round(float(value), 3) for value in np.sqrt(variance)]


def report(scores: Scores, seeds: Sequence[int], sigma: Sequence[float]) -> str:
    """Return the table in Markdown; `sigma` is the std (8-bit) of the Gaussian noise by channel."""
    lines = ["| the denoiser was trained on | PSNR (dB) | SSIM |", "| --- | ---: | ---: |"]
    for name, score in scores.items():
        label = "(no denoiser)" if name == NOTHING else name
        lines.append(f"| {label} | {spread(score[:, 0], 2)} | {spread(score[:, 1], 4)} |")
    lines.append("")
    lines.append(f"Seeds {', '.join(map(str, seeds))}: mean ± std; PSNR and SSIM on RGB, all pixels.")
    if REAL_PAIRS in scores:
        lines.append(f"PGAP, the loss against real pairs (dB): {_gaps(scores)}.")
    lines.append(f"Std (8-bit) of the Gaussian noise (R, G, B): {', '.join(f'{value:.2f}' for value in sigma)}.")
    return "\n".join(lines)


def _folds(request: DenoisingRequest, sigma: Sequence[float]) -> dict[str, list[Fold]]:
    """Return the folds of every method; real pairs have none where they show one scene."""
    pictures, out = request.pictures, request.out
    folds = {GAUSSIAN: synthetic_fold(FittedGaussianNoise(sigma), GAUSSIAN, "gaussian", pictures, out)}
    for (name, _), ready in ready_methods(request.methods, pictures, out, request.device).items():
        folds[name] = synthetic_fold(ready.degradation, name, ready.digest, pictures, out)
    real = scene_folds(pictures, out / "scenes")
    return folds | ({REAL_PAIRS: real} if real else {})


def _scores(request: DenoisingRequest, denoiser: RestorationConfig, folds: Mapping[str, list[Fold]]) -> Scores:
    scores = {NOTHING: np.array([mean_score(request.pictures.test_real, request.pictures.test_clean)])}
    for name, members in folds.items():
        by_seed = [fold_score(denoiser, name, members, seed, request.out, request.device) for seed in request.seeds]
        scores[name] = np.array(by_seed)
    return scores


def _gaps(scores: Scores) -> str:
    """Return the loss of every method against real pairs, from the pairs of the same seed."""
    real = scores[REAL_PAIRS][:, 0]
    gaps = {name: pgap(score[:, 0], real) for name, score in scores.items() if name not in (NOTHING, REAL_PAIRS)}
    return ", ".join(f"{name} {spread(gap, 2)}" for name, gap in gaps.items())


def _noise_report(pictures: Pictures, folds: Mapping[str, list[Fold]], learned: Collection[str]) -> str:
    """Compare the noise of the true pairs with the noise that the methods add to other pictures."""
    rows = [noise_table(pictures.test_clean, {"true pairs": pictures.test_real})]
    added = noise_table(pictures.clean, {name: folds[name][0].lq for name in (GAUSSIAN, *learned)})
    return "\n".join([*rows, *added.splitlines()[2:]])


def _sheet(request: DenoisingRequest, folds: Mapping[str, list[Fold]]) -> np.ndarray:
    """Show one picture of every scene: real, denoised by every method, and its ground truth."""
    matches = match_by_stem(request.pictures.test_real, request.pictures.test_clean)
    first = {scene_of(match.stem): match for match in reversed(matches)}
    rows = []
    for match in first.values():
        denoised = [
            path
            for name, members in folds.items()
            for fold in members
            if (path := denoised_folder(request.out, name, fold, request.seeds[0]) / f"{match.stem}.png").is_file()
        ]
        rows.append([_centre_crop(path) for path in (match.first, *denoised, match.second)])
    return sheet(rows, ["real", *folds, "ground truth"], zoom=2)


def _centre_crop(path: Path) -> np.ndarray:
    return to_eight_bit(centre_crop(read_picture(path).pixels, SHOWN_SIDE))


def _flat_std(folder: Path) -> np.ndarray:
    """Return the median `flat_std` of a folder's pictures by channel, 8-bit; textured pictures do not count."""
    measured = []
    for path in list_pictures(folder):
        picture = read_picture(path)
        measured.append(255 / picture.max_value * flat_std(picture.pixels))
    return np.median(measured, axis=0)
