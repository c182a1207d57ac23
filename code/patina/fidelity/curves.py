"""The curves of a comparison: generated and real in one plot, with the yardsticks."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patina.fidelity.baselines import GAUSSIAN, POISSON_GAUSSIAN
from patina.fidelity.charts import Band, Line, chart, correlation_map, legend
from patina.fidelity.profile import Profile
from patina.fidelity.real_comparison import Reference
from patina.metrics import noise_level
from patina.metrics.autocorrelation import REACH
from patina.metrics.residuals import EDGES, histogram
from patina.metrics.spectrum import ROUNDING, by_frequency, by_orientation

STYLES = {GAUSSIAN: "gaussian", POISSON_GAUSSIAN: "poisson"}
POINTS = 240
"""Of a training curve."""

NOT_DRAWN = re.compile(r"part|step|time|lr|gradient|steps_per_second|.*_weight")
"""Of what a training logs: what is set instead of measured, and what only its maker needs."""

DECADE = 10.0
UNKNOWN = "Cannot be measured."


@dataclass(frozen=True)
class Figure:
    """A chart of the page.

    Attributes:
        title: above it.
        note: how to read it.
        svg: the drawing.
        legend: its key, HTML.
    """

    title: str
    note: str
    svg: str
    legend: str


def profile_figures(profile: Profile, reference: Reference) -> list[Figure]:
    """Draw what both sets' noise is like."""
    profiles = {"generated": profile, "real": reference.profile, **reference.noisy_profiles}
    return [
        _figure("Spectrum", "How strong the noise is, from coarse to fine. White noise is flat.",
                "cycles a pixel", "power (dB)", profiles, reference, _spectrum),
        _figure("Grain", "How much a pixel's noise has in common with its neighbours'.",
                "distance (pixels)", "correlation", profiles, reference, _correlation),
        _figure("Brightness", "How strong the noise is where the picture is dark and where it is bright.",
                "brightness (0 to 255)", "deviation (of 255)", profiles, reference, _level),
        _figure("Direction", "How the noise is shared between directions; 0 degrees varies from left to right.",
                "orientation (degrees)", "share of the mean (dB)", profiles, reference, _orientation),
    ]  # fmt: skip


def residual_figure(residuals: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Draw the histograms of true residuals; the names are those of `profile_figures`."""
    middles = (EDGES[1:] + EDGES[:-1]) / 2
    shown = np.abs(middles) <= 24
    lines = []
    for name, each in residuals.items():
        counts = sum(map(histogram, each))
        share = np.maximum(counts / counts.sum(), 1e-6)
        lines.append(_styled(name, middles[shown], np.log10(share[shown])))
    title, note = "Residuals", "How often each difference from the clean picture occurs."
    return Figure(
        title, note, chart(title, "difference (of 255)", "share (log 10)", _ordered(lines)), legend(_ordered(lines))
    )


def correlation_maps(profile: Profile, reference: Reference) -> list[tuple[str, str]]:
    """Draw both autocorrelations as maps: (caption, SVG)."""
    maps = {"generated": profile.correlation, "real": reference.profile.correlation}
    return [(_caption(name, each), correlation_map(f"Autocorrelation, {name}", each)) for name, each in maps.items()]


def _caption(name: str, correlation: np.ndarray) -> str:
    return name if np.isfinite(correlation).any() else f"{name}: {UNKNOWN.lower().rstrip('.')}"


def training_figures(log: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Draw what a run has logged: numbers whose names begin alike share a chart; what is always 0 is left out."""
    series: dict[str, dict[str, Line]] = {}
    for part in ("train", "valid"):
        lines = [line for line in log if line.get("part") == part]
        for name in dict.fromkeys(key for line in lines for key in line if not NOT_DRAWN.fullmatch(key)):
            points = [(line["step"], line[name]) for line in lines if name in line]
            if len(points) > 1 and any(value != 0 for _, value in points):
                x, y = np.array(_thinned(points), float).T
                label = name if part == "train" else f"{name}, validation"
                style = f"series{len(series.get(name.split('_')[0], {})) % 6}"
                series.setdefault(name.split("_")[0], {})[label] = Line(label, style, x, y)
    return [_training_figure(name, list(lines.values())) for name, lines in series.items()]


def _training_figure(name: str, lines: list[Line]) -> Figure:
    """Draw curves of a training; over a logarithmic axis where they are positive and span more than a decade."""
    values = np.concatenate([line.y[np.isfinite(line.y)] for line in lines])
    log = len(values) > 0 and values.min() > 0 and values.max() > DECADE * values.min()
    title = f"Training: {name}"
    svg = chart(title, "step", f"{name} (log axis)" if log else name, lines, log=bool(log))
    return Figure(title, "" if svg else UNKNOWN, svg, legend(lines))


def _figure(
    title: str,
    note: str,
    x_label: str,
    y_label: str,
    profiles: Mapping[str, Profile],
    reference: Reference,
    curve: Callable[[Profile], tuple[np.ndarray, np.ndarray]],
) -> Figure:
    lines = _ordered([_styled(name, *curve(each)) for name, each in profiles.items()])
    halves = [curve(each) for each in reference.half_profiles]
    low, high = np.minimum(halves[0][1], halves[1][1]), np.maximum(halves[0][1], halves[1][1])
    known = np.isfinite(low)
    bands = [Band("real against real", "real", halves[0][0][known], low[known], high[known])]
    svg = chart(title, x_label, y_label, lines, bands)
    return Figure(title, note if svg else UNKNOWN, svg, legend(lines, bands))


def _styled(name: str, x: np.ndarray, y: np.ndarray) -> Line:
    return Line(name, STYLES.get(name, name), x, y)


def _ordered(lines: list[Line]) -> list[Line]:
    """Draw the yardsticks first, so that the two that matter lie on top."""
    order = ["gaussian", "poisson", "real", "generated"]
    return sorted(lines, key=lambda line: order.index(line.style))


def _spectrum(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    frequency, power = by_frequency(profile.spectrum)
    return frequency, 10 * np.log10(np.maximum(power, ROUNDING))


def _orientation(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    angle, power = by_orientation(profile.spectrum)
    return angle, 10 * np.log10(np.maximum(power, ROUNDING) / np.maximum(power, ROUNDING).mean())


def _correlation(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    right, down = profile.correlation[REACH, REACH:], profile.correlation[REACH:, REACH]
    return np.arange(REACH + 1), (right + down) / 2


def _level(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    level = profile.level
    middles = (noise_level.EDGES[1:] + noise_level.EDGES[:-1]) / 2
    known = np.isfinite(level.variance).all(axis=1)
    return middles, np.where(known, np.sqrt(np.where(known[:, None], level.variance, 0).mean(axis=1)), np.nan)


def _thinned(points: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """Average neighbours where there are more points than can be seen."""
    parts = np.array_split(np.array(points, float), min(POINTS, len(points)))
    return [tuple(part.mean(axis=0)) for part in parts]
