"""DeFlow's condition encoder: an RRDB network on h(image) that computes the condition of every level of the flow."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from patina.layers.rrdb import RRDB, conv3x3, leaky_relu
from patina.layers.submodules import Modules


class ConditionEncoder(nn.Module):
    """Features of the condition at the resolution of every level.

    Level l of the flow has 1/2^l of the image's resolution, the condition 1/scale. Its features reach finer levels by
    nearest ×2 and a convolution, coarser ones by averaging 2×2. The outputs of a few blocks are appended to every
    level's features by nearest interpolation. The finest upconvolution, `HRconv` and `conv_last` contribute to no
    condition; they belong to the PSNR-trained network that the encoder starts from.

    Args:
        scale: ratio of image size to condition size, a power of two.
        features, blocks, growth: size of the RRDB trunk.
        stacked_blocks: indices of the blocks whose outputs are appended.
        levels: levels of the flow.
    """

    def __init__(self, scale: int, features: int, blocks: int, growth: int, stacked_blocks: Sequence[int], levels: int):
        super().__init__()
        self.doublings = int(math.log2(scale))
        self.levels = levels
        self.stacked_blocks = tuple(stacked_blocks)
        self.conv_first = conv3x3(3, features)
        self.blocks: Modules[RRDB] = Modules(RRDB(features, growth) for _ in range(blocks))
        self.trunk_conv = conv3x3(features, features)
        for index in range(1, self.doublings + 1):
            self.add_module(f"upconv{index}", conv3x3(features, features))
        self.HRconv = conv3x3(features, features)
        self.conv_last = conv3x3(features, 3)

    @property
    def channels(self) -> int:
        """Channels of every condition."""
        return self.trunk_conv.out_channels * (1 + len(self.stacked_blocks))

    def forward(self, condition: Tensor) -> list[Tensor]:
        """Encode ``[N, 3, h, w]``, normalised RGB in [0, 1] plus noise.

        Returns:
            The conditions of levels l = 1, 2, …, ``[N, channels, H/2^l, W/2^l]`` for an image of ``H = scale·h``.
            If 2^levels is larger than scale, h and w must be multiples of their ratio.
        """
        features, stack = self.features(condition)
        return [torch.cat([feature, interpolate(stack, size=feature.shape[-2:])], dim=1) for feature in features]

    def features(
        self, condition: Tensor, run: Callable[[nn.Module, Tensor], Tensor] = lambda block, x: block(x)
    ) -> tuple[list[Tensor], Tensor]:
        """Return the two parts of all conditions: every level's own features, and the blocks' outputs ``[N, C, h, w]``.

        A condition is the level's own features followed by the blocks' outputs, interpolated to their size (nearest).

        Args:
            condition: as in `forward`.
            run: applies a block; a checkpoint saves memory.
        """
        trunk, stack = self._trunk(condition, run)
        return self._by_level(trunk), stack

    def _trunk(self, condition: Tensor, run: Callable[[nn.Module, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        x = self.conv_first(condition)
        outputs = []
        for block in self.blocks:
            x = run(block, x)
            outputs.append(x)
        return x + self.trunk_conv(x), torch.cat([outputs[index] for index in self.stacked_blocks], dim=1)

    def _up(self, feature: Tensor, index: int) -> Tensor:
        return leaky_relu(self.get_submodule(f"upconv{index}")(interpolate(feature, scale_factor=2.0)))

    def _by_level(self, trunk: Tensor) -> list[Tensor]:
        """Return the features of levels 1, 2, …: finer ones than the trunk upconvolved, coarser ones averaged."""
        finer = [trunk]
        for index in range(1, self.doublings):
            finer.append(self._up(finer[-1], index))
        coarser = [trunk]
        for _ in range(self.doublings, self.levels):
            coarser.append(avg_pool2d(coarser[-1], 2))
        return (finer[::-1] + coarser[1:])[: self.levels]
