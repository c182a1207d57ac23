"""Published state dicts of DeFlow, renamed to the parameter names of this project."""

import re
from collections.abc import Mapping

from torch import Tensor

UNUSED = re.compile(r"(.*\.)?I$|flowUpsamplerNet\.f\.|.*\.fea_")
"""Unused weights of the published network: identity matrices and a head."""

RENAMINGS = [
    (r"^RRDB\.RRDB_trunk\.(\d+)\.RDB(\d)\.", r"encoder.blocks.\1.dense\2."),
    (r"^RRDB\.", "encoder."),
    (r"^flowUpsamplerNet\.layers\.", "layers."),
    (r"^(layers\.\d+)\.actnorm\.", r"\1.members.0."),
    (r"^(layers\.\d+)\.invconv\.", r"\1.members.1."),
    (r"^(layers\.\d+)\.affine\.fAffine\.", r"\1.members.2.by_half.net."),
    (r"^(layers\.\d+)\.affine\.fFeatures\.", r"\1.members.2.by_condition.net."),
    (r"^(layers\.\d+)\.(mean_shift|cov_shift)$", r"\1.prior.\2"),
    (r"^(mean_shift|cov_shift)$", r"prior.\1"),
]


def is_published_deflow(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict has the published network's parameter names."""
    return any("flowUpsamplerNet." in key for key in state)


def from_published_deflow(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a published state dict, with or without the prefix ``module.``, under `DeFlow`'s names."""
    renamed = {}
    for key, value in state.items():
        name = key.removeprefix("module.")
        if UNUSED.match(name):
            continue
        renamed[rename(name)] = value
    return renamed


def rename(name: str) -> str:
    """Return `DeFlow`'s name for one published parameter name."""
    for pattern, replacement in RENAMINGS:
        name = re.sub(pattern, replacement, name)
    return name


def encoder_from_rrdbnet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of a PSNR-trained RRDB network under `ConditionEncoder`'s names.

    The published encoder was such a network (``RRDB_trunk.{i}.RDB{j}.conv{k}``, with or without the prefix ``RRDB.``).
    """
    prefixed = {key if key.startswith("RRDB.") else f"RRDB.{key}": value for key, value in state.items()}
    return {rename(key).removeprefix("encoder."): value for key, value in prefixed.items()}
