"""Ranges of many profiles as one range."""

from collections.abc import Sequence

from patina.exchange.conversion import Remarks
from patina.exchange.recipe_parts import tidy

MANY = 5
"""From this number of ranges on, the tails are left out."""

TAIL = 0.05
"""Fraction of the weight that is left out at each end."""

WeightedRange = tuple[float, float, float]
"""Weight, low end, high end."""


def spanned(name: str, ranges: Sequence[WeightedRange], remarks: Remarks) -> list[float]:
    """Return the span of ranges: from the lowest low end to the highest high end; of many, from the 5th percentile of
    the low ends to the 95th of the high ends, with a remark under `name`."""
    if len({(low, high) for _, low, high in ranges}) < MANY:
        return [tidy(min(low for _, low, _ in ranges)), tidy(max(high for _, _, high in ranges))]
    percent = round(100 * TAIL)
    remarks.add(
        f"{name}: {percent}th percentile of the low ends to {100 - percent}th of the high ends of {len(ranges)}"
    )
    low = _quantile([(low, weight) for weight, low, _ in ranges], TAIL)
    high = _quantile([(high, weight) for weight, _, high in ranges], 1 - TAIL)
    return [tidy(low), tidy(max(low, high))]


def _quantile(values: list[tuple[float, float]], part: float) -> float:
    """Return the smallest value that at least `part` of the weight does not exceed."""
    whole, below = sum(weight for _, weight in values), 0.0
    for value, weight in sorted(values):
        below += weight
        if below >= part * whole - 1e-12:
            return value
    return max(value for value, _ in values)
