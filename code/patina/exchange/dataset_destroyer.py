"""Dataset Destroyer's `config.ini`, of every version, as a recipe."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path

from patina.degradations.blur import KERNEL_KINDS
from patina.errors import ConfigError
from patina.exchange.conversion import Block, Conversion, Remarks
from patina.exchange.ini_reader import IniReader
from patina.exchange.recipe_parts import (
    FILTERS,
    LARGEST_KERNEL,
    VIDEO_CODECS,
    names_or_name,
    odd_side,
    one_of,
    quality,
    tidy,
    to_8bit,
    video,
    whole_scale,
)
from patina.imaging.dither import DITHERS

OPENCV_FILTERS = {
    "nearest": "nearest", "box": "area", "bilinear": "linear_aliased", "bicubic": "cubic_aliased", "lanczos": "lanczos",
}  # fmt: skip
"""Filters of the versions that resized by OpenCV."""

LIKELIHOODS = {"blur": 0.3, "noise": 0.3, "compression": 0.2, "scale": 0.1, "quantization": 0.1, "unsharp_mask": 0.1,
               "chroma": 0.3}  # fmt: skip
"""What Dataset Destroyer takes for a likelihood that is missing."""

_OF_LATER_VERSIONS = (
    ("noise", "sp_range"), ("compression", "vp9_crf_level_range"), ("unsharp_mask", "radius_range"),
    ("compression", "mpeg_qscale_range"), ("chroma", "horizontal_range"),
)  # fmt: skip
"""Settings of the versions that count noise in fractions of white, rotate anisotropic blurs and resize by chaiNNer's
library; earlier ones count grey levels and resize by OpenCV."""


def _is_early(reader: IniReader) -> bool:
    return not any(reader.has(section, key) for section, key in _OF_LATER_VERSIONS)


def convert_ini(path: Path) -> Conversion:
    """Read a `config.ini`.

    Raises:
        ConfigError: the file cannot be read, or a value is invalid.
    """
    remarks = Remarks()
    reader = IniReader(path, remarks)
    order = reader.names("main", "degradations")
    shuffled = reader.flag("main", "randomize", False)
    scale = _scale(reader) if "scale" in order else 1
    steps = []
    for name in order:
        if name not in _FAMILIES:
            reader.lost(f"degradation {name}", "main", "degradations")
            continue
        choices = _FAMILIES[name](reader)
        likelihood = _likelihood(reader, name) if shuffled else 1.0
        if name == "scale" and likelihood < 1:
            source = "" if reader.has("likelihood", name) else " (Dataset Destroyer's default)"
            told = f"likelihood.scale: 1 instead of {likelihood:g}{source}, as all images of a set must have one size"
            reader.remark(told, "likelihood", "scale")
            likelihood = 1.0
        if choices:
            steps.append(one_of(choices, likelihood))
    if not steps:
        raise ConfigError(f"{path}: no degradation in it has a counterpart in recipes, so there is nothing to convert")
    reader.note_unused()
    if not shuffled and reader.line("likelihood"):
        reader.remark("likelihood: counts for a random order only, not used", "likelihood")
    steps = [{"shuffle": {"steps": steps}}] if shuffled and len(steps) > 1 else steps
    return Conversion({"scale": scale, "steps": steps}, remarks.lines)


def _likelihood(reader: IniReader, family: str) -> float:
    """Return the probability of a family in a shuffled order; versions without likelihoods apply every family."""
    if not reader.line("likelihood"):
        return 1.0
    if family != "scale" and not reader.has("likelihood", family):
        told = f"likelihood.{family}: missing, set to {LIKELIHOODS[family]:g} as Dataset Destroyer does"
        reader.remark(told, "likelihood")
    return reader.number("likelihood", family, LIKELIHOODS[family])


def _blur(reader: IniReader) -> list[Block]:
    ends = reader.ends("blur", "range", reader.number("blur", "scale_factor", 1.0))
    size = [odd_side(ends[0]), odd_side(ends[1])]
    found: list[Block] = []
    for kind in reader.kinds("blur"):
        if kind == "average":
            found.append({"box_blur": {"size": size}})
        elif kind == "gaussian":
            sigma = [_opencv_sigma(side) for side in size]
            sides = [max(3, side) for side in size]
            found.append({"gaussian_blur": {"kind": "isotropic", "size": sides[1], "sigma": sigma}})
            reader.remark("blur gaussian: sigma is drawn instead of the kernel size", "blur", "algorithms")
        elif kind in KERNEL_KINDS:
            sigma = [max(0.01, end) for end in ends]
            side = min(LARGEST_KERNEL, odd_side(8 * sigma[1]) + 2)
            upright = {"angle": 0} if _is_early(reader) and "anisotropic" in kind else {}
            found.append({"gaussian_blur": {"kind": kind, "size": side, "sigma": sigma, **upright}})
        else:
            reader.lost(f"blur {kind}", "blur", "algorithms")
    return found


def _noise(reader: IniReader) -> list[Block]:
    low, high = reader.ends("noise", "range", reader.number("noise", "scale_factor", 1.0))
    white, std, unscaled = (
        [to_8bit(low), to_8bit(high)],
        [to_8bit(math.sqrt(max(0.0, end))) for end in (low, high)],
        1.0,
    )
    if _is_early(reader):
        white = [min(255.0, max(0.0, end)) for end in (low, high)]
        # Its second version takes the range of Gaussian noise for a variance, and does not scale the last two kinds.
        std = [math.sqrt(end) for end in white] if reader.has("noise", "scale_factor") else white
        unscaled = reader.number("noise", "scale_factor", 1.0) or 1.0
        reader.remark("noise: in grey levels, as this version has it", "noise", "range")
    found: list[Block] = []
    for kind in reader.kinds("noise"):
        if kind == "gaussian":
            found.append({"gaussian_noise": {"sigma": [tidy(end) for end in std]}})
        elif kind == "uniform":
            found.append({"uniform_noise": {"amplitude": white}})
        elif kind in ("color", "gray"):
            sigma = [tidy(min(255.0, end / unscaled)) for end in white]
            found.append({"gaussian_noise": {"sigma": sigma, "gray": float(kind == "gray")}})
        elif kind == "salt-and-pepper":
            ends = reader.ends("noise", "sp_range", reader.number("noise", "sp_scale_factor", 1.0))
            # Its fraction is per pixel of 3 values; a quarter of that many values turn black and half turn white.
            found.append({"salt_and_pepper": {"share": [round(min(1.0, 2.25 * end), 4) for end in ends]}})
            told = "noise salt-and-pepper: as much salt as pepper instead of twice as much"
            reader.remark(told, "noise", "algorithms")
        else:
            reader.lost(f"noise {kind}", "noise", "algorithms")
    if "color" in reader.kinds("noise"):
        told = "noise color: one sigma for all channels instead of one per channel"
        reader.remark(told, "noise", "algorithms")
    return found


_BIT_RATES = {"mpeg": ("mpeg_bitrate_range", "mpegbitrate"), "mpeg2": ("mpeg2_bitrate_range", "mpeg2bitrate")}
"""Settings of older versions that give a codec's bit rate instead of its quantiser."""


def _compression(reader: IniReader) -> list[Block]:
    found: list[Block] = []
    for kind in reader.kinds("compression"):
        if kind in ("jpeg", "webp"):
            found.append({kind: {"quality": quality(*reader.ends("compression", f"{kind}_quality_range"))}})
        elif kind in VIDEO_CODECS:
            found += _video(reader, kind)
        else:
            reader.lost(f"compression {kind}", "compression", "algorithms")
    return found


def _video(reader: IniReader, kind: str) -> list[Block]:
    """Return the block of a video codec, whose settings have other names in every generation."""
    for key in _BIT_RATES.get(kind, ()):
        if reader.has("compression", key):
            reader.text("compression", key)
            reader.lost(f"compression.{key}, a bit rate", "compression", key)
            return []
    if kind in _BIT_RATES:
        ends = reader.ends("compression", f"{kind}_qscale_range")
    elif reader.has("compression", "crf_level"):
        ends = (reader.number("compression", "crf_level", 0.0),) * 2
    else:
        ends = reader.ends("compression", f"{'hevc' if kind == 'h265' else kind}_crf_level_range")
    return [video(VIDEO_CODECS[kind], *ends)]


def _scaling(reader: IniReader) -> list[Block]:
    kinds = reader.kinds("scale")
    detours = reader.names("scale", "down_up_algorithms") if reader.has("scale", "down_up_algorithms") else []
    by_opencv = _is_early(reader) or {"bicubic", "bilinear"} & {*kinds, *detours}
    known = OPENCV_FILTERS if by_opencv else FILTERS
    filters = _filters(reader, [kind for kind in kinds if kind != "down_up"], "algorithms", known)
    found: list[Block] = []
    if filters:
        found.append({"weight": float(len(filters)), "steps": {"resize": {"filter": filters, "of": "target"}}})
    if "down_up" in kinds:
        own = _filters(reader, detours, "down_up_algorithms", known) or ["linear_aliased"]  # OpenCV's default
        before, after = (own, own) if reader.flag("scale", "randomize", True) else (own[:1], own[-1:])
        block = {"factor": list(reader.ends("scale", "range")), "first": before, "second": after}
        found.append({"weight": 1.0, "steps": {"down_up": block}})
    if not by_opencv:
        reader.remark("scale: Dataset Destroyer resizes in linear light, recipes in sRGB", "scale")
    return found if len(found) > 1 else [choice["steps"] for choice in found]


def _filters(reader: IniReader, names: Iterable[str], key: str, known: dict[str, str]) -> list[str]:
    for name in (unknown := [name for name in names if name not in known]):
        reader.lost(f"scale.{key} {name}", "scale", key)
    return list(dict.fromkeys(known[name] for name in names if name not in unknown))


def _scale(reader: IniReader) -> int:
    factor = reader.number("scale", "size_factor", 0.25)
    if (scale := whole_scale(factor)) is None:
        raise ConfigError(
            f"{reader.path}, line {reader.line('scale', 'size_factor')}: scale.size_factor is {factor:g}, expected 1 "
            "divided by a whole number, e.g. 0.25"
        )
    return scale


def _chroma(reader: IniReader) -> list[Block]:
    found: list[Block] = []
    for kind in reader.kinds("chroma"):
        if kind == "gaussian":
            across, down = (
                [
                    0.0 if side == 1 else _opencv_sigma(side)
                    for side in map(odd_side, reader.ends("chroma", f"{axis}_range"))
                ]
                for axis in ("horizontal", "vertical")
            )
            found.append({"chroma_blur": {"sigma": across, "sigma_y": down}})
            reader.remark("chroma gaussian: sigma is drawn instead of the kernel size", "chroma", "algorithms")
        else:
            reader.lost(f"chroma {kind}", "chroma", "algorithms")
    return found


def _quantisation(reader: IniReader) -> list[Block]:
    low, high = reader.ends("quantization", "range")
    kinds = reader.kinds("quantization")
    for kind in (unknown := [kind for kind in kinds if kind not in DITHERS]):
        reader.lost(f"quantization {kind}", "quantization", "algorithms")
    known = [kind for kind in kinds if kind not in unknown]
    levels = [max(2, int(low)), min(256, int(high))]
    return [{"quantise": {"levels": levels, "dither": names_or_name(known)}}] if known else []


def _unsharp_mask(reader: IniReader) -> list[Block]:
    settings = {
        "sigma": [max(0.05, end) for end in reader.ends("unsharp_mask", "radius_range")],
        "amount": list(reader.ends("unsharp_mask", "percent_range")),
        "threshold": list(reader.ends("unsharp_mask", "threshold_range")),
    }
    told = "unsharp_mask: the threshold leaves small details unsharpened; Dataset Destroyer brightens them"
    reader.remark(told, "unsharp_mask", "threshold_range")
    return [{"unsharp_mask": settings}]


_FAMILIES: dict[str, Callable[[IniReader], list[Block]]] = {
    "blur": _blur,
    "noise": _noise,
    "compression": _compression,
    "scale": _scaling,
    "quantization": _quantisation,
    "unsharp_mask": _unsharp_mask,
    "chroma": _chroma,
}


def _opencv_sigma(side: int) -> float:
    """Return the std that OpenCV derives from a Gaussian kernel's size."""
    return round(0.3 * ((side - 1) * 0.5 - 1) + 0.8, 4)
