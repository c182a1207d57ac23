"""Line charts and maps as SVG. The page styles them, so that they follow its light and dark modes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 92, 14, 14, 54
"""Margins in pixels; the left one fits the tick labels and the axis label, also in the larger type of phones."""

FEW = 10
"""A curve of up to this many points shows markers, so that nobody takes the line between them for measured."""


@dataclass(frozen=True)
class Line:
    """A curve of a chart.

    Attributes:
        name: in the legend.
        style: a CSS class of the page: ``real``, ``generated``, ``gaussian``, ``poisson``, ``series0`` to ``series5``.
        x, y: coordinates of its points; points that are not finite are omitted.
    """

    name: str
    style: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class ShadedRange:
    """The area between two curves over the same x."""

    name: str
    style: str
    x: np.ndarray
    low: np.ndarray
    high: np.ndarray


def chart(
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[Line],
    ranges: Sequence[ShadedRange] = (),
    *,
    log: bool = False,
    from_zero: bool = False,
) -> str:
    """Draw curves over common axes.

    Args:
        title: for screen readers.
        x_label, y_label: names of the axes, with units.
        lines: drawn in this order.
        ranges: drawn below the lines.
        log: use a logarithmic y axis; values that are not positive are omitted.
        from_zero: let the y axis begin at 0, so that heights can be compared.

    Returns:
        An ``<svg>`` element without the legend, see `legend`; empty if nothing can be drawn.
    """
    xs = np.concatenate([line.x for line in lines])
    ys = np.concatenate([*(line.y for line in lines), *(part for item in ranges for part in (item.low, item.high))])
    xs, ys = xs[np.isfinite(xs)], ys[np.isfinite(ys) & ((ys > 0) | (not log))]
    if not len(xs) or not len(ys):
        return ""
    x_range, y_span = ((float(values.min()), float(values.max())) for values in (xs, ys))
    y_span = (min(0.0, y_span[0]), y_span[1]) if from_zero else y_span
    x_ticks, y_ticks = ticks(*x_range), (log_ticks if log else ticks)(*y_span)
    axes = _Axes(x_range, (min(y_ticks[0], y_span[0]), max(y_ticks[-1], y_span[1])), log)
    parts = [*_grid(axes, x_ticks, y_ticks), *(_range(axes, item) for item in ranges)]
    parts += [_line(axes, line) for line in lines]
    return _svg(title, WIDTH, HEIGHT, parts + _labels(x_label, y_label))


def _labels(x_label: str, y_label: str) -> list[str]:
    across, down = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    upright = f"translate(15 {down}) rotate(-90)"
    return [
        f'<text class="label" x="{across}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text class="label" transform="{upright}" text-anchor="middle">{escape(y_label)}</text>',
    ]


def correlation_map(title: str, correlation: np.ndarray) -> str:
    """Draw an autocorrelation as a map, offset zero in the middle; stronger colour means stronger correlation.

    Args:
        title: for screen readers.
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


def legend(lines: Sequence[Line], ranges: Sequence[ShadedRange] = ()) -> str:
    """Return the legend of a chart as HTML."""
    entries = [("swatch line", line) for line in lines] + [("swatch area", item) for item in ranges]
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


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten between two positive numbers, and twice and five times them where they are few."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 2, 5)):
        found = [factor * 10.0**power for power in powers for factor in factors]
        found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(found) >= 3:
            break
    return found[:: 1 + len(found) // 8] or [low]


@dataclass(frozen=True)
class _Axes:
    """Maps values to positions in the chart."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    log: bool = False

    def x(self, value: float) -> float:
        return LEFT + _fraction(value, *self.x_range) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        value, low, high = map(math.log10, (value, *self.y_range)) if self.log else (value, *self.y_range)
        return HEIGHT - BOTTOM - _fraction(value, low, high) * (HEIGHT - TOP - BOTTOM)

    def points(self, x: np.ndarray, y: np.ndarray) -> str:
        known = np.isfinite(x) & np.isfinite(y) & ((y > 0) | (not self.log))
        return " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(x[known], y[known], strict=True))


def _fraction(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _grid(axes: _Axes, x_ticks: list[float], y_ticks: list[float]) -> list[str]:
    parts = []
    for value in y_ticks:
        y = axes.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{_tick(value)}</text>')
    for value in x_ticks:
        position = f'x="{axes.x(value):.1f}" y="{HEIGHT - BOTTOM + 18}"'
        parts.append(f'<text class="tick" {position} text-anchor="middle">{_tick(value)}</text>')
    return parts


def _tick(value: float) -> str:
    """Format a number in few characters: 0.25, 120000, 2.5e-4."""
    plain = f"{value:g}"
    if len(plain) <= 6 and "e" not in plain:
        return plain
    digits, power = f"{value:.2e}".split("e")
    return f"{float(digits):g}e{int(power)}"


def _line(axes: _Axes, line: Line) -> str:
    points = axes.points(line.x, line.y)
    curve = f'<polyline class="curve {line.style}" points="{points}"/>'
    if points.count(",") > FEW:
        return curve
    positions = (point.split(",") for point in points.split())
    return curve + "".join(f'<circle class="point {line.style}" cx="{x}" cy="{y}" r="4"/>' for x, y in positions)


def _range(axes: _Axes, item: ShadedRange) -> str:
    upper, lower = axes.points(item.x, item.high), axes.points(item.x[::-1], item.low[::-1])
    return f'<polygon class="range {item.style}" points="{upper} {lower}"/>'


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
