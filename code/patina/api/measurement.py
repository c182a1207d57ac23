"""Measures of pictures in memory, and of folders: distances from ground truth, and realism."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from patina.api.arguments import Device, checked_picture
from patina.errors import PatinaError

if TYPE_CHECKING:
    from patina.fidelity.samples import Sample
    from patina.metrics.image_pair import Space

Images = str | Path | Mapping[str, np.ndarray]
"""A folder of pictures, or pictures by name."""


def evaluate(
    result: np.ndarray | str | Path,
    ground_truth: np.ndarray | str | Path | None,
    *,
    metrics: Collection[str] = ("mse", "psnr", "ssim"),
    crop: int = 0,
    space: Space = "rgb",
    device: Device = "auto",
) -> dict[str, Any]:
    """Measure a result against its ground truth (GT), or a folder of results against the GT images of the same stems.

    Args:
        result: a picture, or a folder of pictures.
        ground_truth: the same, of the same size; for a folder also None, if `metrics` need no GT.
        metrics: keys of `METRICS`, e.g. "psnr_y", "lpips" or "niqe"; for folders also of `SET_MEASURES`, e.g. "fid".
        crop: pixels to crop from every border.
        space: "rgb", or "y" for luma; networks always see RGB.
        device: device that networks compute on.

    Returns:
        For pictures the value of every metric, None where they are too small for it; for folders the values of
        ``scores.json``: the mean of every metric, the scores of every image, and which images could not be measured.

    Raises:
        PatinaError: the two cannot be compared, a folder is empty, or a metric is unknown or lacks its weights.
    """
    from patina.metrics.full_reference import METRICS, measured, open_metrics
    from patina.pipelines.evaluation import evaluate_folders

    if not isinstance(result, np.ndarray) and not isinstance(ground_truth, np.ndarray):
        folders = Path(result), None if ground_truth is None else Path(ground_truth)
        return evaluate_folders(*folders, metrics=metrics, crop=crop, space=space, device=device).document()
    if not isinstance(result, np.ndarray) or not isinstance(ground_truth, np.ndarray):
        raise PatinaError("expected two images or two folders, got an image and a folder")
    if unknown := [key for key in metrics if key not in METRICS]:
        raise PatinaError(f"unknown metric {unknown[0]!r}; expected some of {', '.join(METRICS)}")
    opened, missing = open_metrics(metrics, device)
    for key, reason in missing.items():
        raise PatinaError(f"{key} cannot be measured: {reason}")
    values, _ = measured(opened, result, ground_truth, crop=crop, space=space)
    return {key: values.get(key) for key in opened}


def report(
    generated: Images,
    real: Images,
    clean: Images,
    *,
    paired: bool = False,
    scale: int = 1,
    pictures: int = 24,
    side: int = 512,
    seed: int = 0,
    classifier_steps: int = 200,
) -> dict[str, Any]:
    """Measure how real generated pictures look; return what `patina report` writes as JSON.

    All three sets are folders, or pictures by name; at least 4 pictures of 64x64 pixels are needed. Files that cannot
    be measured are printed on standard error and left out, with their partners.

    Args:
        generated: the clean pictures, degraded, under the same names.
        real: real pictures to compare with.
        clean: the clean pictures.
        paired: whether the real pictures show the content of the clean ones of the same names.
        scale: downscaling factor from the clean pictures to the generated and real ones.
        pictures: maximum number of pictures to read from a folder.
        side: larger pictures are center-cropped to this many pixels.
        seed: seed of noise, patches and classifiers.
        classifier_steps: training steps of every classifier.

    Returns:
        Plain values: ``"headline"``, ``"findings"`` (a verdict for every measure), and the measured properties of the
        generated and the real pictures.

    Raises:
        PatinaError: a picture in memory cannot be used, or a set is too small or lacks a name.
    """
    from patina.fidelity.assessment import assess
    from patina.fidelity.reference import Reference
    from patina.fidelity.samples import matched
    from patina.pipelines.realism_report import measured_values

    clean_samples = _samples(clean, pictures, side, scale=scale)
    names = [sample.name for sample in clean_samples]
    real_samples = _samples(real, pictures, side, names=names if paired else None)
    generated_samples = _samples(generated, None, side, names=names)
    if paired:
        clean_samples, generated_samples, real_samples = matched(clean_samples, generated_samples, real_samples)
    else:
        clean_samples, generated_samples = matched(clean_samples, generated_samples)
    reference = Reference(clean_samples, real_samples, paired=paired, seed=seed, classifier_steps=classifier_steps)
    return measured_values(assess(generated_samples, reference), reference)


def _samples(
    images: Images, limit: int | None, side: int, *, names: Sequence[str] | None = None, scale: int = 1
) -> list[Sample]:
    """Read a set of pictures, or take it from memory; `names` are those wanted, None for all."""
    from patina.fidelity.samples import load_samples, make_sample

    if not isinstance(images, Mapping):
        return load_samples(Path(images), limit=limit, side=side, names=names, scale=scale)
    if names is not None and (missing := [name for name in names if name not in images]):
        raise PatinaError(f"no image named {missing[0]!r}; expected one for every clean image")
    wanted = list(images) if names is None else names
    return [make_sample(name, checked_picture(images[name]), side=side, scale=scale) for name in wanted]
