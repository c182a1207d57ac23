"""The table of metrics of an image; all but NIQE compare a result with its ground truth (GT).

A new metric is a function and a row of `METRICS`. Evaluation, comparison and validation read the table.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from patina.errors import WeightsMissing
from patina.metrics.image_pair import Space, TooSmallForMetric
from patina.metrics.mse import mse
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim

Compare = Callable[..., float]
"""A metric: ``compare(result, gt, *, crop, space)``, with arguments as in `psnr`."""


@dataclass(frozen=True)
class Presented:
    """How a measure is presented.

    Attributes:
        key: name in files.
        title: name in tables.
        unit: unit of the values; empty for plain numbers.
        digits: decimals in tables.
        higher_is_better: whether better results have higher values.
    """

    key: str
    title: str
    unit: str
    digits: int
    higher_is_better: bool

    @property
    def heading(self) -> str:
        """Title, unit and the direction of better values, for the head of a table."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.title}{unit} {'↑' if self.higher_is_better else '↓'}"

    def text(self, value: float) -> str:
        """Return a value with the metric's decimals."""
        return f"{value:.{self.digits}f}"


@dataclass(frozen=True)
class Metric(Presented):
    """A metric of an image and its presentation.

    Attributes:
        open: called with the device ("auto", "cpu", "cuda", "mps") for a network; returns the metric.
        network: whether a network computes it, which always gets RGB.
        when: where it is measured by default: "always" in evaluations and in validations during training, "evaluate"
            in evaluations, "asked" nowhere.
        needs_gt: whether it compares with the GT.
    """

    open: Callable[[str], Compare]
    network: bool = False
    when: Literal["always", "evaluate", "asked"] = "always"
    needs_gt: bool = True


def _always(compare: Compare) -> Callable[[str], Compare]:
    """Return the `open` of a metric that is a plain function."""
    return lambda device: compare


def _open_lpips(device: str) -> Compare:
    from patina.metrics.lpips import Lpips
    from patina.system.devices import compute_device

    lpips = Lpips(compute_device(device))
    return lambda result, gt, *, crop, space: lpips(result, gt, crop=crop)


def _open_ms_ssim(device: str) -> Compare:
    from patina.metrics.ms_ssim import ms_ssim  # torchmetrics takes seconds to import

    return ms_ssim


def _open_dists(device: str) -> Compare:
    from patina.metrics.dists import Dists
    from patina.system.devices import compute_device

    dists = Dists(compute_device(device))
    return lambda result, gt, *, crop, space: dists(result, gt, crop=crop)


def _open_efficientnet(device: str) -> Compare:
    from patina.metrics.efficientnet import EfficientNetDistance
    from patina.system.devices import compute_device

    distance = EfficientNetDistance().to(compute_device(device))
    return lambda result, gt, *, crop, space: distance.compare(result, gt, crop=crop)


def _open_niqe(device: str) -> Compare:
    from patina.metrics.niqe import Niqe

    niqe = Niqe()
    return lambda result, gt, *, crop, space: niqe(result, crop=crop)


def _on_luma(compare: Compare) -> Compare:
    """Return a metric that measures luma, whatever the space of the others."""
    return lambda result, gt, *, crop, space: compare(result, gt, crop=crop, space="y")


ON_LUMA = ("psnr_y", "ssim_y")
"""Metrics that are computed on luma, whatever `space` is."""

METRICS = {
    metric.key: metric
    for metric in (
        Metric("mse", "MSE", "8-bit", 2, False, _always(mse)),
        Metric("psnr", "PSNR", "dB", 2, True, _always(psnr)),
        Metric("psnr_y", "PSNR of Y", "dB", 2, True, _always(_on_luma(psnr)), when="evaluate"),
        Metric("ssim", "SSIM", "", 4, True, _always(ssim)),
        Metric("ssim_y", "SSIM of Y", "", 4, True, _always(_on_luma(ssim)), when="evaluate"),
        Metric("lpips", "LPIPS", "", 4, False, _open_lpips, network=True, when="evaluate"),
        Metric("ms_ssim", "MS-SSIM", "", 4, True, _open_ms_ssim, when="asked"),
        Metric("dists", "DISTS", "", 4, False, _open_dists, network=True, when="asked"),
        Metric("efficientnet", "EfficientNet", "", 4, False, _open_efficientnet, network=True, when="asked"),
        Metric("niqe", "NIQE", "", 2, False, _open_niqe, when="asked", needs_gt=False),
    )
}
"""All metrics by key, in the order of tables."""


def metric_keys(lpips: bool, space: Space = "rgb") -> tuple[str, ...]:
    """Return the keys of the metrics that evaluations measure by default, with or without LPIPS.

    If `space` is "y", those in `ON_LUMA` are left out, as they would repeat PSNR and SSIM.
    """
    usual = [key for key, metric in METRICS.items() if metric.when != "asked" and (lpips or key != "lpips")]
    return tuple(key for key in usual if space == "rgb" or key not in ON_LUMA)


def validated_keys() -> tuple[str, ...]:
    """Return the keys of the metrics that validations during training measure."""
    return tuple(key for key, metric in METRICS.items() if metric.when == "always")


def open_metrics(keys: Collection[str], device: str) -> tuple[dict[str, Compare], dict[str, str]]:
    """Open metrics by their keys.

    Returns:
        The metrics, and the error messages of metrics whose weights are missing.
    """
    opened: dict[str, Compare] = {}
    missing: dict[str, str] = {}
    for key in keys:
        try:
            opened[key] = METRICS[key].open(device)
        except WeightsMissing as error:
            missing[key] = str(error)
    return opened, missing


def scores_without_network(
    result: np.ndarray, gt: np.ndarray, *, crop: int = 0, space: Space = "rgb"
) -> dict[str, float]:
    """Measure a result with the metrics of validations that it is large enough for; arguments as in `psnr`.

    Raises:
        PatinaError: as in `measured`.
    """
    plain = {key: METRICS[key].open("cpu") for key in validated_keys()}
    return measured(plain, result, gt, crop=crop, space=space)[0]


def measured(
    opened: Mapping[str, Compare], result: np.ndarray, gt: np.ndarray, *, crop: int, space: Space
) -> tuple[dict[str, float], dict[str, str]]:
    """Measure a result with every metric that it is large enough for.

    Args:
        opened: the metrics, from `open_metrics`.
        result, gt, crop, space: as in `psnr`.

    Returns:
        The values, and the reasons why others are absent, by key.

    Raises:
        PatinaError: the two images cannot be compared, or are too small for every metric.
    """
    values: dict[str, float] = {}
    absent: dict[str, TooSmallForMetric] = {}
    for key, compare in opened.items():
        try:
            values[key] = compare(result, gt, crop=crop, space=space)
        except TooSmallForMetric as error:
            absent[key] = error
    if absent and not values:
        raise next(iter(absent.values()))
    return values, {key: str(error) for key, error in absent.items()}


def caption(scores: Mapping[str, float]) -> str:
    """Return scores in one line."""
    return ", ".join(f"{METRICS[key].title} {METRICS[key].text(value)}" for key, value in scores.items())


def means_of(scores: Collection[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of every metric over the images that have it.

    The PSNR of identical images is infinite; it does not count, unless all are.
    """
    means = {}
    for key in dict.fromkeys(key for score in scores for key in score):
        values = [score[key] for score in scores if key in score]
        means[key] = fmean([value for value in values if value != math.inf] or values)
    return means
