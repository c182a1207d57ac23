"""Typed access to a network's submodules, which torch only types as `Module`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


class Modules(nn.ModuleList, Generic[M]):
    """A list of modules of one class."""

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[M]: ...


def submodule(network: nn.Module, path: str, kind: type[M]) -> M:
    """Return the submodule at a dotted path, e.g. ``"body.0"``.

    Raises:
        AttributeError: no such submodule.
        TypeError: the submodule is not a `kind`.
    """
    found = network.get_submodule(path)
    if not isinstance(found, kind):
        raise TypeError(f"{type(network).__name__}.{path} is a {type(found).__name__}, expected a {kind.__name__}")
    return found


def bias_of(layer: nn.Conv2d) -> Tensor:
    """Return the bias of a convolution.

    Raises:
        TypeError: the convolution has no bias.
    """
    if layer.bias is None:
        raise TypeError("this convolution has no bias")
    return layer.bias
