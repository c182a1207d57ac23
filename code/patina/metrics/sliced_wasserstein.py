"""The sliced Wasserstein distance between patches of two sets of images, per level of a Laplacian pyramid."""

import cv2
import numpy as np

PATCH = 7
"""Side of the compared patches in pixels (Karras et al. 2018, section 5)."""


def laplacian_pyramid(pixels: np.ndarray, levels: int) -> list[np.ndarray]:
    """Decompose an image into a Laplacian pyramid (Burt and Adelson 1983).

    Args:
        pixels: ``[H, W, C]``.
        levels: number of levels.

    Returns:
        Level k is float32 ``[H / 2^k, W / 2^k, C]``, finest first; the last one is the low-pass residual.
    """
    pyramid: list[np.ndarray] = []
    rest: np.ndarray = pixels.astype(np.float32)
    for _ in range(levels - 1):
        small = cv2.pyrDown(rest)
        pyramid.append(rest - cv2.pyrUp(small, dstsize=rest.shape[1::-1]))
        rest = small
    return [*pyramid, rest]


def pyramid_patches(pixels: np.ndarray, count: int, levels: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Crop `count` random patches from each of the `levels` finest levels: a list of ``[count, PATCH² C]``.

    The low-pass residual is excluded, because it contains an image's content rather than its degradation.
    """
    drawn = []
    for level in laplacian_pyramid(pixels, levels + 1)[:levels]:
        tops, lefts = (rng.integers(0, side - PATCH + 1, count) for side in level.shape[:2])
        patches = [level[t : t + PATCH, s : s + PATCH].ravel() for t, s in zip(tops, lefts, strict=True)]
        drawn.append(np.stack(patches))
    return drawn


def random_directions(dimension: int, rng: np.random.Generator, count: int = 256) -> np.ndarray:
    """Return `count` directions that are uniform on the sphere, unit vectors ``[dimension, count]``."""
    directions = rng.standard_normal((dimension, count))
    return directions / np.linalg.norm(directions, axis=0)


def projected(points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the coordinates of points ``[N, D]`` along directions ``[D, K]``: ``[K, N]``."""
    return np.ascontiguousarray((points @ directions).T)


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> float:
    """Return the mean 1-Wasserstein distance of two point sets over random directions (Rabin et al. 2011).

    Args:
        a, b: the sets along the same directions, results of `projected`, ``[K, N]`` and ``[K, M]``; the larger set is
            subsampled to the size of the smaller one.
        rng: draws the subset.

    Returns:
        In the points' units.
    """
    count = min(a.shape[1], b.shape[1])
    a, b = (
        points if points.shape[1] == count else rng.choice(points, count, replace=False, axis=1) for points in (a, b)
    )
    return float(np.abs(np.sort(a) - np.sort(b)).mean())
