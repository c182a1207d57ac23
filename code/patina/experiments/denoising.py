"""Measure a learned noise by the denoisers that it trains, against Gaussian noise and real pairs, on true pairs."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from patina.data.matching import Match, match_by_stem, scene_of
from patina.degradations.base import Degradation
from patina.errors import ConfigError, PatinaError
from patina.experiments.parallel_training import require_finished, say, spread
from patina.imaging.crops import middle
from patina.imaging.picture_files import list_pictures, read_picture, to_eight_bit
from patina.imaging.sheets import sheet
from patina.metrics.noise_statistics import flat_deviation
from patina.metrics.residuals import pgap
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.noise_comparison import noise_table
from patina.pipelines.scores import evaluate_folders
from patina.pipelines.training_run import train_config
from patina.pipelines.translation import Record, load_learned_config, translate_folder
from patina.pipelines.upscaling import UpscaleRequest, upscale
from patina.settings import PROJECT_ROOT
from patina.specs.configuration import load_config
from patina.specs.learned_settings import DeFlowConfig, LearnedConfig, LUDVAEConfig
from patina.specs.restoration_settings import LowQuality, RestorationConfig

NOTHING, GAUSSIAN, REAL_PAIRS = "nothing", "Gaussian", "real-pairs"
SETS = PROJECT_ROOT / "datasets" / "polyu"
SHOWN_SIDE = 160


@dataclass(frozen=True)
class Pictures:
    """The folders of an experiment: `clean` and `real` are unpaired, the test folders are true pairs by stem."""

    clean: Path
    real: Path
    test_real: Path
    test_clean: Path


@dataclass(frozen=True)
class Fold:
    """One training and what it is tested on.

    Attributes:
        name: of the fold; a method that needs only one calls it ``"all"``.
        lq, gt: folders of training pairs.
        test_real, test_clean: folders of true pairs that training has not seen.
    """

    name: str
    lq: Path
    gt: Path
    test_real: Path
    test_clean: Path


def fitted_sigma(real: Path, clean: Path) -> list[float]:
    """Fit white noise to a real set: what its flat places vary more than a clean set's, by channel, in 1/255.

    Raises:
        PatinaError: the real set varies no more than the clean one.
    """
    squares = [_flat_deviation_of(folder) ** 2 for folder in (real, clean)]
    variance = squares[0] - squares[1]
    if variance.min() <= 0:
        raise PatinaError(f"{real} is not noisier than {clean}; exchange the folders or choose others")
    return [round(float(value), 3) for value in np.sqrt(variance)]


def scene_folds(pictures: Pictures, folder: Path) -> list[Fold]:
    """Divide the true pairs by scene: each scene is tested with what the others teach.

    A scene is a stem without its trailing numbers (``toy_0016_0976`` is ``toy``). Copies go to `folder`.

    Returns:
        A fold for every scene; none where all pairs are of one scene.
    """
    matches = match_by_stem(pictures.test_real, pictures.test_clean)
    scenes = sorted({scene_of(match.stem) for match in matches})
    if len(scenes) < 2:
        return []
    folds = []
    for scene in scenes:
        parts = {"test": [], "train": []}
        for match in matches:
            parts["test" if scene_of(match.stem) == scene else "train"].append(match)
        for part, members in parts.items():
            _copy(members, folder / scene / part)
        train, test = folder / scene / "train", folder / scene / "test"
        folds.append(Fold(scene, train / "real", train / "clean", test / "real", test / "clean"))
    return folds


def report(scores: dict[str, np.ndarray], seeds: Sequence[int], sigma: Sequence[float]) -> str:
    """Return the table in Markdown; `scores` are mean PSNR and SSIM by method, ``[seeds, 2]``."""
    lines = ["| the denoiser was trained on | PSNR (dB) | SSIM |", "| --- | ---: | ---: |"]
    for name, score in scores.items():
        label = "(no denoiser)" if name == NOTHING else name
        lines.append(f"| {label} | {spread(score[:, 0], 2)} | {spread(score[:, 1], 4)} |")
    lines.append("")
    lines.append(f"Seeds {', '.join(map(str, seeds))}: mean ± deviation; PSNR and SSIM on RGB, all pixels.")
    if REAL_PAIRS in scores:
        lines.append(f"PGAP, what is lost against real pairs (dB): {_gaps(scores)}.")
    lines.append(f"The Gaussian noise has deviations {', '.join(f'{value:.2f}' for value in sigma)} (R, G, B; of 255).")
    return "\n".join(lines)


def _gaps(scores: dict[str, np.ndarray]) -> str:
    """Return every method's loss against real pairs, seed by seed the same."""
    real = scores[REAL_PAIRS][:, 0]
    gaps = {name: pgap(each[:, 0], real) for name, each in scores.items() if name not in (NOTHING, REAL_PAIRS)}
    return ", ".join(f"{name} {spread(gap, 2)}" for name, gap in gaps.items())


def denoiser_config(given: str) -> RestorationConfig:
    """Read the configuration of a denoiser.

    Raises:
        ConfigError: it is of something else.
    """
    config = load_config(given)
    if not isinstance(config, RestorationConfig) or config.model.scale != 1:
        raise ConfigError(f"{given}: expected task restoration with model.scale 1, a denoiser")
    return config


def _trained_model(given: str, pictures: Pictures, device: str) -> Path:
    """Return a model file; where a configuration is given, train it on the experiment's pictures first."""
    if Path(given).suffix == ".safetensors":
        return Path(given)
    config = on_pictures(load_learned_config(given), pictures)
    say(f"    {config.name}: {config.training.steps} steps, unless they are done")
    require_finished(train_config(config, device))
    return config.final_model()


def on_pictures(config: LearnedConfig, pictures: Pictures) -> LearnedConfig:
    """Return the configuration for the experiment's pictures; make a DeFlow's multi-scale sets where they miss."""
    if isinstance(config, LUDVAEConfig):
        data = config.data.model_copy(update={"clean": pictures.clean, "real": pictures.real})
        return config.model_copy(update={"data": data})
    if isinstance(config, DeFlowConfig):
        for domain, source in ((config.data.clean, pictures.clean), (config.data.real, pictures.real)):
            if not domain.folder.exists():
                prepare(source, domain.folder, [domain.image_scale, domain.image_scale * config.model.scale])
    return config


def synthetic_fold(degradation: Degradation, name: str, model: str, pictures: Pictures, out: Path) -> list[Fold]:
    """Degrade the clean pictures; return the one fold that they train."""
    lq = _degraded(degradation, model, pictures.clean, out / "pairs" / name, seed=0)
    return [Fold("all", lq, pictures.clean, pictures.test_real, pictures.test_clean)]


def like_real_folds(
    degradation: Degradation, name: str, model: str, real: Sequence[Fold], out: Path, seed: int
) -> list[Fold]:
    """Degrade the clean pictures of folds of real pairs: as many pairs of the same content, the noise alone differs."""
    return [
        replace(fold, lq=_degraded(degradation, model, fold.gt, out / "pairs" / name / fold.name, seed))
        for fold in real
    ]


def _degraded(degradation: Degradation, model: str, source: Path, out: Path, seed: int) -> Path:
    report = translate_folder(degradation, source, out, Record("", "", "X", seed, 0, model))
    if report.failures:
        raise PatinaError(f"{report.failures[0][0]}: {report.failures[0][1]}")
    return out


def fold_config(config: RestorationConfig, method: str, fold: Fold, seed: int, out: Path) -> RestorationConfig:
    """Return the denoiser's configuration for one training; the pairs and the seed are all that differs."""
    data = config.data.model_copy(update={"lq": (LowQuality(path=fold.lq),), "gt": fold.gt})
    name = f"{method}-{fold.name}-seed{seed}"
    return config.model_copy(
        update={"name": name, "data": data, "validation": None, "seed": seed, "runs": out / "runs"}
    )


def fold_score(
    config: RestorationConfig, method: str, folds: list[Fold], seed: int, out: Path, device: str
) -> tuple[float, float]:
    """Denoise every fold's test pictures; return their mean PSNR and SSIM, each picture counting the same."""
    sums, count = np.zeros(2), 0
    for fold in folds:
        trained = fold_config(config, method, fold, seed, out)
        results = _denoised(out, method, fold, seed)
        model = trained.final_model(trained.stages[-1].name)
        upscale(UpscaleRequest(model, fold.test_real, results, device=device))
        pictures = len(list_pictures(fold.test_real))
        sums += pictures * np.array(_mean_score(results, fold.test_clean))
        count += pictures
    return tuple(sums / count)


def _mean_score(results: Path, truth: Path) -> tuple[float, float]:
    means = evaluate_folders(results, truth, lpips=False).means
    return means["psnr"], means["ssim"]


def _denoised(out: Path, method: str, fold: Fold, seed: int) -> Path:
    return out / "denoised" / f"{method}-seed{seed}" / fold.name


def _noise_report(pictures: Pictures, methods: dict[str, list[Fold]], learned: Sequence[str]) -> str:
    """Compare the noise of the true pairs with what the learned methods and the Gaussian add to other pictures."""
    rows = [noise_table(pictures.test_clean, {"true pairs": pictures.test_real})]
    added = noise_table(pictures.clean, {name: methods[name][0].lq for name in (GAUSSIAN, *learned)})
    return "\n".join([*rows, *added.splitlines()[2:]])


def _sheet(pictures: Pictures, methods: dict[str, list[Fold]], seed: int, out: Path) -> np.ndarray:
    """Show a picture of every scene: noisy, as every method denoises it, and the truth."""
    first = {scene_of(match.stem): match for match in reversed(match_by_stem(pictures.test_real, pictures.test_clean))}
    rows = []
    for match in first.values():
        shown = [match.first]
        for name, folds in methods.items():
            shown += [
                path for fold in folds if (path := _denoised(out, name, fold, seed) / f"{match.stem}.png").is_file()
            ]
        rows.append([_middle(path) for path in [*shown, match.second]])
    return sheet(rows, ["real", *methods, "truth"], zoom=2)


def _middle(path: Path) -> np.ndarray:
    """Cut a square out of a picture's middle, 8 bit."""
    return to_eight_bit(middle(read_picture(path).pixels, SHOWN_SIDE))


def _flat_deviation_of(folder: Path) -> np.ndarray:
    """Return the pictures' median `flat_deviation`, by channel, in 1/255: pictures full of texture do not count."""
    measured = []
    for path in list_pictures(folder):
        picture = read_picture(path)
        measured.append(255 / picture.max_value * flat_deviation(picture.pixels))
    return np.median(measured, axis=0)


def _copy(matches: Sequence[Match], folder: Path) -> None:
    for part in ("real", "clean"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for match in matches:
        shutil.copyfile(match.first, folder / "real" / match.first.name)
        shutil.copyfile(match.second, folder / "clean" / match.second.name)
