"""What was done to a picture, in the words that users of Dataset Destroyer know."""

from collections.abc import Callable
from typing import Any

from patina.degradations.base import Size
from patina.degradations.recipe import Plan, Step

FILTER_NAMES = {"catmull_rom": "cubic_catrom", "mitchell": "cubic_mitchell", "b_spline": "cubic_bspline"}
"""Filters that have another name there."""

FAMILIES = {
    "blur": ("lens_blur", "complex_lens_blur", "gaussian_blur", "box_blur", "motion_blur", "median_blur", "sinc",
             "div2krk_blur", "kernel_blur"),
    "noise": ("gaussian_noise", "poisson_noise", "speckle", "salt_and_pepper", "correlated_noise", "learned"),
    "compression": ("jpeg", "webp"),
    "scale": ("resize", "down_up"),
    "quantization": ("quantise",),
    "unsharp_mask": ("unsharp_mask",),
    "color": ("colour_shift",),
}  # fmt: skip


def describe(plan: Plan, size: Size) -> str:
    """Return one line, such as ``scale: cubic_mitchell size factor=0.25, compression: jpeg quality=82``.

    Args:
        plan: what was done.
        size: of the clean picture.
    """
    return ", ".join(described(plan, size)) or "nothing"


def described(plan: Plan, size: Size) -> list[str]:
    """Return `describe`'s words for each step."""
    parts = []
    for step in plan:
        parts.append(_FORMS.get(step.op, _plain)(step, size))
        if "size" in step.parameters:
            size = tuple(step.parameters["size"])
    return parts


def _plain(step: Step, size: Size) -> str:
    family = next(name for name, members in FAMILIES.items() if step.op in members)
    kind = step.parameters.get("kind", step.op.removesuffix("_blur").removesuffix("_noise"))
    values = {name: value for name, value in step.parameters.items() if name != "kind"}
    return f"{family}: {' '.join([kind, *_pairs(values)])}"


def _resize(step: Step, size: Size) -> str:
    return f"scale: {_filter(step.parameters['filter'])} size factor={_factor(size, step.parameters['size'])}"


def _down_up(step: Step, size: Size) -> str:
    first, second = step.parameters["size_between"], step.parameters["size"]
    return (
        f"scale: down_up scale1factor={_factor(size, first)} scale1algorithm={_filter(step.parameters['first'])} "
        f"scale2factor={_factor(first, second)} scale2algorithm={_filter(step.parameters['second'])}"
    )


def _jpeg(step: Step, size: Size) -> str:
    usual = {"subsampling": "4:2:0", "codec": "libjpeg"}
    told = {name: value for name, value in step.parameters.items() if usual.get(name) != value}
    return f"compression: {' '.join(['jpeg', *_pairs(told)])}"


def _learned(step: Step, size: Size) -> str:
    return f"noise: {' '.join(['learned', *_pairs(step.parameters['knobs'])])}"


_FORMS: dict[str, Callable[[Step, Size], str]] = {
    "resize": _resize,
    "down_up": _down_up,
    "jpeg": _jpeg,
    "learned": _learned,
}


def _filter(name: str) -> str:
    return FILTER_NAMES.get(name, name)


def _factor(before: Size, after: Size) -> str:
    return f"{after[0] / before[0]:.4g}"


def _pairs(values: dict[str, Any]) -> list[str]:
    return [f"{name}={_shown(value)}" for name, value in values.items()]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"({'; '.join(map(_shown, value))})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
