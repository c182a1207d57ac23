"""The network of a restoration configuration, selected by `architecture`: Patina's own, or any that spandrel knows."""

from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import Discriminator, Tag
from torch import nn

from patina.models.network_settings import NetworkSettings
from patina.models.networks import RestorationSettings
from patina.models.spandrel_network import SpandrelSettings
from patina.system.telling import warn

NETWORKS = {settings.model_fields["architecture"].default: settings for settings in get_args(RestorationSettings)}
"""Settings classes of Patina's restoration networks by `architecture`."""

DEFAULT_NETWORK = "rrdbnet"


def _tag(values: Any) -> str:
    """Return the tag of the settings class; all networks of spandrel share one tag."""
    if isinstance(values, dict):
        name = values.get("architecture", DEFAULT_NETWORK)
    else:
        name = getattr(values, "architecture", None)
    return name if isinstance(name, str) and name in NETWORKS else SpandrelSettings.union_tag


if TYPE_CHECKING:
    GeneratorSettings = NetworkSettings
else:
    _tagged = {**NETWORKS, SpandrelSettings.union_tag: SpandrelSettings}
    GeneratorSettings = Annotated[
        reduce(or_, (Annotated[settings, Tag(tag)] for tag, settings in _tagged.items())),
        Discriminator(_tag),
    ]


def load_start(network: nn.Module, start: Path, strict: bool = True) -> None:
    """Load the weights of `start`; unless `strict`, weights that do not fit are skipped and listed on stderr."""
    from patina.models.generator_files import load_generator_weights

    skipped = load_generator_weights(network, start, strict)
    for line in [f"{start}: skipped {len(skipped)} weights that do not fit:", *skipped] if skipped else []:
        warn(line)
