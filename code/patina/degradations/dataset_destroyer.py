"""Conversion of Dataset Destroyer's `config.ini` to a recipe, with remarks on everything lost or different."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patina.degradations.blur import KERNEL_KINDS
from patina.degradations.ini_reader import IniReader
from patina.degradations.video import CODECS
from patina.errors import ConfigError
from patina.imaging.dither import DITHERS

FILTERS = {
    "nearest": "nearest", "box": "box", "hermite": "hermite", "linear": "linear", "lagrange": "lagrange",
    "cubic_catrom": "catmull_rom", "bicubic": "catmull_rom", "bilinear": "linear", "cubic_mitchell": "mitchell",
    "cubic_bspline": "b_spline", "lanczos": "lanczos", "gauss": "gauss", "hamming": "hamming", "hann": "hann",
}  # fmt: skip
LARGEST_KERNEL = 101

Block = dict[str, Any]


@dataclass
class Conversion:
    """A recipe as plain values, and a remark for every setting that was lost or changed."""

    values: dict[str, Any]
    remarks: list[str] = field(default_factory=list)


def convert(path: Path) -> Conversion:
    """Read a `config.ini`.

    Raises:
        ConfigError: the file cannot be read, or a value is invalid.
    """
    reader = IniReader(path)
    order = reader.names("main", "degradations")
    shuffled = reader.flag("main", "randomize", False)
    scale = _scale(reader) if "scale" in order else 1
    steps = []
    for name in order:
        if name not in _FAMILIES:
            reader.remark(f"degradation {name}: no counterpart, omitted")
            continue
        choices = _FAMILIES[name](reader)
        likelihood = _likelihood(reader, name) if shuffled else 1.0
        if name == "scale" and likelihood < 1:
            reader.remark(f"likelihood.scale = {likelihood:g}: set to 1, as all images of a set must have one size")
            likelihood = 1.0
        if choices:
            steps.append(_one_of(choices, likelihood))
    if not steps:
        raise ConfigError(f"{path}: no degradation has a counterpart in recipes; expected at least one that has")
    reader.note_unused()
    steps = [{"shuffle": {"steps": steps}}] if shuffled and len(steps) > 1 else steps
    return Conversion({"scale": scale, "steps": steps}, reader.remarks)


def _likelihood(reader: IniReader, family: str) -> float:
    """Return the probability of a family in a shuffled order; a missing one is 1, with a remark."""
    if not reader.has("likelihood", family):
        reader.remark(f"likelihood.{family}: missing, set to 1")
    return reader.number("likelihood", family, 1.0)


def _one_of(choices: list[Block], likelihood: float) -> Block:
    """Return one block for a family: its only kind, or a choice of kinds."""
    certain = {} if likelihood == 1 else {"probability": likelihood}
    if len(choices) == 1:
        [(name, settings)] = choices[0].items()
        return {name: {**settings, **certain}}
    return {"one_of": {**certain, "choices": choices}}


def _blur(reader: IniReader) -> list[Block]:
    ends = reader.ends("blur", "range", reader.number("blur", "scale_factor", 1.0))
    size = [_odd(ends[0]), _odd(ends[1])]
    found: list[Block] = []
    for kind in reader.kinds("blur"):
        if kind == "average":
            found.append({"box_blur": {"size": size}})
        elif kind == "gaussian":
            sigma = [_opencv_sigma(side) for side in size]
            sides = [max(3, side) for side in size]
            found.append({"gaussian_blur": {"kind": "isotropic", "size": sides[1], "sigma": sigma}})
            reader.remark("blur gaussian: sigma is drawn instead of the kernel size")
        elif kind in KERNEL_KINDS:
            sigma = [max(0.01, end) for end in ends]
            side = min(LARGEST_KERNEL, _odd(8 * sigma[1]) + 2)
            found.append({"gaussian_blur": {"kind": kind, "size": side, "sigma": sigma}})
        else:
            reader.remark(f"blur {kind}: no counterpart, omitted")
    return found


def _noise(reader: IniReader) -> list[Block]:
    low, high = reader.ends("noise", "range", reader.number("noise", "scale_factor", 1.0))
    sigma = [_to_8bit(low), _to_8bit(high)]
    found: list[Block] = []
    for kind in reader.kinds("noise"):
        if kind == "gaussian":
            found.append({"gaussian_noise": {"sigma": [_to_8bit(math.sqrt(end)) for end in (low, high)]}})
        elif kind == "uniform":
            found.append({"uniform_noise": {"amplitude": sigma}})
        elif kind in ("color", "gray"):
            found.append({"gaussian_noise": {"sigma": sigma, "gray": float(kind == "gray")}})
        elif kind == "salt-and-pepper":
            ends = reader.ends("noise", "sp_range", reader.number("noise", "sp_scale_factor", 1.0))
            # Its fraction is per pixel of 3 values; a quarter of that many values turn black and half turn white.
            found.append({"salt_and_pepper": {"share": [round(min(1.0, 2.25 * end), 4) for end in ends]}})
            reader.remark("noise salt-and-pepper: as much salt as pepper instead of twice as much")
        else:
            reader.remark(f"noise {kind}: no counterpart, omitted")
    if "color" in reader.kinds("noise"):
        reader.remark("noise color: one sigma for all channels instead of one per channel")
    return found


_VIDEO = {
    "h264": ("h264", "h264_crf_level_range"),
    "hevc": ("hevc", "hevc_crf_level_range"),
    "vp9": ("vp9", "vp9_crf_level_range"),
    "mpeg": ("mpeg1", "mpeg_qscale_range"),
    "mpeg2": ("mpeg2", "mpeg2_qscale_range"),
}
"""Video codecs by Dataset Destroyer's name: ours, and the setting of their range."""


def _compression(reader: IniReader) -> list[Block]:
    found: list[Block] = []
    for kind in reader.kinds("compression"):
        if kind in ("jpeg", "webp"):
            low, high = reader.ends("compression", f"{kind}_quality_range")
            found.append({kind: {"quality": [max(1, int(low)), min(100, int(high))]}})
        elif kind in _VIDEO:
            codec, key = _VIDEO[kind]
            ends = reader.ends("compression", key)
            low, high = (min(max(1, int(end)), CODECS[codec].largest) for end in ends)
            found.append({"video_codec": {"codec": codec, "quantiser": [low, high]}})
        else:
            reader.remark(f"compression {kind}: no counterpart, omitted")
    return found


def _scaling(reader: IniReader) -> list[Block]:
    kinds = reader.kinds("scale")
    filters = _filters(reader, [kind for kind in kinds if kind != "down_up"], "scale.algorithms")
    found: list[Block] = []
    if filters:
        found.append({"weight": float(len(filters)), "steps": {"resize": {"filter": filters, "of": "target"}}})
    if "down_up" in kinds:
        own = _filters(reader, reader.names("scale", "down_up_algorithms"), "scale.down_up_algorithms")
        first, second = (own, own) if reader.flag("scale", "randomize", True) else (own[:1], own[-1:])
        block = {"factor": list(reader.ends("scale", "range")), "first": first, "second": second}
        found.append({"weight": 1.0, "steps": {"down_up": block}})
    reader.remark("scale: Dataset Destroyer resizes in linear light, recipes in sRGB")
    return found if len(found) > 1 else [choice["steps"] for choice in found]


def _filters(reader: IniReader, names: Iterable[str], where: str) -> list[str]:
    for name in (unknown := [name for name in names if name not in FILTERS]):
        reader.remark(f"{where} {name}: no counterpart, omitted")
    return list(dict.fromkeys(FILTERS[name] for name in names if name not in unknown))


def _scale(reader: IniReader) -> int:
    factor = reader.number("scale", "size_factor", 0.25)
    scale = round(1 / factor) if factor > 0 else 0
    if scale < 1 or not math.isclose(scale * factor, 1, rel_tol=1e-3):
        raise ConfigError(f"{reader.path}: scale.size_factor is {factor:g}, expected 1 over a whole number, e.g. 0.25")
    return scale


def _chroma(reader: IniReader) -> list[Block]:
    found: list[Block] = []
    for kind in reader.kinds("chroma"):
        if kind == "gaussian":
            across, down = (
                [
                    0.0 if side == 1 else _opencv_sigma(side)
                    for side in map(_odd, reader.ends("chroma", f"{axis}_range"))
                ]
                for axis in ("horizontal", "vertical")
            )
            found.append({"chroma_blur": {"sigma": across, "sigma_y": down}})
            reader.remark("chroma gaussian: sigma is drawn instead of the kernel size")
        else:
            reader.remark(f"chroma {kind}: no counterpart, omitted")
    return found


def _quantisation(reader: IniReader) -> list[Block]:
    low, high = reader.ends("quantization", "range")
    kinds = reader.kinds("quantization")
    for kind in (unknown := [kind for kind in kinds if kind not in DITHERS]):
        reader.remark(f"quantization {kind}: no counterpart, omitted")
    known = [kind for kind in kinds if kind not in unknown]
    levels = [max(2, int(low)), min(256, int(high))]
    return [{"quantise": {"levels": levels, "dither": known if len(known) > 1 else known[0]}}] if known else []


def _unsharp_mask(reader: IniReader) -> list[Block]:
    settings = {
        "sigma": [max(0.05, end) for end in reader.ends("unsharp_mask", "radius_range")],
        "amount": list(reader.ends("unsharp_mask", "percent_range")),
        "threshold": list(reader.ends("unsharp_mask", "threshold_range")),
    }
    reader.remark("unsharp_mask: the threshold leaves small details unsharpened; Dataset Destroyer brightens them")
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


def _odd(value: float) -> int:
    """Round a kernel size to an odd number as Dataset Destroyer does."""
    return min(LARGEST_KERNEL, max(1, int(value) | 1))


def _opencv_sigma(side: int) -> float:
    """Return the std that OpenCV derives from a Gaussian kernel's size."""
    return round(0.3 * ((side - 1) * 0.5 - 1) + 0.8, 4)


def _to_8bit(value: float) -> float:
    return round(min(1.0, value) * 255, 4)
