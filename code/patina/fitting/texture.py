"""Noise and texture of a photo: energies of fine bands in small windows, and correlations in quiet ones.

Planes are float32 ``[H, W]`` in grey levels, 0 to 255. A window is 16 pixels a side.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from patina.metrics.spectrum import ROUNDING

WINDOW = 16
"""Side of a window in pixels."""

QUANTILES = (0.1, 0.3, 0.6, 0.9)
"""Of the windows' energies: the low ones are noise, the high ones texture and edges."""

QUIET = 0.2
"""Fraction of the windows, those whose coarse part varies least."""

LEVELS = ((0, 64), (64, 112), (112, 160), (160, 256))
"""Bins of brightness in grey levels."""

_DETAIL = np.array([-1, 2, -1], np.float32) / np.float32(np.sqrt(6))
_SMOOTH = np.array([1, 2, 1], np.float32) / np.float32(np.sqrt(6))
_RGB = {
    "red": np.array([1, 0, 1.402], np.float32),
    "green": np.array([1, -0.344136, -0.714136], np.float32),
    "blue": np.array([1, 1.772, 0], np.float32),
}
"""Weights of luma and the two chroma planes (ITU-T T.871)."""

_SCALES = 3
_OFFSETS = ((0, 1), (1, 0), (1, 1), (-1, 1), (0, 2), (2, 0), (0, 3), (3, 0))
"""Rows and columns between the pixels whose correlation is measured."""


def texture(crops: Sequence[np.ndarray]) -> dict[str, float]:
    """Measure the noise and the texture of a photo.

    Args:
        crops: luma and two chroma planes of each crop, float32 ``[H, W, 3]``, at least two windows a side.

    Returns:
        Measures by name; energies are natural logarithms of variances in squared grey levels.
    """
    brightness = np.concatenate([_means(crop[..., 0]) for crop in crops])
    usable = np.concatenate([_means(_clipped(crop[..., 0])) < 0.1 for crop in crops])
    if usable.sum() < 8:
        usable[:] = True
    unrest = np.concatenate([_unrest(crop[..., 0]) for crop in crops])
    quiet = np.argsort(np.where(usable, unrest, np.inf))[: max(8, int(QUIET * usable.sum()))]
    bands = {band: np.log(energy + ROUNDING) for band, energy in _bands(crops).items()}
    energies = {
        f"{name}.{band}": energy[:, number] for number, name in enumerate("ybr") for band, energy in bands.items()
    }
    return _energy_measures(energies, usable, quiet, brightness) | _correlations(crops, quiet)


def _energy_measures(
    energies: Mapping[str, np.ndarray], usable: np.ndarray, quiet: np.ndarray, brightness: np.ndarray
) -> dict[str, float]:
    """Return quantiles over the windows, the quiet ones' median and, for diagonal bands, the change by brightness."""
    table = np.stack(list(energies.values()))
    found: dict[str, float] = {}
    ordered = np.sort(table[:, usable], axis=1)
    for quantile in QUANTILES:
        values = _quantile(ordered, quantile)
        found |= {
            f"{name}.q{round(100 * quantile)}": float(value) for name, value in zip(energies, values, strict=True)
        }
    for name, value in zip(energies, np.median(table[:, quiet], axis=1), strict=True):
        found[f"{name}.quiet"] = float(value)
    diagonal = [place for place, name in enumerate(energies) if name.endswith("d") and not name.endswith("2d")]
    names, table = [list(energies)[place] for place in diagonal], table[diagonal]
    middle = _quantile(ordered[diagonal], 0.2)
    for low, high in LEVELS:
        inside = usable & (brightness >= low) & (brightness < high)
        enough = inside.sum() >= 6
        change = _quantile(np.sort(table[:, inside], axis=1), 0.2) - middle if enough else np.zeros(len(names))
        found |= {f"{name}.level{low}": float(value) for name, value in zip(names, change, strict=True)}
    return found


def _quantile(ordered: np.ndarray, fraction: float) -> np.ndarray:
    """Return a quantile of each row ``[M, N]``, interpolated; `np.quantile` spends most of its time on preparations."""
    place = fraction * (ordered.shape[1] - 1)
    below = int(place)
    low, high = ordered[:, below], ordered[:, min(below + 1, ordered.shape[1] - 1)]
    return low + (high - low) * np.float32(place - below)


def _bands(crops: Sequence[np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return the mean energy of every window, ``[N, 3]``, by band: three scales, details along x, y and diagonals.

    The filters keep white noise's variance: a band of white noise of variance v has the energy v.
    """
    found: dict[str, np.ndarray] = {}
    for scale in range(_SCALES):
        detail, smooth = _spread(_DETAIL, 2**scale), _spread(_SMOOTH, 2**scale)
        for name, x, y in (("x", detail, smooth), ("y", smooth, detail), ("d", detail, detail)):
            filtered = [cv2.sepFilter2D(crop, -1, x, y, borderType=cv2.BORDER_REFLECT_101) for crop in crops]
            found[f"{scale}{name}"] = np.concatenate([_means(np.square(band)) for band in filtered])
    return found


def _spread(kernel: np.ndarray, step: int) -> np.ndarray:
    """Put zeros between the values of a kernel."""
    spread = np.zeros((len(kernel) - 1) * step + 1, np.float32)
    spread[::step] = kernel
    return spread


def _correlations(crops: Sequence[np.ndarray], quiet: np.ndarray) -> dict[str, float]:
    """Return variances and correlations of what is fine in quiet windows: between neighbours and between channels."""
    fine = [crop - cv2.GaussianBlur(crop, (0, 0), 4.0, borderType=cv2.BORDER_REFLECT_101) for crop in crops]
    windows = np.concatenate([_windows(plane) for plane in fine])[quiet]
    energy = np.einsum("nijc,nijc->nc", windows, windows) / WINDOW**2
    found: dict[str, float] = {}
    for number, name in enumerate("ybr"):
        # What is far above the median holds an edge.
        chosen = windows[energy[:, number] <= 2 * np.median(energy[:, number]) + ROUNDING][..., number]
        variance = float(np.square(chosen).mean()) + ROUNDING
        found[f"{name}.variance"] = float(np.log(variance))
        for rows, columns in _OFFSETS:
            found[f"{name}.correlation{rows},{columns}"] = _covariance(chosen, rows, columns) / variance
    chosen = windows[energy[:, 0] <= 2 * np.median(energy[:, 0]) + ROUNDING]
    return found | _channel_correlations(chosen.reshape(-1, 3))


def _covariance(windows: np.ndarray, rows: int, columns: int) -> float:
    side = windows.shape[1]
    first = windows[:, max(0, -rows) : side - max(0, rows), : side - columns]
    second = windows[:, max(0, rows) : side + min(0, rows), columns:]
    return float((first * second).mean())


def _channel_correlations(values: np.ndarray) -> dict[str, float]:
    """Return the correlations of red, green and blue."""
    matrix = np.cov(np.stack([values @ weights for weights in _RGB.values()])) + ROUNDING * np.eye(3)
    scale = np.sqrt(np.diag(matrix))
    correlation = matrix / scale / scale[:, None]
    level = np.log(np.diag(matrix))
    ratios = {"red.ratio": float(level[0] - level[1]), "blue.ratio": float(level[2] - level[1])}
    return ratios | {"rg": float(correlation[0, 1]), "rb": float(correlation[0, 2]), "gb": float(correlation[1, 2])}


def _clipped(luma: np.ndarray) -> np.ndarray:
    return ((luma <= 2) | (luma >= 253)).astype(np.float32)


def _unrest(luma: np.ndarray) -> np.ndarray:
    """Return how much the coarse part varies in every window."""
    coarse = cv2.GaussianBlur(luma, (0, 0), 3.0, borderType=cv2.BORDER_REFLECT_101)
    x, y = (cv2.Sobel(coarse, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    return _means(x * x + y * y)


def _windows(values: np.ndarray) -> np.ndarray:
    """Cut ``[H, W, C]`` into ``[N, 16, 16, C]``; what is left over at the right and the bottom is not used."""
    rows, columns = values.shape[0] // WINDOW, values.shape[1] // WINDOW
    cut = values[: rows * WINDOW, : columns * WINDOW].reshape(rows, WINDOW, columns, WINDOW, -1)
    return cut.transpose(0, 2, 1, 3, 4).reshape(rows * columns, WINDOW, WINDOW, -1)


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of every window of ``[H, W]`` or ``[H, W, C]``, ``[N]`` or ``[N, C]``, ordered as `_windows`."""
    rows, columns = values.shape[0] // WINDOW, values.shape[1] // WINDOW
    cut = values[: rows * WINDOW, : columns * WINDOW]
    return cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA).reshape(-1, *values.shape[2:])
