"""The curves of a report: generated and real images and the Gaussian baselines in one chart."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from patina.fidelity.baselines import GAUSSIAN, POISSON_GAUSSIAN, REAL
from patina.fidelity.charts import Line, ShadedRange, chart, correlation_map, legend
from patina.fidelity.profile import Profile
from patina.fidelity.reference import Reference
from patina.metrics import noise_level
from patina.metrics.autocorrelation import REACH
from patina.metrics.residuals import EDGES, histogram
from patina.metrics.spectrum import ROUNDING, by_frequency, relative_by_orientation

STYLES = {GAUSSIAN: "gaussian", POISSON_GAUSSIAN: "poisson", "clean": "gaussian", "fitted": "generated"}
"""CSS classes of curves; those of other names are the names."""

POINTS = 240
"""Most points of a training curve."""

NOT_DRAWN = re.compile(r"part|step|time|lr|gradient|steps_per_second|.*_weight")
"""Logged values that are settings or timings, not measurements."""

Curve: TypeAlias = tuple[np.ndarray, np.ndarray]
"""x and y."""

STD = "std"
"""How labels of standard deviations begin, whose axes begin at 0."""

DECADE = 10.0
UNKNOWN = "Cannot be measured."


@dataclass(frozen=True)
class Figure:
    """A chart of the page.

    Attributes:
        title: above the chart.
        note: how to read it.
        svg: the drawing.
        legend: its key, HTML.
    """

    title: str
    note: str
    svg: str
    legend: str


def profile_figures(profiles: Mapping[str, Profile], halves: tuple[Profile, Profile]) -> list[Figure]:
    """Draw the noise statistics of sets.

    Args:
        profiles: by name: ``"generated"`` or ``"fitted"``, ``"real"``, and ``"clean"`` or the baselines.
        halves: of the two halves of the real set.
    """
    return [
        _figure("Spectrum", "How strong the noise is, from coarse detail (left) to fine detail (right). "
                "White noise is flat.",
                "frequency (cycles per pixel)", "power (dB)", profiles, halves, _spectrum),
        _figure("Autocorrelation", "How much the noise of a pixel has in common with that of its neighbours. "
                "Coarse grain falls slowly.",
                "distance (pixels)", "correlation", profiles, halves, _autocorrelation),
        _figure("Noise level", "How strong the noise is where the image is dark (left) and where it is bright (right).",
                "brightness (0 to 255)", "std (8-bit)", profiles, halves, _noise_level),
        _figure("Anisotropy", "Whether the noise has a direction. 0 degrees varies from left to right, 90 from top to "
                "bottom. Noise without a direction is flat.",
                "orientation (degrees)", "relative power (dB)", profiles, halves, _anisotropy),
    ]  # fmt: skip


def residual_figure(residuals: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Draw the histograms of residuals by name; the names are those of `profile_figures`."""
    middles = (EDGES[1:] + EDGES[:-1]) / 2
    shown = np.abs(middles) <= 24
    lines = []
    for name, found in residuals.items():
        counts = histogram(found)
        fraction = np.maximum(counts / counts.sum(), 1e-6)
        lines.append(_styled(name, middles[shown], np.log10(fraction[shown])))
    lines = _ordered(lines)
    title, note = "Residuals", "How often every difference from the clean image occurs."
    return Figure(title, note, chart(title, "difference (8-bit)", "fraction (log 10)", lines), legend(lines))


def correlation_maps(profile: Profile, reference: Reference) -> list[tuple[str, str]]:
    """Draw both autocorrelations as maps: (caption, SVG)."""
    maps = {"generated": profile.autocorrelation, "real": reference.profile.autocorrelation}
    return [(_caption(name, found), correlation_map(f"Autocorrelation, {name}", found)) for name, found in maps.items()]


def _caption(name: str, correlation: np.ndarray) -> str:
    return name if np.isfinite(correlation).any() else f"{name}: {UNKNOWN.lower().rstrip('.')}"


def training_figures(log: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Draw the values logged by a run; names with a common first word share a chart, and zeros are omitted."""
    series: dict[str, dict[str, Line]] = {}
    for part in ("train", "valid"):
        lines = [line for line in log if line.get("part") == part]
        for name in dict.fromkeys(key for line in lines for key in line if not NOT_DRAWN.fullmatch(key)):
            points = [(line["step"], line[name]) for line in lines if _are_numbers(line.get("step"), line.get(name))]
            if len(points) > 1 and any(value != 0 for _, value in points):
                x, y = np.array(_thinned(points), float).T
                label = name if part == "train" else f"{name}, validation"
                style = f"series{len(series.get(name.split('_')[0], {})) % 6}"
                series.setdefault(name.split("_")[0], {})[label] = Line(label, style, x, y)
    return [_training_figure(name, list(lines.values())) for name, lines in series.items()]


def _are_numbers(*values: object) -> bool:
    """Whether all values of a log, which may be a stranger's, are numbers."""
    return all(isinstance(value, int | float) for value in values)


def _training_figure(name: str, lines: list[Line]) -> Figure:
    """Draw training curves; the axis is logarithmic if they are positive and span more than a decade."""
    values = np.concatenate([line.y[np.isfinite(line.y)] for line in lines])
    log = len(values) > 0 and values.min() > 0 and values.max() > DECADE * values.min()
    title = f"Training: {name}"
    svg = chart(title, "step", f"{name} (log axis)" if log else name, lines, log=bool(log))
    return Figure(title, "" if svg else UNKNOWN, svg, legend(lines))


def line_figure(
    title: str,
    note: str,
    x_label: str,
    y_label: str,
    curves: Mapping[str, Curve],
    halves: tuple[Curve, Curve],
    *,
    from_zero: bool = False,
) -> Figure:
    """Draw a curve of every set, over the range between those of the real set's halves.

    Args:
        title, note, x_label, y_label: of the chart.
        curves: x and y by name; the names are those of `profile_figures`.
        halves: of the two halves of the real set, over the same x.
        from_zero: as in `chart`.
    """
    lines = _ordered([_styled(name, *curve) for name, curve in curves.items()])
    low, high = np.minimum(halves[0][1], halves[1][1]), np.maximum(halves[0][1], halves[1][1])
    known = np.isfinite(low)
    ranges = [ShadedRange(REAL, "real", halves[0][0][known], low[known], high[known])]
    svg = chart(title, x_label, y_label, lines, ranges, from_zero=from_zero)
    return Figure(title, note if svg else UNKNOWN, svg, legend(lines, ranges))


def _figure(
    title: str,
    note: str,
    x_label: str,
    y_label: str,
    profiles: Mapping[str, Profile],
    halves: tuple[Profile, Profile],
    curve: Callable[[Profile], Curve],
) -> Figure:
    curves = {name: curve(found) for name, found in profiles.items()}
    from_zero = y_label.startswith(STD)
    ends = curve(halves[0]), curve(halves[1])
    return line_figure(title, note, x_label, y_label, curves, ends, from_zero=from_zero)


def _styled(name: str, x: np.ndarray, y: np.ndarray) -> Line:
    return Line(name, STYLES.get(name, name), x, y)


def _ordered(lines: list[Line]) -> list[Line]:
    """Draw the baselines first, so that generated and real lie on top."""
    order = ["gaussian", "poisson", "real", "generated"]
    return sorted(lines, key=lambda line: order.index(line.style))


def _spectrum(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    frequency, power = by_frequency(profile.spectrum)
    return frequency, 10 * np.log10(np.maximum(power, ROUNDING))


def _anisotropy(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    degrees, power = relative_by_orientation(profile.spectrum, floor=ROUNDING)
    return degrees, 10 * np.log10(power)


def _autocorrelation(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    right, down = profile.autocorrelation[REACH, REACH:], profile.autocorrelation[REACH:, REACH]
    return np.arange(REACH + 1), (right + down) / 2


def _noise_level(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    level = profile.noise_level
    middles = (noise_level.EDGES[1:] + noise_level.EDGES[:-1]) / 2
    known = np.isfinite(level.variance).all(axis=1)
    return middles, np.where(known, np.sqrt(np.where(known[:, None], level.variance, 0).mean(axis=1)), np.nan)


def _thinned(points: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """Average adjacent points if there are more than can be seen."""
    parts = np.array_split(np.array(points, float), min(POINTS, len(points)))
    return [tuple(part.mean(axis=0)) for part in parts]
