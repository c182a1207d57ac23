"""Cameras of known form and parameters, to judge what a fit or a learned degradation makes of their photographs.

They share no code with the operations of recipes, so no fit sees them from inside. A camera takes a clean picture,
RGB in [0, 1] of even sides, to one of half the size, which is then written as a file of the camera's format.
"""

import numpy as np

from patina.experiments.camera_parts import (
    bayer_raw,
    blurred,
    coded_again,
    denoised,
    grain,
    half_size,
    motion_kernel,
    resized,
    round_kernel,
    sharpened,
)
from patina.experiments.known_camera import KnownCamera
from patina.experiments.more_cameras import MORE_CAMERAS

LUMA = np.array([0.299, 0.587, 0.114])


def _lens(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(rng.uniform(1.0, 2.4))))
    return small + rng.uniform(3, 7) / 255 * rng.standard_normal(small.shape)


def _shake(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kernel = motion_kernel(rng.uniform(4, 9), np.radians(rng.uniform(20, 40)))
    small = half_size(blurred(picture, kernel))
    return small + 2 / 255 * rng.standard_normal(small.shape)


def _film(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(1.0)))
    height, width, _ = small.shape
    middle = np.sqrt(np.clip(4 * small * (1 - small), 0.1, 1))  # grain is strongest in mid grey
    silver, dyes = grain((height, width, 1), 1.1, rng), grain((height, width, 3), 1.1, rng)
    return small + rng.uniform(9, 14) / 255 * middle * (0.85 * silver + 0.5 * dyes)


def _colour(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(0.8)))
    fine, coarse = rng.standard_normal(small.shape), grain(small.shape, 1.8, rng)
    coarse = coarse - (coarse @ LUMA)[..., None]
    strength = rng.uniform(6, 10) / 255
    return small + strength * (fine * np.array([0.9, 0.6, 1.3]) + 1.2 * coarse)


def _raw(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(0.8)))
    return bayer_raw(small, electrons=rng.uniform(300, 800), read=rng.uniform(1, 2.5), rng=rng)


def _phone(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(1.2)))
    noisy = bayer_raw(small, electrons=rng.uniform(200, 600), read=rng.uniform(1, 2.5), rng=rng)
    return sharpened(denoised(noisy, strength=rng.uniform(6, 10)), sigma=1.0, amount=rng.uniform(0.6, 1.2))


def _low_light(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(rng.uniform(0.8, 1.4))))
    strength = 2.5 * 8 ** rng.uniform(0, 1) / 255  # eightfold from the best photo to the worst
    coarse = grain(small.shape, 1.6, rng)
    coarse = coarse - (coarse @ LUMA)[..., None]
    by_brightness = np.sqrt(0.3 + 0.7 * np.clip(small @ LUMA, 0, 1))[..., None]
    return small + strength * by_brightness * (rng.standard_normal(small.shape) + 1.3 * coarse)


def _web(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.shape[:2]
    factor = rng.uniform(0.55, 0.85)
    first = coded_again(resized(picture, round(height * factor), round(width * factor)), int(rng.integers(60, 88)))
    return resized(first, height // 2, width // 2)


def _demo(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(rng.uniform(0.8, 1.2))))
    height, width, _ = small.shape
    std = np.sqrt(36 + 200 * np.clip(small @ LUMA, 0, 1))[..., None] / 255
    own, common = grain((height, width, 3), 0.55, rng), grain((height, width, 1), 0.55, rng)
    return small + std * np.sqrt(0.5) * (own + common)


def _perfect(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return half_size(picture)


CAMERAS: dict[str, KnownCamera] = {
    "demo": KnownCamera(_demo, "round blur, grainy noise by brightness, JPEG 90", ".jpg", (90, 90)),
    "lens": KnownCamera(_lens, "round blur 1.0-2.4, white noise 3-7"),
    "shake": KnownCamera(_shake, "shake of 4-9 pixels at 20-40 degrees, white noise 2, JPEG 92", ".jpg", (92, 92)),
    "film": KnownCamera(_film, "blur 1.0, coarse grain 9-14, strongest in mid grey"),
    "colour": KnownCamera(_colour, "blur 0.8, noise by channel 6-10 and coarse colour noise"),
    "raw": KnownCamera(_raw, "linear light, mosaic, Poisson and read noise, demosaicing", ".jpg", (95, 95)),
    "phone": KnownCamera(_phone, "raw, then denoised, sharpened and compressed", ".jpg", (80, 92)),
    "low-light": KnownCamera(_low_light, "strengths eightfold apart, coarse colour noise, JPEG 88", ".jpg", (88, 88)),
    "web": KnownCamera(_web, "resized and compressed twice", ".webp", (65, 88)),
    "none": KnownCamera(_perfect, "nothing at all"),
}
"""The cameras that `patina gap` compares by default, by name."""

ALL_CAMERAS = CAMERAS | MORE_CAMERAS
"""All cameras that it knows."""
