"""Dataset Destroyer's `config.ini` as a recipe, and what of it has no counterpart."""

import configparser
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patina.degradations.blur import KERNEL_KINDS
from patina.errors import ConfigError

FILTERS = {
    "nearest": "nearest", "box": "box", "hermite": "hermite", "linear": "linear", "lagrange": "lagrange",
    "cubic_catrom": "catmull_rom", "bicubic": "catmull_rom", "bilinear": "linear", "cubic_mitchell": "mitchell",
    "cubic_bspline": "b_spline", "lanczos": "lanczos", "gauss": "gauss", "hamming": "hamming", "hann": "hann",
}  # fmt: skip
LARGEST_KERNEL = 101
NOT_RECIPES = {
    "main": {"input_folder", "output_folder", "output_format", "print", "textfile", "textfile_path"},
}
"""Settings about files rather than pictures: the command line has them, or the log."""

Block = dict[str, Any]


@dataclass
class Conversion:
    """A recipe's plain values, and one line for everything that is lost or different."""

    values: dict[str, Any]
    remarks: list[str] = field(default_factory=list)


def convert(path: Path) -> Conversion:
    """Read a `config.ini`.

    Raises:
        ConfigError: it cannot be read, or a value in it is none.
    """
    reader = _Reader(path)
    order = reader.names("main", "degradations")
    shuffled = reader.flag("main", "randomize", False)
    scale = _scale(reader) if "scale" in order else 1
    steps = []
    for name in order:
        if name not in _FAMILIES:
            reader.remark(f"degradation {name}: has no counterpart, left out")
            continue
        choices = _FAMILIES[name](reader)
        likelihood = _likelihood(reader, name) if shuffled else 1.0
        if name == "scale" and likelihood < 1:
            reader.remark(f"likelihood.scale = {likelihood:g}: all pictures of a set have one size, made 1")
            likelihood = 1.0
        if choices:
            steps.append(_one_of(choices, likelihood))
    if not steps:
        raise ConfigError(f"{path}: nothing in it has a counterpart, so there is no recipe to write")
    reader.note_unused()
    moved = [{"shuffle": {"steps": steps}}] if shuffled and len(steps) > 1 else steps
    return Conversion({"scale": scale, "steps": moved}, reader.remarks)


def _likelihood(reader: "_Reader", family: str) -> float:
    """Return how likely a family of a shuffled order is; what is not given is certain, and named."""
    if not reader.has("likelihood", family):
        reader.remark(f"likelihood.{family}: not given, made 1")
    return reader.number("likelihood", family, 1.0)


def _one_of(choices: list[Block], likelihood: float) -> Block:
    """Return one block for a family: its single kind, or a choice."""
    certain = {} if likelihood == 1 else {"probability": likelihood}
    if len(choices) == 1:
        [(name, settings)] = choices[0].items()
        return {name: {**settings, **certain}}
    return {"one_of": {**certain, "choices": choices}}


class _Reader:
    """Typed values of an ini file; it remembers what was asked for."""

    def __init__(self, path: Path):
        self.path = path
        self.remarks: list[str] = []
        self._asked: set[tuple[str, str]] = set()
        self._ini = configparser.ConfigParser(interpolation=None)
        try:
            with path.open(encoding="utf-8-sig") as stream:
                self._ini.read_file(stream)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}); expected a config.ini") from None
        except configparser.MissingSectionHeaderError:
            raise ConfigError(
                f"{path}: has no [section] at its start; expected Dataset Destroyer's config.ini (the HCL files of "
                "wtp_dataset_destroyer are of another form, which is not read)"
            ) from None
        except (configparser.Error, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: is no config.ini: {' '.join(str(error).split())}") from None

    def remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def has(self, section: str, key: str) -> bool:
        return self._ini.has_option(section, key)

    def text(self, section: str, key: str, default: str | None = None) -> str:
        self._asked.add((section, key))
        value = self._ini.get(section, key, fallback=default)
        if value is None:
            raise ConfigError(f"{self.path}: {section}.{key} is missing, expected a value")
        return value.strip()

    def names(self, section: str, key: str) -> list[str]:
        return [name.strip() for name in self.text(section, key).split(",") if name.strip()]

    def number(self, section: str, key: str, default: float) -> float:
        return self._parsed(section, key, str(default), float, "a number")

    def flag(self, section: str, key: str, default: bool) -> bool:
        return self._parsed(section, key, str(default), _boolean, "True or False")

    def ends(self, section: str, key: str, factor: float = 1.0) -> tuple[float, float]:
        """Return a range times `factor`, low end first."""
        low, high = self._parsed(section, key, None, _pair, "two numbers with a comma")
        return min(low, high) * factor, max(low, high) * factor

    def kinds(self, section: str) -> list[str]:
        """Return the algorithms of a family; the first alone where none is drawn."""
        found = self.names(section, "algorithms")
        return found if self.flag(section, "randomize", True) else found[:1]

    def note_unused(self) -> None:
        """Remark on every setting that nothing asked for."""
        for section in self._ini.sections():
            for key in self._ini[section]:
                known = (section, key) in self._asked or key in NOT_RECIPES.get(section, ())
                if not known and section != "likelihood":
                    self.remark(f"{section}.{key}: not used")

    def _parsed(self, section: str, key: str, default: str | None, parse: Callable[[str], Any], what: str) -> Any:
        text = self.text(section, key, default)
        try:
            return parse(text)
        except ValueError:
            raise ConfigError(f"{self.path}: {section}.{key} is {text!r}, expected {what}") from None


def _boolean(text: str) -> bool:
    if text.lower() not in configparser.ConfigParser.BOOLEAN_STATES:
        raise ValueError(text)
    return configparser.ConfigParser.BOOLEAN_STATES[text.lower()]


def _pair(text: str) -> tuple[float, float]:
    low, high = (float(part) for part in text.split(","))
    return low, high


def _blur(reader: _Reader) -> list[Block]:
    ends = reader.ends("blur", "range", reader.number("blur", "scale_factor", 1.0))
    size = [_odd(ends[0]), _odd(ends[1])]
    found: list[Block] = []
    for kind in reader.kinds("blur"):
        if kind == "average":
            found.append({"box_blur": {"size": size}})
        elif kind == "gaussian":
            # OpenCV's deviation for a kernel whose size alone is given.
            sigma = [round(0.3 * ((side - 1) * 0.5 - 1) + 0.8, 4) for side in size]
            sides = [max(3, side) for side in size]
            found.append({"gaussian_blur": {"kind": "isotropic", "size": sides[1], "sigma": sigma}})
            reader.remark("blur gaussian: the deviation is drawn instead of the kernel's size")
        elif kind in KERNEL_KINDS:
            sigma = [max(0.01, end) for end in ends]
            side = min(LARGEST_KERNEL, _odd(8 * sigma[1]) + 2)
            found.append({"gaussian_blur": {"kind": kind, "size": side, "sigma": sigma}})
        else:
            reader.remark(f"blur {kind}: has no counterpart, left out")
    return found


def _noise(reader: _Reader) -> list[Block]:
    low, high = reader.ends("noise", "range", reader.number("noise", "scale_factor", 1.0))
    deviation = [_of_255(low), _of_255(high)]
    found: list[Block] = []
    for kind in reader.kinds("noise"):
        if kind == "gaussian":
            found.append({"gaussian_noise": {"sigma": [_of_255(math.sqrt(end)) for end in (low, high)]}})
        elif kind in ("color", "gray"):
            found.append({"gaussian_noise": {"sigma": deviation, "gray": float(kind == "gray")}})
        elif kind == "salt-and-pepper":
            ends = reader.ends("noise", "sp_range", reader.number("noise", "sp_scale_factor", 1.0))
            # 3 values a pixel, a quarter of them black and half of them white.
            found.append({"salt_and_pepper": {"share": [round(min(1.0, 2.25 * end), 4) for end in ends]}})
            reader.remark("noise salt-and-pepper: as much salt as pepper, instead of twice as much")
        else:
            reader.remark(f"noise {kind}: has no counterpart, left out")
    if "color" in reader.kinds("noise"):
        reader.remark("noise color: one deviation for the three channels, instead of one each")
    return found


def _compression(reader: _Reader) -> list[Block]:
    found: list[Block] = []
    for kind in reader.kinds("compression"):
        if kind in ("jpeg", "webp"):
            low, high = reader.ends("compression", f"{kind}_quality_range")
            found.append({kind: {"quality": [max(1, int(low)), min(100, int(high))]}})
        else:
            reader.remark(f"compression {kind}: has no counterpart, left out")
    return found


def _scaling(reader: _Reader) -> list[Block]:
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
    reader.remark("scale: Dataset Destroyer resizes in linear light, recipes resize the values as they are")
    return found if len(found) > 1 else [choice["steps"] for choice in found]


def _filters(reader: _Reader, names: Iterable[str], where: str) -> list[str]:
    for name in (unknown := [name for name in names if name not in FILTERS]):
        reader.remark(f"{where} {name}: has no counterpart, left out")
    return list(dict.fromkeys(FILTERS[name] for name in names if name not in unknown))


def _scale(reader: _Reader) -> int:
    factor = reader.number("scale", "size_factor", 0.25)
    scale = round(1 / factor) if factor > 0 else 0
    if scale < 1 or not math.isclose(scale * factor, 1, rel_tol=1e-3):
        raise ConfigError(f"{reader.path}: scale.size_factor is {factor:g}, expected 1 over a whole number, e.g. 0.25")
    return scale


def _quantisation(reader: _Reader) -> list[Block]:
    low, high = reader.ends("quantization", "range")
    known = [kind for kind in reader.kinds("quantization") if kind == "floyd_steinberg"]
    for kind in reader.kinds("quantization"):
        if kind not in known:
            reader.remark(f"quantization {kind}: has no counterpart, left out")
    levels = [max(2, int(low)), min(256, int(high))]
    return [{"quantise": {"levels": levels, "dither": "floyd_steinberg"}}] if known else []


def _unsharp_mask(reader: _Reader) -> list[Block]:
    settings = {
        "sigma": [max(0.05, end) for end in reader.ends("unsharp_mask", "radius_range")],
        "amount": list(reader.ends("unsharp_mask", "percent_range")),
        "threshold": list(reader.ends("unsharp_mask", "threshold_range")),
    }
    reader.remark("unsharp_mask: its threshold makes the picture brighter there, here it leaves small details alone")
    return [{"unsharp_mask": settings}]


_FAMILIES: dict[str, Callable[[_Reader], list[Block]]] = {
    "blur": _blur,
    "noise": _noise,
    "compression": _compression,
    "scale": _scaling,
    "quantization": _quantisation,
    "unsharp_mask": _unsharp_mask,
}


def _odd(value: float) -> int:
    """Return the odd number that Dataset Destroyer makes of a size."""
    return min(LARGEST_KERNEL, max(1, int(value) | 1))


def _of_255(value: float) -> float:
    return round(min(1.0, value) * 255, 4)
