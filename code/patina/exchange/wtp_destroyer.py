"""wtp_dataset_destroyer's configuration, in HCL or in the older JSON, as a recipe."""

from typing import Any

from patina.exchange.conversion import Block, Conversion
from patina.exchange.destroyer_chain import DestroyerChain, Family, convert_chain
from patina.exchange.destroyer_families import (
    compression,
    dither_names,
    dither_settings,
    halo,
    lens_like_blur,
    median_blur,
    motion_blur,
    ranges,
    unsharp_mask,
)
from patina.exchange.destroyer_resizes import resizes
from patina.exchange.recipe_parts import FILTERS, ORDERED_DITHERS, names_or_name, span
from patina.exchange.sections import Section
from patina.exchange.wtp_noise import noise

MATRICES = {"601": "bt601", "709": "bt709", "2020": "bt2020"}
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "4:1:1", "4:1:0")
DOTS = {"circle": "round", "ellipse": "ellipse", "line": "line", "cross": "cross"}
_HALOS = {"unsharp_gray": "bright", "unsharp_halo": "white"}
INKS = {"cmyk": "cmyk", "gray": "black"}


def convert_wtp(root: Section) -> Conversion:
    """Convert a configuration; older ones list their degradations as `process`."""
    return convert_chain(root, "process" if "process" in root else "degradation", FAMILIES)


def _resize(section: Section, chain: DestroyerChain) -> list[Block]:
    return resizes(section, chain, FILTERS.get, 1.0)


def _blur(section: Section, chain: DestroyerChain) -> list[Block]:
    kinds = section.names("filter")
    sized = [kind for kind in kinds if kind != "motion"]
    ends = ranges(section, sized, "kernel", "target_kernel", (0.0, 1.0))
    found = [median_blur(*ends[kind]) if kind == "median" else lens_like_blur(kind, *ends[kind], section, "filter")
             for kind in sized]  # fmt: skip
    moved = [motion_blur(section, (1, 2), (0, 1))] if "motion" in kinds else []
    section.skip("motion_size", "motion_angle")
    return [*(block for block in found if block), *moved]


def _halo(section: Section, chain: DestroyerChain) -> list[Block]:
    sigma, amount = section.ends("kernel", (0, 2)), section.ends("amount", (1, 1))
    threshold = section.ends("threshold", (0, 0))
    found: list[Block] = []
    for kind in section.names("type_halo", ["unsharp_mask"]):
        if kind == "unsharp_mask" and not any(threshold):
            found.append(unsharp_mask(sigma, amount, threshold))
        elif kind == "unsharp_mask":  # adds what exceeds the threshold
            found.append(halo(sigma, amount, threshold, kind="both", colour=1))
        elif kind in _HALOS:
            found.append(halo(sigma, amount, kind=_HALOS[kind]))
        elif kind == "laplacian":
            section.differs("type_halo", "laplacian: white halos by a Gaussian, which look the same")
            found.append(halo(sigma, section.ends("sharpening_factor", (0, 2)), kind="white"))
        else:
            section.lost("type_halo", what=kind)
    section.skip("sharpening_factor", "laplacian")
    return found


def _compress(section: Section, chain: DestroyerChain) -> list[Block]:
    common = "comp" if "comp" in section else "compress"
    return compression(section, chain, common=common, default=(90, 100), samplings="jpeg_sampling")


def _dithering(section: Section, chain: DestroyerChain) -> list[Block]:
    low, high = section.ends("color_ch", (2, 10))
    names = dither_names(section, "dithering_type")
    sides = [int(side) for side in section.numbers("map_size", [8])]
    settings = dither_settings(section, [ours for _, ours in names])
    weights: dict[str, float] = {}
    for _, ours in names:
        if ours != "order":
            weights[ours] = weights.get(ours, 0) + 1
            continue
        for side in sides:
            if side in ORDERED_DITHERS:
                weights[ORDERED_DITHERS[side]] = 1 / len(sides)
            else:
                section.lost("map_size", what=str(side))
    levels = [max(2, int(low)), min(256, int(high))]
    dither: Any = names_or_name(weights) if set(weights.values()) == {1} else weights
    return [{"quantise": {"levels": levels, "dither": dither, **settings}}] if weights else []


def _colour(section: Section, chain: DestroyerChain) -> list[Block]:
    settings = {
        "output_black": span(*section.ends("low", (0, 0))),
        "output_white": span(*section.ends("high", (255, 255))),
        "gamma": span(*section.ends("gamma", (1, 1))),
    }
    return [{"levels": settings}]


def _saturation(section: Section, chain: DestroyerChain) -> list[Block]:
    return [{"colour_shift": {"saturation": span(*section.ends("rand", (0.5, 1.0)))}}]


def _pixelate(section: Section, chain: DestroyerChain) -> list[Block]:
    low, high = section.ends("size", (0, 10))
    return [{"pixelate": {"size": span(max(1.0, low), max(1.0, high))}}]


def _subsampling(section: Section, chain: DestroyerChain) -> list[Block]:
    names = section.names("sampling", ["4:4:4"])
    for name in set(names) - set(SUBSAMPLINGS):
        section.lost("sampling", what=name)
    known = [name for name in names if name in SUBSAMPLINGS] or ["4:4:4"]
    settings: Block = {"subsampling": names_or_name(known)}
    settings["matrix"] = names_or_name(MATRICES.get(name, "bt601") for name in section.names("yuv", ["601"]))
    for key in ("down", "up"):
        filters = section.names(key, ["nearest"])
        for name in set(filters) - set(FILTERS):
            section.lost(key, what=name)
        settings[key] = names_or_name([FILTERS[name] for name in filters if name in FILTERS] or ["nearest"])
    steps: list[Block] = [{"chroma_subsampling": settings}]
    if "blur" in section:
        low, high = section.ends("blur")
        steps.append({"chroma_blur": {"sigma": span(low, min(high, 50.0))}})
    return steps if len(steps) == 1 else [{"one_of": {"choices": [{"steps": steps}]}}]


def _shift(section: Section, chain: DestroyerChain) -> list[Block]:
    if section.flag("percent"):
        section.skip(*section)
        section.lost("percent", what="(shifts relative to the image's size)")
        return []
    found: list[Block] = []
    for space in section.names("shift_type", ["rgb"]):
        planes = {"rgb": ("r", "b", "red_blue"), "yuv": ("u", "v", "chroma")}.get(space)
        if planes is None:
            section.lost("shift_type", what=space)
            continue
        first, second, name = planes
        inside = section.section(space)
        moves = [pairs for plane in (first, second) if (pairs := _moves(section, inside, plane))]
        x, y = (_hull([pairs[axis] for pairs in moves]) for axis in (0, 1))
        section.remarks.add(f"shift {space}: {first} and {second} draw from one range, the other stays", section.line)
        found.append({"chroma_shift": {"x": span(*x), "y": span(*y), "planes": name}})
    for space in ("rgb", "yuv", "cmyk"):
        if (inside := section.section(space)) is not None:
            inside.skip(*inside)
    section.skip("not_target")
    return found


def _moves(section: Section, inside: Section | None, plane: str) -> list[tuple[float, float]]:
    """Return the ranges of a plane's shift along x and y in pixels."""
    pairs = (inside.value(plane) if inside else None) or section.value("not_target", [[0, 0], [0, 0]])
    try:
        return [(min(pair), max(pair)) for pair in pairs[:2]]
    except TypeError:
        return [section.refuse(plane if inside is None else section.name, "two ranges [[x, x], [y, y]]")]


def _hull(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return max(-200.0, min(low for low, _ in pairs)), min(200.0, max(high for _, high in pairs))


def _screentone(section: Section, chain: DestroyerChain) -> list[Block]:
    low, high = section.ends("dot_size", (7, 7))
    settings: Block = {"dot_size": span(max(2.0, low), max(2.0, high))}
    if section.flag("lqhq"):
        section.lost("lqhq", what="(clean images with the same screen)")
    colour = section.section("color")
    kinds = colour.names("type_halftone", ["gray"]) if colour else ["gray"]
    for kind in kinds:
        if colour and kind not in INKS:
            colour.lost("type_halftone", what=kind)
    inks = [INKS[kind] for kind in kinds if kind in INKS]
    if not inks:
        section.skip(*section)
        return []
    settings["inks"] = names_or_name(inks)
    dots = section.names("dot_type", ["circle"])
    if "angle" in section:
        settings["black"] = span(*section.ends("angle"))
    if colour:
        dots += _inks(colour, settings)
    if colour and len(colour.sections("dot")) > 1:
        settings["per_ink"] = 1
    known = [DOTS[dot] for dot in dots if dot in DOTS] or ["round"]
    return [{"halftone": {**settings, "dot": names_or_name(known)}}]


def _inks(colour: Section, settings: Block) -> list[str]:
    """Add the inks' angles and strength to the settings of a screen; return the kinds of dots."""
    dots: list[str] = []
    blocks = colour.sections("dot")
    for ink, key, place in (("cyan", "c", 0), ("magenta", "m", 1), ("yellow", "y", 2), ("black", "k", 3)):
        if place < len(blocks):
            settings[ink] = span(*blocks[place].ends("angle", (0, 0)))
            dots += blocks[place].names("type", [])
        elif key in colour:
            settings[ink] = span(*colour.ends(key))
    colour.skip("r", "g", "b")
    if "cmyk_alpha" in colour:
        low, high = colour.ends("cmyk_alpha")
        settings["strength"] = span(max(0.0, low), min(1.0, high))
    return dots


def _both(section: Section, chain: DestroyerChain) -> list[Block]:
    """`and`: the second list only where the first is applied; `or`: only where it is not."""
    first, second = section.number("probability_one", 1.0), section.number("probability_two", 0.5)
    chain.depth += 1
    one, two = (chain.steps(section.sections(f"{name}_degradation")) for name in ("one", "two"))
    chain.depth -= 1
    parts = [(first * second, [*one, *two]), (first * (1 - second), one), (1 - first, [])]
    return [{"one_of": {"choices": [{"weight": weight, "steps": steps} for weight, steps in parts if weight > 0]}}]


def _either(section: Section, chain: DestroyerChain) -> list[Block]:
    first, second = section.number("probability_one", 0.5), section.number("probability_two", 0.5)
    chain.depth += 1
    one, two = (chain.steps(section.sections(f"{name}_degradation")) for name in ("one", "two"))
    chain.depth -= 1
    rest = 1 - first
    parts = [(first, one), (rest * second, two), (rest * (1 - second), [])]
    return [{"one_of": {"choices": [{"weight": weight, "steps": steps} for weight, steps in parts if weight > 0]}}]


FAMILIES: dict[str, Family] = {
    "resize": _resize, "blur": _blur, "halo": _halo, "compress": _compress, "dithering": _dithering,
    "color": _colour, "saturation": _saturation, "pixelate": _pixelate, "subsampling": _subsampling,
    "shift": _shift, "screentone": _screentone, "noise": noise, "and": _both, "or": _either,
}  # fmt: skip
"""Converters by type of degradation."""
