"""GAN discriminators, which classify images as real or restored."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from patina.errors import PatinaError

_SMALLEST = 32
_FINAL_SIDE = 4
_HIDDEN = 100
_SLOPE = 0.2


class VGGDiscriminator(nn.Module):
    """ESRGAN's discriminator, similar to VGG: one logit for a patch of a fixed size.

    Every stage is a 3x3 convolution and a 4x4 convolution of stride 2. Stages are added until the side is 4 to 7; a
    patch of 128 gives the published network of 5 stages.

    Args:
        patch: side of the square patches in pixels, at least 32.
        features: channels of the first stage; each of the next three stages doubles them.

    Raises:
        PatinaError: the patch is smaller.
    """

    def __init__(self, patch: int = 128, features: int = 64) -> None:
        super().__init__()
        if patch < _SMALLEST:
            raise PatinaError(f"patch is {patch}, expected at least {_SMALLEST} pixels for the discriminator vgg")
        self.patch = patch
        count = (patch // _FINAL_SIDE).bit_length() - 1
        widths = [features * 2 ** min(index, 3) for index in range(count)]
        inputs = [3, *widths[:-1]]
        self.stages = nn.Sequential(*map(_stage, inputs, widths, [index > 0 for index in range(count)]))
        side = patch >> count
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[-1] * side * side, _HIDDEN),
            nn.LeakyReLU(_SLOPE, inplace=True),
            nn.Linear(_HIDDEN, 1),
        )

    def forward(self, rgb: Tensor) -> Tensor:
        """Return a logit per patch, high for a real photograph.

        Args:
            rgb: ``[N, 3, patch, patch]`` in [0, 1].

        Returns:
            Logits ``[N, 1]``.

        Raises:
            ValueError: the patches have another size.
        """
        if rgb.shape[-2:] != (self.patch, self.patch):
            raise ValueError(f"the discriminator was built for {self.patch}x{self.patch}, not {tuple(rgb.shape)}")
        return self.head(self.stages(rgb))


def _stage(inputs: int, outputs: int, normalise: bool) -> nn.Sequential:
    """Build a stage; the network's first convolution has a bias instead of a norm."""
    first: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, 1, 1, bias=not normalise)]
    if normalise:
        first.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(
        *first,
        nn.LeakyReLU(_SLOPE, inplace=True),
        nn.Conv2d(outputs, outputs, 4, 2, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )


class UNetDiscriminator(nn.Module):
    """Real-ESRGAN's discriminator: a U-Net with spectral normalisation that gives a logit per pixel.

    The encoder has three 4x4 convolutions of stride 2, the decoder three bilinear upscalings followed by 3x3
    convolutions. Every convolution is divided by its largest singular value (Miyato et al. 2018).

    Args:
        features: channels at full resolution; 2, 4 and 8 times as many at the lower ones.
        skip: whether the decoder adds the encoder's features of the same resolution.
    """

    multiple = 8
    """The sides of a patch must be multiples of this."""

    def __init__(self, features: int = 64, skip: bool = True) -> None:
        super().__init__()
        self.skip = skip
        widths = [features, 2 * features, 4 * features, 8 * features]
        self.first = nn.Conv2d(3, features, 3, padding=1)
        self.down = nn.ModuleList(
            spectral_norm(nn.Conv2d(few, many, 4, 2, 1, bias=False)) for few, many in pairwise(widths)
        )
        self.up = nn.ModuleList(
            spectral_norm(nn.Conv2d(many, few, 3, padding=1, bias=False))
            for few, many in reversed(list(pairwise(widths)))
        )
        self.tail = nn.ModuleList(spectral_norm(nn.Conv2d(features, features, 3, padding=1, bias=False)) for _ in "12")
        self.last = nn.Conv2d(features, 1, 3, padding=1)

    def forward(self, rgb: Tensor) -> Tensor:
        """Return a logit per pixel, high for a real photograph.

        Args:
            rgb: ``[N, 3, H, W]`` in [0, 1], sides multiples of 8.

        Returns:
            Logits ``[N, 1, H, W]``.
        """
        levels = [_lrelu(self.first(rgb))]
        for convolution in self.down:
            levels.append(_lrelu(convolution(levels[-1])))
        x = levels.pop()
        for convolution in self.up:
            x = _lrelu(convolution(functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)))
            x = x + levels.pop() if self.skip else x
        for convolution in self.tail:
            x = _lrelu(convolution(x))
        return self.last(x)


def _lrelu(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, _SLOPE)
