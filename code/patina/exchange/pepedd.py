"""PepeDD's options, as a recipe: a list of degradations, each with its type and its options."""

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
from patina.exchange.recipe_parts import ORDERED_DITHERS, names_or_name, span
from patina.exchange.sections import Section
from patina.imaging.resize_filters import DPID

_CONVOLUTIONS = {
    "box": "box", "bilinear": "linear", "hamming": "hamming", "catmullrom": "catmull_rom", "mitchell": "mitchell",
    "gaussian": "gauss", "lanczos3": "lanczos",
}  # fmt: skip
"""Filters whose kernel grows with the downscaling factor: `c_box`; also by supersampling, `s_box`."""

_INTERPOLATIONS = {"bilinear": "linear_aliased", "catmullrom": "cubic_aliased"}
"""Filters whose kernel does not grow: `i_bilinear`."""

_HALO_BLURS = {"gauss": "gaussian", "box": "box", "lens": "disk", "ring": "ring"}

_LARGEST_PALETTE = 256


def convert_pepedd(root: Section) -> Conversion:
    """Convert options."""
    return convert_chain(root, "degradation", FAMILIES)


def _filter(name: str) -> str | None:
    kind, _, filter_name = name.partition("_")
    if name == "nearest" or name in DPID:
        return name
    known = {"c": _CONVOLUTIONS, "s": _CONVOLUTIONS, "i": _INTERPOLATIONS}.get(kind, {})
    return known.get(filter_name)


def _resize(section: Section, chain: DestroyerChain) -> list[Block]:
    return resizes(section, chain, _filter, 1.0)


def _blur(section: Section, chain: DestroyerChain) -> list[Block]:
    kinds = section.names("filters", ["ring"])
    sized = [kind for kind in kinds if kind != "motion"]
    ends = ranges(section, sized, "kernel", "target_kernels", (0.0, 1.0))
    found: list[Block] = []
    for kind in sized:
        low, high = ends[kind]
        if kind == "median":
            found.append(median_blur(2 * low, 2 * high))
        elif kind == "airy":
            found.append({"airy_blur": {"radius": span(min(low, 20.0), min(high, 20.0))}})
        elif kind == "ring":
            found.append(_ring(section, low, high))
        elif block := lens_like_blur(kind, low, high, section, "filters"):
            found.append(block)
    if "motion" in kinds:
        found.append(motion_blur(section, (0, 10), (-30, 30)))
    section.skip("motion_size", "motion_angle", "ring_thickness")
    return found


def _ring(section: Section, low: float, high: float) -> Block:
    """Return a ring by its outer radius and its hole; theirs has an inner radius and a thickness."""
    thin, thick = section.ends("ring_thickness", (1, 5))
    hole = (low / max(1e-6, low + thick), high / max(1e-6, high + thin))
    section.remarks.add("blur ring: its hole is drawn relative to its radius", section.line_of("filters"))
    radius = span(min(100.0, low + thin), min(100.0, high + thick))
    return {"ring_blur": {"radius": radius, "hole": span(min(0.99, hole[0]), min(0.99, hole[1]))}}


def _halo(section: Section, chain: DestroyerChain) -> list[Block]:
    low, high = section.ends("threshold", (0, 0))
    amount = section.ends("amount", (1, 3))
    channels = section.names("type_halo", ["rgb", "y"])
    colour = round(channels.count("rgb") / max(1, len(channels)), 6)
    blur = section.section("blur")
    filters = blur.names("filters", ["ring"]) if blur else ["ring"]
    ends = ranges(blur, filters, "kernel", "target_kernels", (0.0, 1.0)) if blur else {"ring": (0.0, 1.0)}
    threshold = (255 * low, 255 * high)
    found: list[Block] = []
    for kind in filters:
        if kind == "gauss" and colour == 1:
            found.append(unsharp_mask(ends[kind], amount, threshold))
        elif kind in _HALO_BLURS:
            found.append(halo(ends[kind], amount, threshold, blur=_HALO_BLURS[kind], colour=colour))
        elif blur:
            blur.lost("filters", what=kind)
    if blur:
        if blur.number("probability", 1.0) < 1:
            blur.lost("probability")
        blur.skip("motion_size", "motion_angle", "ring_thickness", "seed", "kernel", "target_kernels")
    return found


def _compress(section: Section, chain: DestroyerChain) -> list[Block]:
    found = compression(section, chain, common="compress", default=(40, 100), samplings="samplings")
    tables = set(section.names("quantize_table", ["default"])) - {"default"}
    for name in sorted(tables if "jpeg" in section.names("algorithm") else ()):
        section.lost("quantize_table", what=name)
    section.skip("quantize_table")
    videos = any("video_codec" in block for block in found)
    for key in ("ffmpeg_samplings", "preset", "tune"):
        if videos:
            section.lost(key)
        section.skip(key)
    return found


def _dithering(section: Section, chain: DestroyerChain) -> list[Block]:
    default = ["floydsteinberg", "jarvisjudiceninke", "stucki", "atkinson", "burkes", "sierra", "tworowsierra",
               "sierraLite", "riemersma", "quantize"]  # fmt: skip
    names = dither_names(section, "types", default)
    ends = ranges(section, [name for name, _ in names], "color_in_img", "target_color", (32.0, 1024.0))
    palettes = section.names("palette", ["median_cut"])
    if set(palettes) - {"median_cut", "uniform"}:
        section.differs("palette", "median cut for every palette made from the image")
    if any(high > _LARGEST_PALETTE for _, high in ends.values()):
        section.differs("color_in_img", f"at most {_LARGEST_PALETTE} colours")
    sides = [int(side) for side in section.numbers("map_size", [2, 4, 8, 16])]
    ordered = names_or_name(ORDERED_DITHERS[side] for side in sides if side in ORDERED_DITHERS)
    uniform = set(palettes) == {"uniform"}
    found: list[Block] = []
    for name, ours in names:
        low, high = ends[name]
        if uniform or ours == "order":  # a palette of even steps, the same number in every channel
            levels = [max(2, round(end ** (1 / 3))) for end in (low, high)]
            found.append(
                {
                    "quantise": {
                        "levels": levels,
                        "dither": ordered if ours == "order" else ours,
                        **dither_settings(section, [ours]),
                    }
                }
            )
        else:
            colours = [min(_LARGEST_PALETTE, max(2, int(end))) for end in (low, high)]
            found.append({"palette": {"colours": colours, "dither": ours, **dither_settings(section, [ours])}})
    section.skip("history", "ratio")
    return found


FAMILIES: dict[str, Family] = {
    "resize": _resize, "blur": _blur, "halo": _halo, "compress": _compress, "dithering": _dithering,
}  # fmt: skip
"""Converters by type of degradation; lines drawn on images have none."""
