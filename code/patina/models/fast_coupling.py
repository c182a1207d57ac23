"""A step of DeFlow's flow optimised for translation: an affine map of the channels and a conditional coupling.

A coupling's first convolution is split into its parts of z and of the condition (`patina.layers.conditional`). The part
of the condition is the same for encoding and decoding, and most of it is computed at the condition's own resolution.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from patina.layers.conditional import Condition, Weights
from patina.layers.coupling import ConditionalCoupling, ShiftAndScale
from patina.layers.folding import Affine, inverted
from patina.layers.fused import conv, conv_onto
from patina.layers.nearest import phases_of, upscaled
from patina.layers.row_blocks import RowBlock, Stream, convolved, gathered, recorded, streamed

Work = tuple[str, int, int]
"""A result that depends only on the condition: its name, level and step."""

Offer = tuple[Work, int, int]
"""Work that can be kept, the operations this saves and its size in bytes, both per position."""

ShiftScale = tuple[Tensor, Tensor]
"""Shift and scale of an affine coupling, ``[N, C, H, W]`` float32."""


class SharedWork:
    """Results on one image's condition that encoding and decoding share.

    Args:
        kept: results to keep from encoding to decoding; others are computed twice.
    """

    def __init__(self, kept: set[Work]):
        self._kept = kept
        self._results: dict[Work, Tensor] = {}

    def __call__(self, work: Work, compute: Callable[[], Tensor]) -> Tensor:
        """Return the result of `compute`, kept or new; every result is used twice."""
        if work in self._results:
            return self._results.pop(work)
        result = compute()
        if work in self._kept:
            self._results[work] = result
        return result

    def stream(self, work: Work, computed: Stream, height: int, row_bytes: int) -> Stream:
        """Return a result, kept or `computed`, as row blocks that may be overwritten; `row_bytes` as in `streamed`."""
        if work in self._results:
            return streamed(self._results.pop(work), row_bytes)
        if work in self._kept:
            return recorded(computed, height, partial(self._results.__setitem__, work))
        return computed


class PaddedCondition:
    """A level's condition, padded for reading it in row blocks.

    Attributes:
        features, stack, factor: as in `Condition`.
    """

    def __init__(self, whole: Condition):
        self.stack, self.factor = whole.stack, whole.factor
        self._padded = pad(whole.features, (0, 0, 1, 1))
        self.features = self._padded[:, :, 1:-1]

    def around(self, block: RowBlock) -> Tensor:
        """Return the features' rows of a block with one more row above and below, zeros outside the map."""
        return self._padded[:, :, block.top : block.bottom + 2]

    def row_bytes(self, channels: int) -> int:
        """Return the size in bytes of a row of a map with `channels` channels at the same resolution."""
        return self.features[:, 0, 0].numel() * self.features.element_size() * channels


class FastShiftAndScale:
    """One of a coupling's two networks, its first convolution split into the parts of z and of the condition.

    Args:
        plain: the network.
        z_channels, feature_channels: as in `Weights.of`.
        dtype: dtype of the convolutions.
    """

    def __init__(self, plain: ShiftAndScale, z_channels: int, feature_channels: int, dtype: torch.dtype):
        self.weights = Weights.of(plain, z_channels, feature_channels).cast(dtype)
        self.hidden, self.outputs = len(self.weights.first_bias), len(self.weights.last_bias)
        self.epsilon = plain.epsilon

    def operations(self, factor: int) -> tuple[int, int]:
        """Return the multiplications per position in the condition's part of the first convolution, and after it.

        `factor` is the upscaling factor of the condition's stack.
        """
        weights = self.weights
        first = weights.first_features.numel() + weights.first_stack.numel() // factor**2
        return first, weights.second.numel() + weights.last.numel()

    def first(self, condition: PaddedCondition, activation: Literal["none", "relu"] = "none") -> Iterator[RowBlock]:
        """Yield the condition's part of the first convolution in row blocks, ``[N, hidden, H, W]``, channels last."""
        weights, factor = self.weights, condition.factor
        if condition.stack is not None:
            phases = phases_of(condition.stack, weights.first_stack, weights.first_bias)
        for block in streamed(condition.features, condition.row_bytes(self.hidden), factor):
            rows = condition.around(block)
            if condition.stack is None:
                result = conv(rows, weights.first_features, weights.first_bias, (0, 1), activation)
            else:
                from_stack = upscaled(phases, factor, block.top // factor, block.bottom // factor)
                result = conv_onto(rows, weights.first_features, from_stack, (0, 1), activation)
            yield block._replace(rows=result)

    def with_z(self, first: Stream, z: Tensor) -> Tensor:
        """Return the output of the last convolution, given the condition's part of the first convolution and z."""
        weight = self.weights.first_z
        padded = pad(z.to(weight.dtype, memory_format=torch.channels_last), (0, 0, 1, 1))
        hidden = (
            block._replace(rows=conv_onto(padded[:, :, block.top : block.bottom + 2], weight, block.rows, (0, 1)))
            for block in first
        )
        return self._after_first(hidden, z.shape[2])

    def alone(self, condition: PaddedCondition) -> Tensor:
        """Return the output of the last convolution, given the condition alone."""
        return self._after_first(self.first(condition, "relu"), condition.features.shape[2])

    def shift_and_scale(self, raw: Tensor) -> ShiftScale:
        """Return shift and scale, given the output of the last convolution."""
        shift, scale = raw.float().chunk(2, dim=1)
        return shift, scale.add(2.0).sigmoid_().add_(self.epsilon)

    def _after_first(self, hidden: Stream, height: int) -> Tensor:
        """Return the output of the last convolution, given that of the first ReLU."""
        weights = self.weights
        second = (
            block._replace(rows=conv(block.rows, weights.second, weights.second_bias, activation="relu"))
            for block in hidden
        )
        return gathered(convolved(second, weights.last, weights.last_bias), height, torch.contiguous_format)


class FastStep:
    """A step of the flow: an affine map of the channels followed by a coupling.

    The affine map composes all ActNorms and 1×1 convolutions before the coupling (Glow, arXiv 1807.03039, table 1) into
    one matrix and bias. The coupling is affine as RealNVP's (arXiv 1605.08803, equations 4 to 8): one half of the
    channels is mapped to x / scale − shift with scale and shift from the other half and the condition, then all
    channels are with scale and shift from the condition alone; see `ConditionalCoupling`.

    Args:
        name: the step's level and its index in the level.
        affine: the affine map, in float64.
        coupling: the plain coupling.
        features: channels of the condition's features, see `Condition`.
        dtype: dtype of the convolutions.
    """

    def __init__(
        self, name: tuple[int, int], affine: Affine, coupling: ConditionalCoupling, features: int, dtype: torch.dtype
    ):
        self.name = name
        self.affine, self.inverse = _float32(affine), _float32(inverted(affine))
        self.kept = coupling.kept
        self.by_half = FastShiftAndScale(coupling.by_half, coupling.kept, features, dtype)
        self.by_condition = FastShiftAndScale(coupling.by_condition, 0, features, dtype)

    def offers(self, factor: int) -> Iterator[Offer]:
        """Yield the work that can be kept from encoding to decoding; `factor` as in `Condition`."""
        half, other, size = self.by_half, self.by_condition, self.by_half.weights.last.element_size()
        yield ("hidden", *self.name), half.operations(factor)[0], half.hidden * size
        yield ("raw", *self.name), sum(other.operations(factor)), other.outputs * size

    def encode(self, x: Tensor, condition: PaddedCondition, shared: SharedWork) -> Tensor:
        """Encode the output of the affine map, in place."""
        shift, scale = self._from_half(x, condition, shared)
        x[:, self.kept :].div_(scale).sub_(shift)
        shift, scale = self._from_condition(condition, shared)
        return x.div_(scale).sub_(shift)

    def decode(self, z: Tensor, condition: PaddedCondition, shared: SharedWork) -> Tensor:
        """Undo `encode` in place."""
        shift, scale = self._from_condition(condition, shared)
        z.add_(shift).mul_(scale)
        shift, scale = self._from_half(z, condition, shared)
        z[:, self.kept :].add_(shift).mul_(scale)
        return z

    def _from_half(self, z: Tensor, condition: PaddedCondition, shared: SharedWork) -> ShiftScale:
        stream = shared.stream(
            ("hidden", *self.name),
            self.by_half.first(condition),
            condition.features.shape[2],
            condition.row_bytes(self.by_half.hidden),
        )
        return self.by_half.shift_and_scale(self.by_half.with_z(stream, z[:, : self.kept]))

    def _from_condition(self, condition: PaddedCondition, shared: SharedWork) -> ShiftScale:
        raw = shared(("raw", *self.name), partial(self.by_condition.alone, condition))
        return self.by_condition.shift_and_scale(raw)


def _float32(affine: Affine) -> Affine:
    return affine[0].float(), affine[1].float()
