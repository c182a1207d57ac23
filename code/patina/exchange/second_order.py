"""The second-order degradation of Real-ESRGAN, neosr and traiNNer-redux: what the three tools' options have in common.

Two stages of blur, resize, noise and JPEG; at the end a sinc filter and a resize to the target size, before or after
the last JPEG (Wang et al. 2021). Settings of the second stage end in 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from patina.exchange.recipe_parts import Ends

Tool = Literal["realesrgan", "neosr", "trainner-redux"]

KERNELS = {
    "iso": "isotropic", "aniso": "anisotropic", "generalized_iso": "generalised_isotropic",
    "generalized_aniso": "generalised_anisotropic", "plateau_iso": "plateau_isotropic",
    "plateau_aniso": "plateau_anisotropic",
}  # fmt: skip
"""Kinds of Gaussian kernels: their names, and ours."""

PUBLISHED_PROBABILITIES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)

KERNEL_SIDES = (7, 21)
"""Smallest and largest side of Real-ESRGAN's kernels, which is not an option of it."""

WIDEST = 3.5
"""Std in pixels above which even the largest of these kernels cuts off a visible part of a Gaussian."""

CUTOFF = (0.6283185307, 3.1415926535)
CUTOFF_OF_SMALL = (1.0471975512, 3.1415926535)
"""Cutoffs of the sinc: from pi / 5 to pi, and from pi / 3 for kernels below 13 pixels and for the last filter."""

FIXED_FILTERS = ("area", "linear_aliased", "cubic_aliased")
"""The filters that Real-ESRGAN and neosr draw from; they are no option."""

REDUX_FILTERS = {"bilinear": "linear", "bicubic": "catmull_rom", "nearest-exact": "nearest", "lanczos": "lanczos"}
"""traiNNer-redux's filters, of which the first two have kernels that grow with the downscaling factor."""

USM: Mapping[str, Any] = {"sigma": 8, "amount": 0.5, "threshold": 10, "soft_mask": True}
"""The sharpening of Real-ESRGAN's clean images, with a kernel of 50 pixels."""

_COMMON: dict[str, Any] = {
    "resize_prob": [0.2, 0.7, 0.1], "resize_range": [0.15, 1.5], "gaussian_noise_prob": 0.5, "noise_range": [1, 30],
    "poisson_scale_range": [0.05, 3], "gray_noise_prob": 0.4, "jpeg_range": [30, 95], "second_blur_prob": 0.8,
    "resize_prob2": [0.3, 0.4, 0.3], "resize_range2": [0.3, 1.2], "gaussian_noise_prob2": 0.5,
    "noise_range2": [1, 25], "poisson_scale_range2": [0.05, 2.5], "gray_noise_prob2": 0.4, "jpeg_range2": [30, 95],
    "kernel_list": list(KERNELS), "kernel_prob": list(PUBLISHED_PROBABILITIES), "sinc_prob": 0.1,
    "blur_sigma": [0.2, 3], "betag_range": [0.5, 4], "betap_range": [1, 2], "kernel_list2": list(KERNELS),
    "kernel_prob2": list(PUBLISHED_PROBABILITIES), "sinc_prob2": 0.1, "blur_sigma2": [0.2, 1.5],
    "betag_range2": [0.5, 4], "betap_range2": [1, 2], "final_sinc_prob": 0.8,
}  # fmt: skip

_REDUX: dict[str, Any] = {
    **_COMMON, "resize_range": [0.4, 1.5], "resize_range2": [0.6, 1.2], "gaussian_noise_prob": 0, "noise_range": [0, 0],
    "poisson_scale_range": [0, 0], "gray_noise_prob": 0, "gaussian_noise_prob2": 0, "noise_range2": [0, 0],
    "poisson_scale_range2": [0, 0], "gray_noise_prob2": 0, "jpeg_prob": 1, "jpeg_range": [75, 95], "jpeg_prob2": 1,
    "jpeg_range2": [75, 95], "blur_prob": 0, "blur_prob2": 0, "sinc_prob": 0, "sinc_prob2": 0, "blur_sigma": [0.2, 2],
    "blur_sigma2": [0.2, 1], "kernel_range": [5, 17], "kernel_range2": [5, 17], "final_sinc_prob": 0,
    "final_kernel_range": [5, 17], "lq_usm": False, "lq_usm_radius_range": [1, 25], "thicklines_prob": 0,
    **{f"resize_mode_{what}{n}": v for n in ("", "2", "3")
       for what, v in (("list", list(REDUX_FILTERS)), ("prob", [0.25] * 4))},
}  # fmt: skip

DEFAULTS: Mapping[Tool, dict[str, Any]] = {"realesrgan": _COMMON, "neosr": _COMMON, "trainner-redux": _REDUX}
"""What a missing setting is: the published value, or traiNNer-redux's own default."""

DATASET_KEYS = frozenset(
    f"{key}{n}"
    for n in ("", "2")
    for key in ("kernel_list", "kernel_prob", "kernel_range", "sinc_prob", "blur_sigma", "betag_range", "betap_range")
) | {"blur_kernel_size", "blur_kernel_size2", "final_sinc_prob", "final_kernel_range"}
"""Settings that Real-ESRGAN and traiNNer-redux have in `datasets.train`; neosr has all in `degradations`."""


@dataclass(frozen=True)
class Title:
    """How a tool and its files are called."""

    name: str
    suffix: str


TITLES: Mapping[Tool, Title] = {
    "realesrgan": Title("Real-ESRGAN", ".yml"),
    "neosr": Title("neosr", ".toml"),
    "trainner-redux": Title("traiNNer-redux", ".yml"),
}


def usm_sigma(radius: float) -> float:
    """Return the std that OpenCV derives from the kernel of a sharpening with a radius in pixels."""
    side = int(radius) | 1
    return round(0.3 * ((side - 1) * 0.5 - 1) + 0.8, 4)


def odd_ends(ends: Ends) -> list[int]:
    """Return the odd sides within a range."""
    low, high = (max(3, int(end)) for end in ends)
    return [low | 1, high if high % 2 else max(low | 1, high - 1)]
