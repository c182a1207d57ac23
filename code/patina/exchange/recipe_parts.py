"""Parts of recipes that several formats need: choices, kernel sizes, filters, codecs."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from patina.degradations.video import CODECS
from patina.exchange.conversion import Block

FILTERS = {
    "nearest": "nearest", "box": "box", "hermite": "hermite", "linear": "linear", "lagrange": "lagrange",
    "cubic_catrom": "catmull_rom", "bicubic": "catmull_rom", "bilinear": "linear", "cubic_mitchell": "mitchell",
    "cubic_bspline": "b_spline", "lanczos": "lanczos", "gauss": "gauss", "hamming": "hamming", "hann": "hann",
    "dpid_0.25": "dpid_0.25", "dpid_0.5": "dpid_0.5", "dpid_0.75": "dpid_0.75", "dpid_1": "dpid_1",
}  # fmt: skip
"""Filters of resizes by the names that chaiNNer's library and the tools based on it give them."""

DITHERS = {
    "floydsteinberg": "floyd_steinberg", "jarvisjudiceninke": "jarvis_judice_ninke", "stucki": "stucki",
    "atkinson": "atkinson", "burkes": "burkes", "sierra": "sierra", "tworowsierra": "two_row_sierra",
    "sierralite": "sierra_lite", "riemersma": "riemersma", "quantize": "none",
}  # fmt: skip
"""Kinds of dithering by the same library's names, in small letters and without underscores."""

ORDERED_DITHERS = {2: "ordered_2", 4: "ordered_4", 8: "ordered", 16: "ordered_16"}
"""Ordered dithering by the side of its matrix."""

VIDEO_CODECS = {
    "h264": "h264", "hevc": "hevc", "h265": "hevc", "vp9": "vp9", "av1": "av1", "mpeg": "mpeg1", "mpeg2": "mpeg2",
    "mpeg4": "mpeg4",
}  # fmt: skip
"""Video codecs by other tools' names."""

LARGEST_KERNEL = 101

Ends = Sequence[float]
"""Low and high end of a range."""


def one_of(choices: Iterable[Block | tuple[float, list[Block]]], probability: float = 1.0) -> Block:
    """Return one block: the only choice, or a choice of several, applied with a probability.

    Args:
        choices: blocks, which weigh 1, or weights with lists of blocks; at least one.
        probability: how often the block is applied at all.
    """
    certain = {} if probability == 1 else {"probability": probability}
    found = [choice if isinstance(choice, dict) else _weighted(*choice) for choice in choices]
    if len(found) == 1 and "steps" not in found[0]:
        [(name, settings)] = found[0].items()
        if not certain:
            return {name: settings}
        if "probability" not in settings:
            return {name: {**settings, **certain}}
    return {"one_of": {**certain, "choices": found}}


def _weighted(weight: float, steps: list[Block]) -> Block:
    return steps[0] if weight == 1 and len(steps) == 1 else {"weight": tidy(weight), "steps": steps}


def names_or_name(names: Iterable[str]) -> list[str] | str:
    """Return a list of names without repetitions, or the only name."""
    found = list(dict.fromkeys(names))
    return found[0] if len(found) == 1 else found


def odd_side(value: float) -> int:
    """Return the odd kernel side at or above a number, within the sides that kernels may have."""
    return min(LARGEST_KERNEL, max(1, int(value) | 1))


def gaussian(sigma: Ends, kind: Any = "isotropic") -> Block:
    """Return a Gaussian blur with a kernel that holds 4 standard deviations; `sigma` in pixels."""
    low, high = max(0.01, sigma[0]), min(50.0, max(0.01, sigma[1]))
    return {"gaussian_blur": {"kind": kind, "size": max(3, odd_side(8 * high + 1)), "sigma": span(low, high)}}


def video(codec: str, low: float, high: float) -> Block:
    """Return a video codec with a range of its quantiser, within what the codec allows; `codec` is ours."""
    ends = [min(max(1, int(end)), CODECS[codec].largest) for end in (low, high)]
    return {"video_codec": {"codec": codec, "quantiser": ends}}


def quality(low: float, high: float) -> list[int]:
    """Return a range of qualities within 1 to 100."""
    return [min(100, max(1, int(low))), min(100, max(1, int(high)))]


def span(low: float, high: float) -> Any:
    """Return a range as recipes have it: two tidy numbers, or one if they are the same."""
    return tidy(low) if low == high else [tidy(low), tidy(high)]


def tidy(value: float) -> float | int:
    """Return a number with at most 6 decimals, and as a whole number if it is one."""
    rounded = round(float(value), 6)
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def to_8bit(value: float) -> float:
    """Return a value relative to white in grey levels, at most 255."""
    return tidy(round(min(1.0, value) * 255, 4))


def whole_scale(factor: float) -> int | None:
    """Return the downscaling factor of a resize to `factor` times the size; None if it is no whole number."""
    scale = round(1 / factor) if factor > 0 else 0
    return scale if scale >= 1 and math.isclose(scale * factor, 1, rel_tol=1e-3) else None
