"""The network of a restoration configuration: one of Patina's settings by `architecture`, or any of spandrel's."""

import sys
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import Discriminator, Tag
from torch import nn

from patina.models.network_settings import NetworkSettings
from patina.models.networks import RestorationSettings
from patina.models.spandrel_network import SpandrelSettings

NETWORKS = {settings.model_fields["architecture"].default: settings for settings in get_args(RestorationSettings)}
"""Patina's settings of restoration networks by `architecture`."""

DEFAULT_NETWORK = "rrdbnet"


def _tag(values: Any) -> str:
    """Return the tag of the settings' class; networks that only spandrel knows by name share one."""
    if isinstance(values, dict):
        name = values.get("architecture", DEFAULT_NETWORK)
    else:
        name = getattr(values, "architecture", None)
    return name if name in NETWORKS else SpandrelSettings.union_tag


if TYPE_CHECKING:
    GeneratorSettings = NetworkSettings
else:
    _tagged = {**NETWORKS, SpandrelSettings.union_tag: SpandrelSettings}
    GeneratorSettings = Annotated[
        reduce(or_, (Annotated[settings, Tag(tag)] for tag, settings in _tagged.items())),
        Discriminator(_tag),
    ]


def load_start(network: nn.Module, start: Path, strict: bool = True) -> None:
    """Load the weights of the file `start`; where not `strict`, weights that do not fit are listed on stderr."""
    from patina.models.generator_files import load_generator_weights

    left_out = load_generator_weights(network, start, strict)
    for line in [f"{start}: {len(left_out)} weights do not fit and are left out:", *left_out] if left_out else []:
        print(line, file=sys.stderr)
