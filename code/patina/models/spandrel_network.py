"""Restoration networks of spandrel, built by class name and constructor parameters."""

import inspect
import sys
from functools import cache
from typing import Any, ClassVar, get_args

import torch
from pydantic import ConfigDict, field_validator, model_validator
from torch import Tensor, nn

from patina import torchvision_shim
from patina.errors import PatinaError
from patina.hints import nearest
from patina.models.network_settings import NetworkSettings
from patina.models.networks import RestorationSettings
from patina.settings import PositiveInt, Schema

SCALE_PARAMETERS = ("upscale", "scale", "upscaling_factor", "upscale_factor", "up_scale")
"""Names of the upscaling factor among the parameters of spandrel's networks."""

INNER_SCALES = {"SAFMNBCIE": "upscaling_factor"}
"""Parameters, by network, that are named like the upscaling factor but only shrink and enlarge inside the network."""

CHANNEL_PARAMETERS = ("num_in_ch", "num_out_ch")
"""Parameters for input and output channels of networks without defaults for them."""

TRIAL_SIDE = 16
"""Side in pixels of the image on which a network is compared with its copy from a file; larger if the network needs it.
"""


class SpandrelSettings(NetworkSettings):
    """A network of spandrel, e.g. `SPAN`, `DAT` or `SwinIR`; all other keys are the network's parameters.

    The parameters have spandrel's names and defaults. Those that spandrel cannot infer from a model file must keep
    their defaults. With one channel, e.g. `in_chans: 1` of SwinIR, the network is trained on luma
    and applied to it, and chroma is upscaled by bicubic interpolation.
    """

    model_config = ConfigDict(extra="allow")

    union_tag: ClassVar[str] = "spandrel"

    architecture: str
    """Name of the network's class in spandrel."""

    scale: PositiveInt
    """Upscaling factor."""

    @field_validator("architecture")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in spandrel_networks():
            own = [settings.model_fields["architecture"].default for settings in get_args(RestorationSettings)]
            raise ValueError(f"unknown network {name!r}, {nearest(name, [*own, *spandrel_networks()])}")
        return name

    @model_validator(mode="after")
    def _parameters_are_known(self) -> "SpandrelSettings":
        signature = _parameters(spandrel_networks()[self.architecture])
        for name in self.model_extra or {}:
            if name in _scale_parameters(self.architecture):
                raise ValueError(f"{name} is set; give the upscaling factor as scale")
            if name not in signature:
                raise ValueError(f"unknown parameter {name} of {self.architecture}, {nearest(name, signature)}")
        return self

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Allow no names of Patina's own networks, whose keys are known."""
        own = [settings.model_fields["architecture"].default for settings in get_args(RestorationSettings)]
        other = schema["properties"]["architecture"] | {"not": {"enum": own}}
        return {**schema, "properties": {**schema["properties"], "architecture": other}}

    def build(self) -> nn.Module:
        """Return the network with random weights, after checking that spandrel can read it back from a file."""
        network = self._network()
        with torch.random.fork_rng(devices=[]):
            return self._readable(network)

    def input_sizes(self) -> tuple[int, int]:
        """Return what the sides of an input must be multiples of, and the smallest; both may depend on the size."""
        with torch.random.fork_rng(devices=[]):
            requirements = self._reopened(self._network()).size_requirements
        return int(requirements.multiple_of), int(requirements.minimum)

    def _network(self) -> nn.Module:
        parameters = _parameters(spandrel_networks()[self.architecture])
        scales = _scale_parameters(self.architecture)
        given: dict[str, Any] = {name: _like(parameters.get(name), self.scale) for name in scales}
        given |= dict.fromkeys(CHANNEL_PARAMETERS, 3)
        chosen = {name: value for name, value in given.items() if name in parameters} | (self.model_extra or {})
        try:
            return spandrel_networks()[self.architecture](**chosen)
        except Exception as error:  # wrong parameters can fail in any way
            raise PatinaError(f"{self.architecture}: cannot be built with {_listed(chosen)} ({error!r})") from error

    def _readable(self, network: nn.Module) -> nn.Module:
        """Compare a network with its copy from a file; return it, adapted if spandrel applies it otherwise than to RGB.

        Raises:
            PatinaError: spandrel recognises another network, or the copy gives other results.
        """
        from patina.models.adapted_network import adapted, is_grey

        opened = self._reopened(network)
        channels = 1 if is_grey(opened) else 3
        if (opened.scale, opened.input_channels, opened.output_channels) != (self.scale, channels, channels):
            found = f"scale {opened.scale}, {opened.input_channels} input and {opened.output_channels} output channels"
            raise PatinaError(f"{self._named}: has {found}; expected scale {self.scale}, and 3 channels or 1 (grey)")
        if opened.purpose == "FaceSR":
            raise PatinaError(f"{self._named}: restores aligned faces only, expected a network for any image")
        if opened.size_requirements.square:
            raise PatinaError(f"{self._named}: takes square images only, expected a network for any aspect ratio")
        wrapped = adapted(network.eval(), opened)
        try:
            equal, is_plain = _computes_the_same(wrapped, opened), channels == 3 and _is_plain(network, opened)
        except Exception as error:  # a network for other inputs can fail in any way
            raise PatinaError(f"{self._named}: cannot be applied to images ({error!r})") from error
        if not equal:
            raise PatinaError(
                f"{self._named}: spandrel would read its file as a network with other results; leave parameters that "
                "do not change the shape of a weight at their defaults"
            )
        return (network if is_plain else wrapped).train()

    def _reopened(self, network: nn.Module) -> Any:
        """Return spandrel's descriptor of the network's weights.

        Raises:
            PatinaError: spandrel does not recognise the weights, or recognises another network.
        """
        from patina.models.architectures import READABLE

        try:
            opened = READABLE.load({name: weight.detach().clone() for name, weight in network.state_dict().items()})
        except Exception as error:  # can be of any kind if the weights look like those of another network
            raise PatinaError(f"{self._named}: spandrel cannot read its file ({error!r})") from error
        if type(opened.model) is not type(network):
            raise PatinaError(f"{self._named}: spandrel would read its file as {type(opened.model).__name__}")
        return opened

    @property
    def _named(self) -> str:
        extra = self.model_extra or {}
        return f"{self.architecture} with {_listed(extra)}" if extra else self.architecture


@cache
def spandrel_networks() -> dict[str, type[nn.Module]]:
    """Return the classes of spandrel's networks by name."""
    torchvision_shim.ensure()
    from spandrel import MAIN_REGISTRY

    found: dict[str, type[nn.Module]] = {}
    for support in MAIN_REGISTRY.architectures():
        module = sys.modules[type(support.architecture).__module__]
        members = {name: getattr(module, name) for name in module.__all__}
        found |= {name: member for name, member in members.items() if _is_network(member)}
    return found


def _is_network(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, nn.Module)


def _parameters(network: type[nn.Module]) -> dict[str, Any]:
    """Return the defaults of a network's parameters by name."""
    found = inspect.signature(network.__init__).parameters
    return {name: parameter.default for name, parameter in found.items() if name != "self"}


def _scale_parameters(architecture: str) -> tuple[str, ...]:
    return tuple(name for name in SCALE_PARAMETERS if INNER_SCALES.get(architecture) != name)


def _like(default: Any, scale: int) -> Any:
    """Return the scale in the form of a parameter's default; some networks have a list of scales."""
    return [scale] if isinstance(default, list | tuple) else scale


def _listed(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def _trial(opened: Any) -> Tensor:
    width, height = opened.size_requirements.get_padding(TRIAL_SIDE, TRIAL_SIDE)
    return torch.rand(1, 3, TRIAL_SIDE + height, TRIAL_SIDE + width)


@torch.no_grad()
def _computes_the_same(network: nn.Module, opened: Any) -> bool:
    """Whether an adapted network and spandrel's descriptor of its weights give the same image."""
    from patina.models.adapted_network import for_rgb

    image = _trial(opened)
    result, copy = network(image).clamp(0, 1), for_rgb(opened.eval())(image.clone())
    return result.shape == copy.shape and torch.allclose(result, copy, atol=1e-5)


@torch.no_grad()
def _is_plain(network: nn.Module, opened: Any) -> bool:
    """Whether a network maps RGB images to results without help, and leaves its input as it is."""
    image = _trial(opened)
    given = image.clone()
    try:
        result = network(given)
    except RuntimeError:  # other channels, e.g. a map of noise beside the image
        return False
    if not isinstance(result, Tensor) or not torch.equal(given, image):
        return False
    return torch.allclose(result.clamp(0, 1), opened(image), atol=1e-5)
