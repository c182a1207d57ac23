"""Networks of spandrel that do not simply map RGB to RGB: grey ones, and those with a call of their own."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from patina import torchvision_shim
from patina.layers.subpixel import bicubic_kernel, enlarge

torchvision_shim.ensure()  # spandrel imports torchvision

from spandrel import ImageModelDescriptor  # noqa: E402

Call = Callable[[nn.Module, Tensor], Tensor]
"""Applies a network to images ``[N, C, H, W]``, as spandrel does."""

LUMA = (0.299, 0.587, 0.114)
"""Parts of red, green and blue in the luma of BT.601."""

_ONE_AT_A_TIME = ("DRUNet", "IPT")
"""Networks that spandrel applies to one image, not to a batch: it adds one map of noise, or cuts the image up."""


class AdaptedNetwork(nn.Module):
    """Wraps a network so that it maps RGB to RGB; model files hold the wrapped network alone.

    A grey network gets the luma (BT.601) in [0, 1]. The difference between its result and the luma of the bicubic
    image is added to red, green and blue, so grey images stay grey, and colour images have the bicubic image's chroma.

    Args:
        network: the network.
        call: how spandrel applies it.
        scale: upscaling factor.
        is_grey: whether it has one channel.
    """

    interpolation: Tensor

    def __init__(self, network: nn.Module, call: Call, scale: int, is_grey: bool):
        super().__init__()
        self.network = network
        self.is_grey = is_grey
        self._call = _one_at_a_time(call) if _takes_one_image(network) else call
        self.register_buffer("interpolation", bicubic_kernel(scale), persistent=False)

    def forward(self, rgb: Tensor) -> Tensor:
        """Map RGB ``[N, 3, H, W]`` in [0, 1] to ``[N, 3, scale H, scale W]``, not clipped."""
        if not self.is_grey:
            return self._call(self.network, rgb.clone())  # some networks change their input
        weights = rgb.new_tensor(LUMA).view(3, 1, 1)
        grey = self._call(self.network, (rgb * weights).sum(1, keepdim=True))
        bicubic = enlarge(rgb, self.interpolation).float()
        return bicubic + grey.float() - (bicubic * weights).sum(1, keepdim=True)


def _takes_one_image(network: nn.Module) -> bool:
    return type(network).__name__ in _ONE_AT_A_TIME or getattr(network, "mode", None) == "FDnCNN"


def _one_at_a_time(call: Call) -> Call:
    return lambda network, images: torch.cat([call(network, image) for image in images.split(1)])


def inner(network: nn.Module) -> nn.Module:
    """Return the network whose weights files hold."""
    return network.network if isinstance(network, AdaptedNetwork) else network


def is_grey(opened: ImageModelDescriptor[nn.Module]) -> bool:
    """Whether a network maps one channel to one channel."""
    return opened.input_channels == opened.output_channels == 1


def adapted(network: nn.Module, opened: ImageModelDescriptor[nn.Module]) -> AdaptedNetwork:
    """Return a network as spandrel applies it.

    Args:
        network: the network.
        opened: spandrel's description of it, or of a copy.
    """
    return AdaptedNetwork(network, opened._call_fn, opened.scale, is_grey(opened))


def for_rgb(opened: ImageModelDescriptor[nn.Module]) -> ImageModelDescriptor[nn.Module]:
    """Return the description of a grey network as one of a network for RGB images; others as they are."""
    if not is_grey(opened):
        return opened
    network = adapted(opened.model, opened)
    return ImageModelDescriptor(
        network,
        network.state_dict(),
        architecture=opened.architecture,
        purpose=opened.purpose,
        tags=[*opened.tags, "grey"],
        supports_half=opened.supports_half,
        supports_bfloat16=opened.supports_bfloat16,
        scale=opened.scale,
        input_channels=3,
        output_channels=3,
        size_requirements=opened.size_requirements,
        tiling=opened.tiling,
    )
