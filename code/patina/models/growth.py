"""The growth of ESRGAN's dense blocks: files have 32, and smaller networks are padded to it with zeros.

Readers of ESRGAN files expect a growth of 32. A network with a smaller growth equals one with a growth of 32 whose
additional channels are zero, and is written as such.
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from patina.layers.submodules import bias_of, submodule

PUBLISHED_GROWTH = 32
"""Growth of the dense blocks in all published files."""


def growth_of(network: nn.Module) -> int:
    """Return the growth of spandrel's RRDBNet."""
    return submodule(network, "model.1.sub.0.RDB1.conv1.0", nn.Conv2d).out_channels


def set_growth(network: nn.Module, growth: int) -> None:
    """Replace the blocks of spandrel's RRDBNet, whose constructor does not take a growth."""
    trunk = submodule(network, "model.1.sub", nn.Sequential)
    for index, block in enumerate(dense_blocks(network)):
        trunk[index] = type(block)(_features(network), gc=growth)


def widened(narrow: nn.Module) -> nn.Module:
    """Return an equivalent copy with the published growth; the added channels are zero."""
    wide = _with_growth(narrow, PUBLISHED_GROWTH)
    for source, target in zip(_steps(narrow), _steps(wide), strict=True):
        rows, inputs = _grown_channels(source, _features(narrow), growth_of(narrow))
        weight, bias = torch.zeros(target.weight.shape), torch.zeros(bias_of(target).shape)
        weight[:rows, inputs], bias[:rows] = source.weight.detach().cpu(), bias_of(source).detach().cpu()
        target.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return wide


def without_padding(network: nn.Module, growth: int) -> nn.Module:
    """Return the network with a smaller growth if it was padded from that growth, else the network itself."""
    if growth >= growth_of(network):
        return network
    narrow = _narrowed(network, growth)
    padded, state = widened(narrow).state_dict(), network.state_dict()
    return narrow if all(torch.equal(padded[name], state[name]) for name in state) else network


def _narrowed(wide: nn.Module, growth: int) -> nn.Module:
    """Undo `widened`: drop the channels beyond the smaller growth."""
    narrow = _with_growth(wide, growth)
    for source, target in zip(_steps(wide), _steps(narrow), strict=True):
        rows, inputs = _grown_channels(target, _features(narrow), growth)
        weight, bias = source.weight.detach()[:rows, inputs].clone(), bias_of(source).detach()[:rows].clone()
        target.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return narrow


def _features(network: nn.Module) -> int:
    return submodule(network, "model.0", nn.Conv2d).out_channels


def dense_blocks(network: nn.Module) -> list[nn.Module]:
    """Return the residual-in-residual dense blocks of spandrel's RRDBNet."""
    return list(submodule(network, "model.1.sub", nn.Sequential))[:-1]


def _with_growth(network: nn.Module, growth: int) -> nn.Module:
    """Return a copy with dense blocks of another growth and uninitialised weights."""
    other = copy.deepcopy(network)
    with torch.device("meta"):  # fresh weights would draw from the random numbers of a running training
        set_growth(other, growth)
    return other


def _steps(network: nn.Module) -> Iterator[nn.Conv2d]:
    """Yield the convolutions of all dense blocks in order."""
    for block in dense_blocks(network):
        yield from (layer for layer in block.modules() if isinstance(layer, nn.Conv2d))


def _grown_channels(step: nn.Conv2d, features: int, growth: int) -> tuple[int, Tensor]:
    """Return a convolution's number of outputs, and the indices of its inputs among those of the published growth.

    A convolution reads the dense block's input and the groups of channels added by the convolutions before it.
    """
    groups = range((step.in_channels - features) // growth)
    starts = [features + group * PUBLISHED_GROWTH for group in groups]
    inputs = [torch.arange(features), *(torch.arange(start, start + growth) for start in starts)]
    return step.out_channels, torch.cat(inputs)
