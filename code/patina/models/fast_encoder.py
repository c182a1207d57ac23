"""DeFlow's condition encoder for translation: convolutions fused with their activations, residual sums in float32."""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from patina.layers.fused import SAME, Activation, conv
from patina.layers.rrdb import RESIDUAL_SCALE, RRDB, SLOPE, DenseBlock
from patina.layers.submodules import bias_of, submodule
from patina.models.condition_encoder import ConditionEncoder


class FastEncoder:
    """Computes `ConditionEncoder.features` without gradients.

    Convolutions run in `dtype`, residual sums in float32: summing over 70 dense blocks in bf16 would cost accuracy.

    Args:
        encoder: the plain network; its weights are copied.
        dtype: ``torch.float32`` or ``torch.bfloat16``.
    """

    def __init__(self, encoder: ConditionEncoder, dtype: torch.dtype):
        self.dtype = dtype
        self.levels, self.doublings = encoder.levels, encoder.doublings
        self.stacked_blocks = encoder.stacked_blocks
        self._first = _Convolution(encoder.conv_first, dtype)
        self._blocks = [_blocks_of(block, dtype) for block in encoder.blocks]
        self._trunk = _Convolution(encoder.trunk_conv, dtype)
        self._up = [
            _Convolution(submodule(encoder, f"upconv{index}", nn.Conv2d), dtype) for index in range(1, self.doublings)
        ]

    def features(self, condition: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return every level's own features and the blocks' outputs, in `dtype`, channels last."""
        x = self._first(self._cast(condition)).float()
        stacked = {}
        for index, dense_blocks in enumerate(self._blocks):
            inner = x
            for dense_block in dense_blocks:
                inner = dense_block(inner)
            x = torch.add(x, inner, alpha=RESIDUAL_SCALE)
            if index in self.stacked_blocks:
                stacked[index] = self._cast(x)
        stack = torch.cat([stacked[index] for index in self.stacked_blocks], dim=1)
        return self._by_level(x + self._trunk(self._cast(x))), stack

    def _by_level(self, trunk: Tensor) -> list[Tensor]:
        finer = [self._cast(trunk)]
        for up in self._up:
            finer.append(up(interpolate(finer[-1], scale_factor=2.0), "leaky_relu"))
        coarser = [trunk]
        for _ in range(self.doublings, self.levels):
            coarser.append(avg_pool2d(coarser[-1], 2))
        return (finer[::-1] + [self._cast(features) for features in coarser[1:]])[: self.levels]

    def _cast(self, x: Tensor) -> Tensor:
        return x.to(self.dtype, memory_format=torch.channels_last)


class _Convolution:
    """A 3×3 convolution with its weights converted once to the dtype and memory layout they are used in."""

    def __init__(self, layer: nn.Conv2d, dtype: torch.dtype):
        self.weight = layer.weight.detach().to(dtype, copy=True, memory_format=torch.channels_last)
        self.bias = bias_of(layer).detach().to(dtype, copy=True)

    def __call__(self, x: Tensor, activation: Activation = "none") -> Tensor:
        return conv(x, self.weight, self.bias, SAME, activation, SLOPE)


class _Dense:
    """A `DenseBlock`; maps ``[N, C, h, w]`` float32 to the same shape."""

    def __init__(self, block: DenseBlock, dtype: torch.dtype):
        self.dtype = dtype
        self.growing = [_Convolution(submodule(block, f"conv{index}", nn.Conv2d), dtype) for index in range(1, 5)]
        self.last = _Convolution(block.conv5, dtype)

    def __call__(self, x: Tensor) -> Tensor:
        seen = x.to(self.dtype)
        for convolution in self.growing:
            seen = torch.cat([seen, convolution(seen, "leaky_relu")], dim=1)
        return torch.add(x, self.last(seen), alpha=RESIDUAL_SCALE)


def _blocks_of(block: RRDB, dtype: torch.dtype) -> list[_Dense]:
    return [_Dense(dense, dtype) for dense in (block.dense1, block.dense2, block.dense3)]
