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


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, rng: np.random.Generator, projections: int = 256) -> float:
    """Return the mean 1-Wasserstein distance of two point sets over random directions (Rabin et al. 2011).

    Args:
        a, b: ``[N, D]`` and ``[M, D]``; the larger set is subsampled to the size of the smaller one.
        rng: draws the directions and the subset.
        projections: number of directions, uniform on the sphere.

    Returns:
        In the points' units.
    """
    count = min(len(a), len(b))
    a, b = (points if len(points) == count else rng.choice(points, count, replace=False) for points in (a, b))
    directions = rng.standard_normal((a.shape[1], projections))
    directions /= np.linalg.norm(directions, axis=0)
    return float(np.abs(np.sort(a @ directions, axis=0) - np.sort(b @ directions, axis=0)).mean())
