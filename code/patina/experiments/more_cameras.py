"""More cameras of known form, with single faults that the included families hold only in part, or not at all.

As the others, they share no code with the operations of recipes. Those of `known_cameras` are compared by default.
"""

import cv2
import numpy as np

from patina.experiments.camera_parts import (
    bayer_raw,
    blurred,
    disk_kernel,
    ellipse_kernel,
    grain,
    half_size,
    pixels_of,
    resized,
    round_kernel,
    sharpened,
)
from patina.experiments.known_camera import KnownCamera


def _white(picture: np.ndarray, rng: np.random.Generator, std: float) -> np.ndarray:
    return picture + std / 255 * rng.standard_normal(picture.shape)


def _defocus(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _white(half_size(blurred(picture, disk_kernel(rng.uniform(2, 3.5)))), rng, 2)


def _ellipse(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, ellipse_kernel(2.5, 1.0, np.radians(60))))
    return small + rng.uniform(6, 10) / 255 * grain((*small.shape[:2], 1), 0.8, rng)


def _poisson(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small, photons = np.clip(half_size(blurred(picture, round_kernel(0.7))), 0, 1), rng.uniform(150, 500)
    return rng.poisson(small * photons) / photons


def _jpeglow(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return half_size(picture)


def _webp(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _white(resized(picture, picture.shape[0] // 2, picture.shape[1] // 2), rng, 3)


def _oversharp(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return sharpened(_white(half_size(picture), rng, 1.5), 1.5, rng.uniform(1.0, 1.8))


def _enlarged(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width, factor = picture.shape[0] // 2, picture.shape[1] // 2, rng.uniform(0.5, 0.75)
    smaller = _white(resized(picture, round(height * factor), round(width * factor)), rng, 4)
    return cv2.resize(smaller, (width, height), interpolation=cv2.INTER_LINEAR)


def _median(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noisy = _white(half_size(blurred(picture, round_kernel(1.0))), rng, rng.uniform(8, 14))
    return cv2.medianBlur(pixels_of(noisy), 3).astype(float) / 255


def _cast(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = np.clip(half_size(blurred(picture, round_kernel(1.0))), 0, 1)
    return _white(0.06 + 0.85 * small**1.15 * np.array([1.0, 0.97, 0.86]), rng, 5)


def _nearest(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _white(picture[::2, ::2], rng, 4)


def _banding(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(1.0)))
    return _white(small + 3 / 255 * rng.standard_normal((small.shape[0], 1, 1)), rng, 4)


def _impulse(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noisy = _white(half_size(blurred(picture, round_kernel(1.0))), rng, 3)
    struck = rng.random(noisy.shape[:2])
    noisy[struck < 0.003], noisy[struck > 0.997] = 0, 1
    return noisy


def _strong(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _white(half_size(blurred(picture, round_kernel(1.5))), rng, rng.uniform(22, 36))


def _rawdark(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = half_size(blurred(picture, round_kernel(0.8)))
    return bayer_raw(small, electrons=rng.uniform(60, 150), read=rng.uniform(1, 3), rng=rng)


def _smear(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noisy = _white(half_size(blurred(picture, round_kernel(0.8))), rng, rng.uniform(5, 12))
    return cv2.bilateralFilter(pixels_of(noisy), 7, 40, 2.0).astype(float) / 255


MORE_CAMERAS: dict[str, KnownCamera] = {
    "jpeglow": KnownCamera(_jpeglow, "JPEG 30-60 and nothing else", ".jpg", (30, 60)),
    "oversharp": KnownCamera(_oversharp, "white noise 1.5, sharpened by 1.0-1.8, JPEG 85", ".jpg", (85, 85)),
    "defocus": KnownCamera(_defocus, "a disk's blur, radius 2-3.5, white noise 2, JPEG 90", ".jpg", (90, 90)),
    "enlarged": KnownCamera(_enlarged, "white noise 4, then enlarged 1.3 to 2 times, JPEG 80", ".jpg", (80, 80)),
    "median": KnownCamera(_median, "blur 1.0, white noise 8-14, a median filter, JPEG 90", ".jpg", (90, 90)),
    "webp": KnownCamera(_webp, "white noise 3, WebP 40-80", ".webp", (40, 80)),
    "strong": KnownCamera(_strong, "blur 1.5, white noise 22-36"),
    "smear": KnownCamera(_smear, "blur 0.8, white noise 5-12, a bilateral filter, JPEG 85-95", ".jpg", (85, 95)),
    "ellipse": KnownCamera(_ellipse, "blur 2.5 along 60 degrees and 1.0 across, luma grain 6-10"),
    "poisson": KnownCamera(_poisson, "blur 0.7, shot noise of 150-500 photons, JPEG 75-95", ".jpg", (75, 95)),
    "cast": KnownCamera(_cast, "blur 1.0, low contrast and a yellow cast, white noise 5"),
    "nearest": KnownCamera(_nearest, "every second pixel, white noise 4"),
    "banding": KnownCamera(_banding, "blur 1.0, rows brighter or darker by 3, white noise 4"),
    "impulse": KnownCamera(_impulse, "blur 1.0, white noise 3, 0.6 % of the pixels black or white"),
    "rawdark": KnownCamera(_rawdark, "as raw, with a fifth of the light, JPEG 90", ".jpg", (90, 90)),
}
"""Further cameras of `patina gap`, by name."""
