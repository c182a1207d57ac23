"""Line charts and maps as SVG whose colours are the page's, so that they follow light and dark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 46
FEW = 10
"""Up to this many points of a curve are marked, so that nobody takes the line between them for measured."""


@dataclass(frozen=True)
class Line:
    """A curve of a chart.

    Attributes:
        name: in the legend.
        style: a CSS class of the page: ``real``, ``generated``, ``gaussian``, ``poisson`` or ``other``.
        x, y: its points; those that are not finite are left out.
    """

    name: str
    style: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Band:
    """The area between two curves over the same x."""

    name: str
    style: str
    x: np.ndarray
    low: np.ndarray
    high: np.ndarray


def chart(title: str, x_label: str, y_label: str, lines: Sequence[Line], bands: Sequence[Band] = ()) -> str:
    """Draw curves over common axes.

    Args:
        title: for people who cannot see the chart.
        x_label, y_label: with units.
        lines: later ones lie on top.
        bands: below all lines.

    Returns:
        An ``<svg>`` element, without its legend; see `legend`.
    """
    xs = np.concatenate([line.x for line in lines])
    ys = np.concatenate([*(line.y for line in lines), *(part for band in bands for part in (band.low, band.high))])
    ys = ys[np.isfinite(ys)]
    if not len(ys):
        return ""
    x_ticks, y_ticks = ticks(float(xs.min()), float(xs.max())), ticks(float(ys.min()), float(ys.max()))
    x_range = (float(xs.min()), float(xs.max()))
    y_range = (min(y_ticks[0], float(ys.min())), max(y_ticks[-1], float(ys.max())))
    place = _Place(x_range, y_range)
    parts = [*_grid(place, x_ticks, y_ticks), *(_band(place, band) for band in bands)]
    parts += [_line(place, line) for line in lines]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="label" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
    )
    parts.append(
        f'<text class="label" transform="translate(15 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    return _svg(title, WIDTH, HEIGHT, parts)


def correlation_map(title: str, correlation: np.ndarray) -> str:
    """Draw an autocorrelation as squares, the middle in the middle; stronger is more correlated.

    Args:
        title: for people who cannot see it.
        correlation: ``[K, K]``, -1 to 1.
    """
    side = len(correlation)
    parts = []
    for row, values in enumerate(correlation):
        for column, value in enumerate(values):
            sign = "plus" if value >= 0 else "minus"
            strength = min(1.0, abs(float(np.nan_to_num(value)))) ** 0.6
            if strength > 0.04:
                parts.append(
                    f'<rect class="{sign}" x="{column}" y="{row}" width="1" height="1" fill-opacity="{strength:.2f}"/>'
                )
    return _svg(title, side, side, [f'<rect class="ground" width="{side}" height="{side}"/>', *parts])


def legend(lines: Sequence[Line], bands: Sequence[Band] = ()) -> str:
    """Return the legend of a chart as HTML."""
    entries = [("swatch line", line) for line in lines] + [("swatch area", band) for band in bands]
    items = "".join(f'<li><i class="{kind} {entry.style}"></i>{escape(entry.name)}</li>' for kind, entry in entries)
    return f'<ul class="legend">{items}</ul>'


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers between `low` and `high`."""
    span = high - low if high > low else abs(high) or 1.0
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    found = [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]
    return found or [low]


@dataclass(frozen=True)
class _Place:
    """Where values lie in the chart."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        return LEFT + _share(value, *self.x_range) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - _share(value, *self.y_range) * (HEIGHT - TOP - BOTTOM)

    def points(self, x: np.ndarray, y: np.ndarray) -> str:
        known = np.isfinite(x) & np.isfinite(y)
        return " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(x[known], y[known], strict=True))


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _grid(place: _Place, x_ticks: list[float], y_ticks: list[float]) -> list[str]:
    parts = []
    for value in y_ticks:
        y = place.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in x_ticks:
        place_of = f'x="{place.x(value):.1f}" y="{HEIGHT - BOTTOM + 18}"'
        parts.append(f'<text class="tick" {place_of} text-anchor="middle">{value:g}</text>')
    return parts


def _line(place: _Place, line: Line) -> str:
    points = place.points(line.x, line.y)
    curve = f'<polyline class="curve {line.style}" points="{points}"/>'
    if points.count(",") > FEW:
        return curve
    places = (point.split(",") for point in points.split())
    return curve + "".join(f'<circle class="point {line.style}" cx="{x}" cy="{y}" r="4"/>' for x, y in places)


def _band(place: _Place, band: Band) -> str:
    there, back = place.points(band.x, band.high), place.points(band.x[::-1], band.low[::-1])
    return f'<polygon class="band {band.style}" points="{there} {back}"/>'


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
