"""The table of full-reference metrics, which compare a result with its ground truth (GT).

A new metric is a function and a row of `METRICS`. Evaluation, comparison and validation read the table.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from patina.errors import WeightsMissing
from patina.metrics.image_pair import Space, TooSmallForMetric
from patina.metrics.mse import mse
from patina.metrics.psnr import psnr
from patina.metrics.ssim import ssim

Compare = Callable[..., float]
"""A metric: ``compare(result, gt, *, crop, space)``, with arguments as in `psnr`."""


@dataclass(frozen=True)
class Metric:
    """A metric and its presentation.

    Attributes:
        key: name in files.
        title: name in tables.
        unit: unit of the values; empty for plain numbers.
        digits: decimals in tables.
        higher_is_better: whether better results have higher values.
        open: called with the device ("auto", "cpu", "cuda", "mps") for a network; returns the metric.
        network: whether it needs a network with published weights. Such metrics are always measured on RGB.
    """

    key: str
    title: str
    unit: str
    digits: int
    higher_is_better: bool
    open: Callable[[str], Compare]
    network: bool = False

    @property
    def heading(self) -> str:
        """Title, unit and the direction of better values, for the head of a table."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.title}{unit} {'↑' if self.higher_is_better else '↓'}"

    def text(self, value: float) -> str:
        """Return a value with the metric's decimals."""
        return f"{value:.{self.digits}f}"


def _always(compare: Compare) -> Callable[[str], Compare]:
    """Return the `open` of a metric that is a plain function."""
    return lambda device: compare


def _open_lpips(device: str) -> Compare:
    from patina.metrics.lpips import Lpips
    from patina.system.devices import compute_device

    lpips = Lpips(compute_device(device))
    return lambda result, gt, *, crop, space: lpips(result, gt, crop=crop)


METRICS = {
    metric.key: metric
    for metric in (
        Metric("mse", "MSE", "8-bit", 2, False, _always(mse)),
        Metric("psnr", "PSNR", "dB", 2, True, _always(psnr)),
        Metric("ssim", "SSIM", "", 4, True, _always(ssim)),
        Metric("lpips", "LPIPS", "", 4, False, _open_lpips, network=True),
    )
}
"""All metrics by key, in the order of tables."""


def metric_keys(lpips: bool) -> tuple[str, ...]:
    """Return the keys of all metrics, with or without LPIPS."""
    return tuple(key for key in METRICS if lpips or key != "lpips")


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
    """Measure a result with all metrics that need no network and that it is large enough for; arguments as in `psnr`.

    Raises:
        PatinaError: as in `measured`.
    """
    plain = {key: metric.open("cpu") for key, metric in METRICS.items() if not metric.network}
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
