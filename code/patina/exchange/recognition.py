"""Which tool wrote a configuration, and its conversion to a recipe, to a configuration of training, or both."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patina.errors import ConfigError
from patina.exchange.chainner import convert_chain_file
from patina.exchange.conversion import Conversion, Remarks
from patina.exchange.dataset_destroyer import convert_ini
from patina.exchange.hcl_values import read_hcl_lines
from patina.exchange.lined_values import (
    Syntax,
    read_json_lines,
    read_text,
    read_toml_lines,
    read_yaml_lines,
)
from patina.exchange.pepedd import convert_pepedd
from patina.exchange.second_order import Tool
from patina.exchange.second_order_options import convert_second_order
from patina.exchange.sections import Section
from patina.exchange.training_options import convert_training, is_training
from patina.exchange.wtp_destroyer import convert_wtp

EXPECTED = (
    "a configuration of Dataset Destroyer (.ini), wtp_dataset_destroyer (.hcl, .json), PepeDD (.json, .hcl, .toml, "
    ".yml), Real-ESRGAN, neosr or traiNNer-redux (.yml, .toml), or a chain of chaiNNer (.chn)"
)

_JSON, _YAML = Syntax("JSON", read_json_lines), Syntax("YAML", read_yaml_lines)
_SYNTAXES = {
    ".json": _JSON, ".chn": _JSON, ".yml": _YAML, ".yaml": _YAML, ".toml": Syntax("TOML", read_toml_lines),
    ".hcl": Syntax("HCL", read_hcl_lines),
}  # fmt: skip

_OF_REDUX = {
    "high_order_degradation",
    "jpeg_prob",
    "jpeg_prob2",
    "blur_prob",
    "blur_prob2",
    "resize_mode_list",
    "lq_usm",
}
_OF_SECOND_ORDER = {"resize_prob", "resize_range", "noise_range", "jpeg_range"}


@dataclass(frozen=True)
class ForeignConfig:
    """What another tool's configuration becomes; at least one of the two.

    Attributes:
        recipe: its degradation.
        training: makes the configuration of its training, given the path of the recipe as the configuration names it;
            without one, the options name a folder of LQ images.
    """

    recipe: Conversion | None
    training: Callable[[str | None], Conversion] | None = None


def read_foreign(path: Path) -> ForeignConfig:
    """Read another tool's configuration.

    Args:
        path: the file; its syntax is that of its suffix, its tool is recognised by its keys.

    Raises:
        ConfigError: it cannot be read, no tool is recognised, or a value is invalid.
    """
    suffix = path.suffix.lower()
    if suffix == ".ini":
        return ForeignConfig(convert_ini(path))
    text = read_text(path)
    if suffix not in _SYNTAXES:
        raise ConfigError(
            f"{path}: no supported tool writes files with the suffix {suffix or '(none)'}; expected {EXPECTED}"
        )
    remarks = Remarks()
    node = _SYNTAXES[suffix].read(text, path)
    root = Section(node, path, remarks)
    if "content" in root:
        return ForeignConfig(convert_chain_file(node, root, remarks))
    if "degradation" in root or "process" in root:
        return ForeignConfig(convert_pepedd(root) if _has_options(root) else convert_wtp(root))
    tool, trained = second_order_tool(root), is_training(root)
    if tool or trained:
        recipe = convert_second_order(root, tool, training=trained) if tool else None
        training = (lambda lq: convert_training(Section(node, path, Remarks()), lq)) if trained else None
        return ForeignConfig(recipe, training)
    if "steps" in root or "variants" in root:
        raise ConfigError(f"{path}: is a recipe already; -to writes it as another tool's options")
    raise ConfigError(f"{path}: no supported tool has these keys ({_first_keys(root)}); expected {EXPECTED}")


def second_order_tool(root: Section) -> Tool | None:
    """Return which of the three tools wrote options with a second-order degradation; None if there is none."""
    inside = root.section("degradations")
    if inside is not None and _OF_SECOND_ORDER & set(inside):
        return "neosr"
    if _OF_REDUX & set(root):
        return "trainner-redux"
    if not _OF_SECOND_ORDER & set(root):
        return None
    return "neosr" if root.value("model_type") in ("otf", "default", "image") else "realesrgan"


def _has_options(root: Section) -> bool:
    """Return whether degradations have their settings under `options`, as PepeDD's have."""
    return any("options" in degradation for degradation in root.sections("degradation"))


def _first_keys(root: Section) -> str:
    keys = list(root)
    return f"{', '.join(keys[:5])}{', …' if len(keys) > 5 else ''}" if keys else "none at all"
