"""Chains of chaiNNer as recipes, where they lead from one loaded image to one saved image."""

import math
from collections.abc import Callable
from typing import Any

from patina.errors import ConfigError
from patina.exchange.chainner_graph import SAVE, ChainNode, read_way
from patina.exchange.conversion import Block, Conversion, Remarks
from patina.exchange.recipe_parts import ORDERED_DITHERS, gaussian, odd_side, quality, span, to_8bit, whole_scale
from patina.exchange.sections import Section
from patina.imaging.recompress import JPEG_OWN_SUBSAMPLINGS
from patina.system.yaml_files import LinedValue

_FILTERS = {
    0: "nearest", 1: "lanczos", 2: "linear", 3: "catmull_rom", 4: "box", 5: "hermite", 6: "mitchell", 7: "b_spline",
    8: "hamming", 9: "hann", 10: "lagrange", 11: "gauss",
}  # fmt: skip
_AUTO = -1
"""Box to smaller sizes, Lanczos to larger ones."""

_LOADS = ("load", "load_images", "file_iterator_load", "load_image_pairs")
_SUBSAMPLINGS = {number: name for name, number in JPEG_OWN_SUBSAMPLINGS.items()}
"""OpenCV's numbers, which chaiNNer stores."""

_DITHERS = {"FS": "floyd_steinberg", "JJN": "jarvis_judice_ninke", "ST": "stucki", "A": "atkinson", "B": "burkes",
            "S": "sierra", "S2": "two_row_sierra", "SL": "sierra_lite"}  # fmt: skip
_LOSSLESS = ("png", "bmp", "tiff", "tga", "")


def convert_chain_file(node: LinedValue, section: Section, remarks: Remarks) -> Conversion:
    """Convert a chain.

    Args:
        node: the file.
        section: the same as a section, for its name.
        remarks: where remarks go.

    Raises:
        ConfigError: it is no chain from one image to one, or does not end at 1 / n of the size.
    """
    way = read_way(node, section.source, remarks)
    if way[0].name not in _LOADS:
        way[0].lost("taken for the loaded image")
    steps: list[Block] = []
    factor = 1.0
    for step in way[1:]:
        if not step.active and step.kind != SAVE:
            remarks.add(f"node {step.name}: switched off, left out", step.line)
        elif step.name in ("resize", "resize_factor"):
            block, factor = _resize(step, factor)
            steps += block
        elif step.name in _NODES:
            steps += _NODES[step.name](step)
        else:
            step.lost()
    scale = whole_scale(factor)
    if scale is None:
        raise ConfigError(
            f"{section.source}: the chain scales images to {100 * factor:g} %, expected 100 % divided by a whole "
            "number, e.g. 25 %"
        )
    if not steps:
        raise ConfigError(
            f"{section.source}: no node in it has a counterpart in recipes, so there is nothing to convert"
        )
    return Conversion({"scale": scale, "steps": _ending_at_target(steps)}, remarks.lines)


def _ending_at_target(steps: list[Block]) -> list[Block]:
    """Let the last resize end at the target size, exactly."""
    last = max((index for index, step in enumerate(steps) if "resize" in step), default=None)
    if last is None:
        return steps
    whole: Block = {"resize": {"filter": steps[last]["resize"]["filter"], "of": "target"}}
    return [*steps[:last], whole, *steps[last + 1 :]]


def _resize(node: ChainNode, before: float) -> tuple[list[Block], float]:
    """Return the resize, and the size after it relative to the loaded image."""
    unified = node.name == "resize"
    if unified and node.value(1, 0) != 0:
        node.lost("a size in pixels")
        return [], before
    low, high = node.ends(2 if unified else 1, 100)
    if low != high:
        raise ConfigError(
            f"{node.source}, line {node.line}: node {node.name} draws from {low:g} to {high:g} %; expected one size, "
            "which all images of a set have"
        )
    factor = low / 100
    number = node.value(5 if unified else 2, _AUTO)
    name = ("box" if factor < 1 else "lanczos") if number == _AUTO else _FILTERS.get(number, "")
    if not name:
        node.lost(f"filter {number}, catmull_rom instead")
    return [{"resize": {"filter": name or "catmull_rom", "factor": span(factor, factor)}}], before * factor


def _box(node: ChainNode) -> list[Block]:
    across, down = node.ends(1, 1), node.ends(2, 1)
    if across != down:
        node.lost("its radius Y")
    low, high = across
    return [{"box_blur": {"size": [odd_side(2 * math.floor(low)), odd_side(2 * math.ceil(high))]}}]


def _gaussian(node: ChainNode) -> list[Block]:
    across, down = node.ends(1, 1), node.ends(2, 1)
    if across == down:
        return [gaussian(across)]
    return [{"ellipse_blur": {"sigma_x": span(*_up_to(50, across)), "sigma_y": span(*_up_to(50, down))}}]


def _lens(node: ChainNode) -> list[Block]:
    radius = [max(0.01, end) for end in _up_to(100, node.ends(1, 3))]
    gamma = [max(0.1, end) for end in _up_to(10, node.ends(3, 5))]
    components = int(node.ends(2, 5)[1])
    return [{"complex_lens_blur": {"radius": span(*radius), "components": components, "exposure_gamma": span(*gamma)}}]


def _median(node: ChainNode) -> list[Block]:
    low, high = node.ends(1, 1)
    return [{"median_blur": {"size": [odd_side(2 * low), odd_side(2 * high)]}}]


def _noise(node: ChainNode) -> list[Block]:
    kind = node.value(1, "gaussian")
    low, high = (end / 100 for end in node.ends(3, 50))
    gray = {"gray": 1.0} if node.value(2, "rgb") == "gray" else {"gray": 0.0}
    ends = span(to_8bit(low), to_8bit(high))
    known: dict[str, Block] = {
        "gaussian": {"gaussian_noise": {"sigma": ends, **gray}},
        "uniform": {"uniform_noise": {"amplitude": ends, **gray}},
        "salt_and_pepper": {"salt_and_pepper": {"share": span(min(1.0, low), min(1.0, high)), **gray}},
        "speckle": {"speckle": {"sigma": ends, **gray}},
    }
    if kind not in known:
        node.lost(f"{kind} noise")
    return [known[kind]] if kind in known else []


def _pixelate(node: ChainNode) -> list[Block]:
    low, high = node.ends(1, 10)
    if (low, high) != node.ends(2, 10):
        node.lost("its size Y")
    return [{"pixelate": {"size": span(max(1.0, low), max(1.0, high))}}]


def _dither(node: ChainNode) -> list[Block]:
    kind = node.value(2, "Diffusion")
    dither: str | None = {"None": "none", "Diffusion": _DITHERS.get(node.value(4, "FS"))}.get(kind)
    if kind == "Ordered":
        dither = {f"B{side}": name for side, name in ORDERED_DITHERS.items()}.get(node.value(3, "B16"))
    settings: Block = {}
    if kind == "Riemersma":  # its ratio is 1 / the history's length
        first, last = (min(1000, max(2, int(end))) for end in node.ends(5, 16))
        dither, settings = "riemersma", {"history": [first, last], "ratio": span(1 / last, 1 / first)}
    if dither is None:
        node.lost(f"{kind} dithering")
        return []
    low, high = node.ends(1, 8)
    levels = [max(2, int(low)), min(256, max(2, int(high)))]
    return [{"quantise": {"levels": levels, "dither": dither, **settings}}]


def _sharpen(node: ChainNode) -> list[Block]:
    sigma = [max(0.05, end) for end in _up_to(50, node.ends(1, 3))]
    threshold = [2.55 * end for end in node.ends(3, 0)]
    return [{"unsharp_mask": {"sigma": span(*sigma), "amount": span(*node.ends(2, 1)), "threshold": span(*threshold)}}]


def _gamma(node: ChainNode) -> list[Block]:
    low, high = node.ends(1, 1)
    if node.value(2, 0):
        low, high = 1 / max(1e-3, high), 1 / max(1e-3, low)
    return [{"levels": {"gamma": span(max(0.1, low), min(10.0, high))}}]


def _levels(node: ChainNode) -> list[Block]:
    if not all(node.value(number, 1) for number in (1, 2, 3)):
        node.lost("levels of single channels")
        return []
    low, high = (max(0.1, end) for end in node.ends(7, 1))
    settings: Block = {"gamma": span(max(0.1, 1 / high), min(10.0, 1 / low))}
    for name, number, default in (("black", 5, 0), ("white", 6, 1), ("output_black", 8, 0), ("output_white", 9, 1)):
        settings[name] = span(*(255 * end for end in node.ends(number, default)))
    return [{"levels": settings}]


def _hue(node: ChainNode) -> list[Block]:
    for number, what in ((1, "hue"), (3, "lightness")):
        if node.ends(number, 0) != (0, 0):
            node.lost(what)
    return [{"colour_shift": {"saturation": span(*(1 + end / 100 for end in node.ends(2, 0)))}}]


def _contrast(node: ChainNode) -> list[Block]:
    """Its contrast is a factor around mid-grey, which also multiplies its brightness."""
    largest = 259 / 255
    contrast = [end / 100 for end in node.ends(2, 0)]
    factors = [min(4.0, largest * (end + 1) / (largest - end)) for end in contrast]
    brightness = node.ends(1, 0)
    added = sorted(factor * end / 100 for factor in factors for end in brightness)
    if contrast[0] != contrast[1] and brightness != (0, 0):
        node.remarks.add("node brightness_and_contrast: both are drawn independently", node.line)
    return [{"colour_shift": {"contrast": span(*factors), "brightness": span(max(-1, added[0]), min(1, added[-1]))}}]


def _save(node: ChainNode) -> list[Block]:
    """A lossy format is a compression."""
    kind = str(node.value(4, "png")).lower()
    ends = quality(*node.ends(5, 95))
    if kind in ("jpg", "jpeg"):
        number = node.value(11, 0x211111)
        if number not in _SUBSAMPLINGS:
            node.lost(f"chroma subsampling {number}, 4:2:2 instead")
        return [{"jpeg": {"quality": ends, "subsampling": _SUBSAMPLINGS.get(number, "4:2:2")}}]
    if kind.startswith("webp"):
        return [] if node.value(14, 0) or "lossless" in kind else [{"webp": {"quality": ends}}]
    if kind not in _LOSSLESS:
        node.lost(f"the format {kind}")
    return []


def _up_to(most: float, ends: tuple[float, float]) -> tuple[float, float]:
    return min(most, ends[0]), min(most, ends[1])


_NODES: dict[str, Callable[[ChainNode], list[Any]]] = {
    "blur": _box, "gaussian_blur": _gaussian, "lens_blur": _lens, "median_blur": _median, "add_noise": _noise,
    "pixelate": _pixelate, "dither": _dither, "sharpen": _sharpen, "gamma": _gamma, "color_levels": _levels,
    "hue_and_saturation": _hue, "brightness_and_contrast": _contrast, "save": _save,
}  # fmt: skip
"""Converters by the node's name."""
