"""The table of distances of two whole sets of images, and how every measure is presented; light, without torch."""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from patina.metrics.full_reference import METRICS, Presented


@dataclass(frozen=True)
class SetMeasure(Presented):
    """A distance of two sets of images.

    Attributes:
        network: whose features are compared.
        statistic: the Fréchet distance, or the kernel distance.
    """

    network: Literal["inception", "efficientnet"]
    statistic: Literal["frechet", "kernel"]


SET_MEASURES = {
    measure.key: measure
    for measure in (
        SetMeasure("fid", "FID", "", 2, False, "inception", "frechet"),
        SetMeasure("kid", "KID", "", 4, False, "inception", "kernel"),
        SetMeasure("efficientnet_fd", "EfficientNet-FD", "", 2, False, "efficientnet", "frechet"),
        SetMeasure("efficientnet_kd", "EfficientNet-KD", "", 4, False, "efficientnet", "kernel"),
    )
}
"""All distances of sets by key, in the order of tables."""

MEASURES: Mapping[str, Presented] = ChainMap({}, SET_MEASURES, METRICS)  # type: ignore[arg-type] # read only
"""Every measure that a table can show."""
