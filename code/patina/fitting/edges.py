"""The profile of a photo's strongest edges: its width is blur, its overshoot is sharpening."""

from collections.abc import Sequence

import cv2
import numpy as np

REACH = 8
"""Pixels on each side of an edge."""

STEP = 0.5
"""Pixels between the samples of a profile."""

STRONGEST = 1500
"""Edges of a photo that are looked at."""

DIRECTIONS = 4
"""Bins of the direction across an edge: along x, down right, along y, down left."""

_FEWEST = 12
_LOWEST_CONTRAST = 12
"""Grey levels between the two sides."""


def edge_profiles(crops: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the profiles of a photo's clear edges, scaled to 0 on the dark side and 1 on the bright one.

    Args:
        crops: luma, float32 ``[H, W]`` in grey levels each.

    Returns:
        Profiles ``[N, 2 REACH / STEP + 1]`` from dark to bright, and the angle across each edge in [0, 180) degrees.
    """
    found = [_profiles(crop, STRONGEST // len(crops)) for crop in crops]
    return np.concatenate([part for part, _ in found]), np.concatenate([part for _, part in found])


def edge_measures(crops: Sequence[np.ndarray]) -> dict[str, float]:
    """Measure width, steepness and overshoot of the edges of a photo, all directions together and each by itself."""
    profiles, angles = edge_profiles(crops)
    whole = typical_profile(profiles)
    found = {"edge.over": float(whole.max() - 1), "edge.under": float(-whole.min())}
    found |= {f"edge.profile{place}": float(value) for place, value in enumerate(whole[4:-4:2])}
    for number in range(DIRECTIONS):
        near = np.abs((angles - 180 / DIRECTIONS * number + 90) % 180 - 90) <= 90 / DIRECTIONS
        profile = typical_profile(profiles[near]) if near.sum() >= _FEWEST else whole
        slope = np.diff(profile[6:-6])
        found[f"edge.width{number}"] = float(-0.5 * np.log(np.square(slope.clip(0)).sum() + 1e-4))
        found[f"edge.slope{number}"] = float(np.log(max(slope.max(), 0.01)))
    return found


def edge_std(slope_square_sum: np.ndarray) -> np.ndarray:
    """Return the std in pixels of the Gaussian whose edge has each sum of squared slopes between samples.

    An edge of std s is the integral of a Gaussian; its slopes' squares integrate to 1 / (2 s sqrt(pi)).
    """
    return STEP / (2 * np.sqrt(np.pi) * np.maximum(slope_square_sum, 1e-4))


def typical_profile(profiles: np.ndarray) -> np.ndarray:
    """Return the median of some profiles; a straight ramp where there are none."""
    if len(profiles):
        return np.median(profiles, axis=0)
    return np.linspace(0, 1, round(2 * REACH / STEP) + 1)


def _profiles(luma: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    smooth = cv2.GaussianBlur(luma, (0, 0), 1.5, borderType=cv2.BORDER_REFLECT_101)
    gx, gy = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    size = np.hypot(gx, gy)
    border = REACH + 4
    inner = size[border:-border, border:-border]
    is_peak = inner == cv2.dilate(inner, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero(is_peak & (inner >= np.quantile(inner, 0.9)) & (inner > 0))
    best = np.argsort(-inner[rows, columns], kind="stable")[:limit]
    rows, columns = rows[best] + border, columns[best] + border
    ux, uy = gx[rows, columns] / size[rows, columns], gy[rows, columns] / size[rows, columns]
    places = np.arange(-REACH, REACH + STEP / 2, STEP, dtype=np.float32)
    x, y = (at[:, None] + unit[:, None] * places for at, unit in ((columns, ux), (rows, uy)))
    if not len(rows):
        return np.empty((0, len(places)), np.float32), np.empty(0, np.float32)
    samples = cv2.remap(luma, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    dark, bright = samples[:, :REACH], samples[:, -REACH:]
    contrast = bright.mean(axis=1) - dark.mean(axis=1)
    clear = (contrast > _LOWEST_CONTRAST) & (dark.std(axis=1) + bright.std(axis=1) < 0.35 * contrast)
    scaled = (samples[clear] - dark[clear].mean(axis=1, keepdims=True)) / contrast[clear, None]
    return scaled, (np.degrees(np.arctan2(uy, ux)) % 180)[clear]
