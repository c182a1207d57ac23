"""Denoisers that measure a noise: the pairs they are trained on, their configurations, and their scores."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from patina.data.matching import Match, match_by_stem, scene_of
from patina.degradations.base import Degradation
from patina.errors import ConfigError
from patina.experiments.choices import Pictures
from patina.experiments.learned_methods import degrade_folder
from patina.imaging.picture_files import list_pictures
from patina.metrics.full_reference import means_of
from patina.pipelines.evaluation import evaluate_folders
from patina.pipelines.upscaling import UpscaleRequest, upscale
from patina.specs.configuration import load_config
from patina.specs.paired_data import LQSettings
from patina.specs.restoration_spec import RestorationConfig


@dataclass(frozen=True)
class Fold:
    """One training and the pairs it is tested on.

    Attributes:
        name: name of the fold; a method that needs only one calls it ``"all"``.
        lq, gt: folders of training pairs.
        test_real, test_clean: folders of true pairs that the training has not seen.
    """

    name: str
    lq: Path
    gt: Path
    test_real: Path
    test_clean: Path


def scene_folds(pictures: Pictures, folder: Path) -> list[Fold]:
    """Divide the true pairs by scene: each scene is tested with a denoiser that was trained on the others.

    A scene is a stem without its trailing numbers (``toy_0016_0976`` is ``toy``). Copies go to `folder`.

    Returns:
        One fold per scene; none where all pairs show one scene.
    """
    matches = match_by_stem(pictures.test_real, pictures.test_clean)
    scenes = sorted({scene_of(match.stem) for match in matches})
    if len(scenes) < 2:
        return []
    folds = []
    for scene in scenes:
        train, test = folder / scene / "train", folder / scene / "test"
        _copy([match for match in matches if scene_of(match.stem) != scene], train)
        _copy([match for match in matches if scene_of(match.stem) == scene], test)
        folds.append(Fold(scene, train / "real", train / "clean", test / "real", test / "clean"))
    return folds


def synthetic_fold(degradation: Degradation, name: str, model: str, pictures: Pictures, out: Path) -> list[Fold]:
    """Degrade the clean pictures; return the one fold that trains on them."""
    lq = degrade_folder(degradation, model, pictures.clean, out / "pairs" / name)
    return [Fold("all", lq, pictures.clean, pictures.test_real, pictures.test_clean)]


def like_real_folds(
    degradation: Degradation, name: str, model: str, real: Sequence[Fold], out: Path, seed: int
) -> list[Fold]:
    """Replace the LQ pictures of folds of real pairs: as many pairs with the same content, but another noise."""
    return [
        replace(fold, lq=degrade_folder(degradation, model, fold.gt, out / "pairs" / name / fold.name, seed))
        for fold in real
    ]


def denoiser_config(given: str) -> RestorationConfig:
    """Read the configuration of a denoiser.

    Raises:
        ConfigError: it is not one of a denoiser.
    """
    config = load_config(given)
    if not isinstance(config, RestorationConfig) or config.model.scale != 1:
        raise ConfigError(f"{given}: expected task restoration with model.scale 1, a denoiser")
    return config


def fold_config(config: RestorationConfig, method: str, fold: Fold, seed: int, out: Path) -> RestorationConfig:
    """Return the denoiser's configuration for one training; only the pairs and the seed differ between them."""
    data = config.data.model_copy(update={"lq": (LQSettings(path=fold.lq),), "gt": fold.gt})
    name = f"{method}-{fold.name}-seed{seed}"
    return config.model_copy(
        update={"name": name, "data": data, "validation": None, "seed": seed, "runs": out / "runs"}
    )


def fold_score(
    config: RestorationConfig, method: str, folds: Sequence[Fold], seed: int, out: Path, device: str
) -> tuple[float, float]:
    """Denoise the test pictures of every fold; return mean PSNR and SSIM, in which every picture counts the same."""
    sums, count = np.zeros(2), 0
    for fold in folds:
        trained = fold_config(config, method, fold, seed, out)
        results = denoised_folder(out, method, fold, seed)
        model = trained.final_model()
        upscale(UpscaleRequest(model, fold.test_real, results, device=device))
        pictures = len(list_pictures(fold.test_real))
        sums += pictures * np.array(mean_score(results, fold.test_clean))
        count += pictures
    psnr, ssim = sums / count
    return float(psnr), float(ssim)


def mean_score(results: Path, ground_truth: Path) -> tuple[float, float]:
    """Return mean PSNR and SSIM of a folder, on RGB and all pixels."""
    evaluation = evaluate_folders(results, ground_truth, metrics=("psnr", "ssim"))
    means = means_of([score.values for score in evaluation.scores])
    return means["psnr"], means["ssim"]


def denoised_folder(out: Path, method: str, fold: Fold, seed: int) -> Path:
    """Return where the denoised test pictures of one training lie."""
    return out / "denoised" / f"{method}-seed{seed}" / fold.name


def _copy(matches: Sequence[Match], folder: Path) -> None:
    for part in ("real", "clean"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for match in matches:
        shutil.copyfile(match.first, folder / "real" / match.first.name)
        shutil.copyfile(match.second, folder / "clean" / match.second.name)
