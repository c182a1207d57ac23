"""Charts that show what a camera or a recipe does, and the numbers that are read off them.

The same charts are taken by a true camera and by the recipe fitted to its photos, so their numbers can be compared
whatever the recipe's blocks are called.
"""

from collections.abc import Callable

import numpy as np

from patina.metrics.noise_statistics import channel_correlation, neighbour_correlation

Take = Callable[[np.ndarray, int], np.ndarray]
"""Degrades RGB uint8 ``[H, W, 3]`` with a seed."""

SIDE, SHOTS = 192, 6
LEVELS = (60, 100, 140, 180)


def noise_numbers(take: Take) -> dict[str, float]:
    """Return std, correlations and variance by brightness on gray charts; means over shots."""
    noise = {
        level: [
            take(np.full((SIDE, SIDE, 3), level, np.uint8), 100 * level + shot).astype(float) for shot in range(SHOTS)
        ]
        for level in LEVELS
    }
    noise = {level: [shot - shot.mean(axis=(0, 1)) for shot in shots] for level, shots in noise.items()}
    middle = noise[140]
    found = {
        "std": float(np.mean([np.sqrt(np.square(shot).mean()) for shot in middle])),
        "neighbours": float(np.mean([neighbour_correlation(shot, 0, 1, 1) for shot in middle])),
        "channels": float(np.mean([channel_correlation(shot)[0, 1] for shot in middle])),
    }
    return found | {f"variance{level}": float(np.mean([np.square(s).mean() for s in noise[level]])) for level in LEVELS}


def edge_numbers(take: Take) -> dict[str, float]:
    """Return the std of the blur along x and y in pixels, its direction in degrees, and the overshoot in percent.

    The blur is read off the line spread function of edges at four angles, as second moments within 6 pixels, which
    `C = [[xx, xy], [xy, yy]]` explains by least squares.
    """
    moments, rows, overshoots = [], [], []
    for degrees in (0, 45, 90, 135):
        variance, overshoot = _edge(take, np.radians(degrees))
        x, y = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        moments.append(variance)
        rows.append((x * x, 2 * x * y, y * y))
        overshoots.append(overshoot)
    xx, xy, yy = np.linalg.lstsq(np.array(rows), np.array(moments), rcond=None)[0]
    return {
        "blur": float(np.sqrt(max(0.0, (xx + yy) / 2))),
        "direction": float(np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) % 180),
        "overshoot": float(np.mean(overshoots)),
    }


def _edge(take: Take, angle: float) -> tuple[float, float]:
    """Return the variance of the line spread function across an edge, and the overshoot in percent."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    distance = x * np.cos(angle) + y * np.sin(angle)
    chart = np.clip(128 + 60 * np.clip(2 * distance, -1, 1), 0, 255)  # one pixel wide, so that it does not alias
    pixels = np.repeat(np.uint8(np.rint(chart))[..., None], 3, axis=2)
    seen = np.mean([take(pixels, 7 + shot).astype(float).mean(axis=2) for shot in range(SHOTS)], axis=0)
    scale = SIDE // seen.shape[0]
    y, x = np.mgrid[: seen.shape[0], : seen.shape[1]] * scale - SIDE / 2 + scale / 2
    distance = (x * np.cos(angle) + y * np.sin(angle)) / scale
    inner = (np.abs(x) < SIDE / 2 - 20) & (np.abs(y) < SIDE / 2 - 20)
    edges = np.arange(-9.0, 9.5)
    bins = np.digitize(distance[inner], edges)
    profile = np.array([seen[inner][bins == place].mean() for place in range(1, len(edges))])
    low, high = profile[:4].mean(), profile[-4:].mean()
    profile = (profile - low) / (high - low)
    spread = np.diff(profile)
    places = edges[1:-1]
    centre = (spread * places).sum() / spread.sum()
    return float((spread * (places - centre) ** 2).sum() / spread.sum()), float(100 * (profile.max() - 1))
