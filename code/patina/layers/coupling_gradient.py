"""A conditional coupling for training: the plain one's numbers, with gradients written out by the chain rule.

The condition's part of a network's first convolution is computed at the condition's own size
(`patina.layers.conditional`). A network is computed, and differentiated, a few images at a time, so that its hidden
maps stay in the processor's cache.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from patina.layers.conditional import Condition, Weights
from patina.layers.coupling import ConditionalCoupling, ShiftAndScale
from patina.layers.fused import SAME, conv, conv_onto
from patina.layers.nearest import gathered_gradient, phases_of, upscaled

CPU_BYTES = 12 * 2**20
"""Size of the hidden maps that are computed together on a processor; on an accelerator a batch is not taken apart."""


def encode(coupling: ConditionalCoupling, x: Tensor, condition: Condition, keep: int) -> tuple[Tensor, Tensor]:
    """Return what `ConditionalCoupling.encode_tensor` returns.

    Args:
        coupling: the plain one.
        x: ``[N, C, H, W]``, float32.
        condition: its dtype is the convolutions'.
        keep: how many of a network's two hidden maps, what its ReLUs give, are kept for the gradient.
    """
    by_half = _raw(coupling.by_half, x[:, : coupling.kept], condition, keep)
    by_condition = _raw(coupling.by_condition, None, condition, keep)
    return _Coupling.apply(x, by_half, by_condition, coupling.by_half.epsilon)  # type: ignore[no-untyped-call]  # torch's


def _raw(network: ShiftAndScale, z: Tensor | None, condition: Condition, keep: int) -> Tensor:
    """Return what a network's last convolution gives, shifts first and raw scales behind them."""
    features, stack = condition.features, condition.stack
    z = None if z is None else z.to(features.dtype, memory_format=torch.channels_last)
    fold = partial(Weights.of, network, 0 if z is None else z.shape[1], features.shape[1])
    return _Network.apply(fold, keep, features, stack, z, *network.parameters())  # type: ignore[no-untyped-call]  # torch's


class _Inputs(NamedTuple):
    """What a network is applied to, or the gradients of it.

    Attributes:
        features, z: ``[N, ·, H, W]``, channels last.
        stack: ``[N, ·, h, w]``.
    """

    features: Tensor
    stack: Tensor | None
    z: Tensor | None

    @property
    def factor(self) -> int:
        """The condition's."""
        return Condition(self.features, self.stack).factor

    def groups(self, channels: int) -> Iterator["_Inputs"]:
        """Yield a few images' at a time, by the hidden maps' channels."""
        count, groups = len(self.features), 1
        if self.features.device.type == "cpu":
            hidden_bytes = self.features[:, 0].numel() * self.features.element_size() * channels
            groups = max(1, min(count, round(hidden_bytes / CPU_BYTES)))
        size = -(-count // groups)
        for first in range(0, count, size):
            part = slice(first, first + size)
            stack, z = (None if each is None else each[part] for each in (self.stack, self.z))
            yield _Inputs(self.features[part], stack, z)

    def hidden(self, weights: Weights, kept: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Return what both ReLUs give, ``[N, hidden, H, W]``, of which `kept` are the first."""
        first = kept[0] if kept else self._first(weights)
        if len(kept) == 2:
            return first, kept[1]
        return first, conv(first, weights.second, weights.second_bias, activation="relu")

    def _first(self, weights: Weights) -> Tensor:
        behind: Literal["none", "relu"] = "relu" if self.z is None else "none"
        if self.stack is None:
            result = conv(self.features, weights.of_features, weights.first_bias, SAME, behind)
        else:
            phases = phases_of(self.stack, weights.of_stack, weights.first_bias)
            of_stack = upscaled(phases, self.factor, 0, self.stack.shape[2])
            result = conv_onto(self.features, weights.of_features, of_stack, SAME, behind)
        return result if self.z is None else conv_onto(self.z, weights.of_z, result, SAME, "relu")


class _NetworkContext(Protocol):
    """What `_Network` keeps for its gradient."""

    fold: Callable[[], Weights]
    keep: int
    parameters: tuple[Tensor, ...]

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """Tensors, or None where that was saved."""

    def save_for_backward(self, *tensors: Tensor | None) -> None: ...


class _Network(torch.autograd.Function):
    """What a network's last convolution gives; its weights are folded again for the gradient rather than kept."""

    @staticmethod
    def forward(
        ctx: _NetworkContext,
        fold: Callable[[], Weights],
        keep: int,
        features: Tensor,
        stack: Tensor | None,
        z: Tensor | None,
        *parameters: Tensor,
    ) -> Tensor:
        """Return ``[N, outputs, H, W]`` in the features' dtype, by `_Inputs` and the network's parameters."""
        inputs = _Inputs(features, stack, z)
        weights = fold().cast(features.dtype)
        kept: list[Tensor] = []
        results = []
        for group in inputs.groups(len(weights.first_bias)):
            hidden = group.hidden(weights)
            kept += hidden[:keep]
            results.append(conv(hidden[-1], weights.last, weights.last_bias, SAME))
        ctx.fold, ctx.keep, ctx.parameters = fold, keep, parameters
        ctx.save_for_backward(*inputs, *kept)
        return _joined(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: _NetworkContext, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of inputs and parameters."""
        inputs, kept = _Inputs(*ctx.saved_tensors[:3]), ctx.saved_tensors[3:]
        with torch.enable_grad():
            folded = ctx.fold()
        weights = folded.cast(gradient.dtype)
        of_inputs, of_weights = [], [torch.zeros_like(each) for each in folded]
        start = 0
        for index, group in enumerate(inputs.groups(len(weights.first_bias))):
            hidden = group.hidden(weights, kept[index * ctx.keep : (index + 1) * ctx.keep])
            stop = start + len(group.features)
            of_group, of_these = _gradients(group, weights, hidden, _last(gradient[start:stop]))
            of_inputs.append(of_group)
            for total, each in zip(of_weights, of_these, strict=True):
                if each is not None:
                    total.add_(each)
            start = stop
        joined = (None if each[0] is None else _joined(each) for each in zip(*of_inputs, strict=True))
        return None, None, *joined, *torch.autograd.grad(folded, ctx.parameters, of_weights)


def _gradients(
    inputs: _Inputs, weights: Weights, hidden: tuple[Tensor, Tensor], gradient: Tensor
) -> tuple[_Inputs, tuple[Tensor | None, ...]]:
    """Return the gradients of inputs and of `Weights` by that of the result."""
    first, second = hidden
    of_second, last_weight = _through(gradient, second, weights.last)
    of_second = _masked(of_second, second)
    of_first, second_weight = _through(of_second, first, weights.second)
    of_first = _masked(of_first, first)
    features, of_features = _through(of_first, inputs.features, weights.of_features)
    stack = of_stack = z = of_z = None
    if inputs.stack is not None:
        of_products = gathered_gradient(of_first, inputs.factor)
        stack, of_stack = _through(of_products, inputs.stack, weights.of_stack)
    if inputs.z is not None:
        z, of_z = _through(of_first, inputs.z, weights.of_z)
    first_bias, second_bias, last_bias = (each.sum((0, 2, 3)) for each in (of_first, of_second, gradient))
    of_weights = (of_z, of_features, of_stack, first_bias, second_weight, second_bias, last_weight, last_bias)
    return _Inputs(features, stack, z), of_weights


def _through(gradient: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and of the weight by that of a convolution that keeps x's size."""
    padding = [weight.shape[-1] // 2] * 2
    of_x, of_weight, _ = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [1, 1], padding, [1, 1], False, [0, 0], 1, [True, True, False]
    )
    return of_x, of_weight


def _masked(gradient: Tensor, result: Tensor) -> Tensor:
    """Return a ReLU's gradient, in the place of that of its result."""
    return torch.ops.aten.threshold_backward.grad_input(gradient, result, 0, grad_input=gradient)


def _joined(groups: Sequence[Tensor]) -> Tensor:
    """Return the groups' images one behind the other; a single group needs no copy."""
    return groups[0] if len(groups) == 1 else torch.cat(list(groups))


def _last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


class _CouplingContext(Protocol):
    """What `_Coupling` keeps for its gradient."""

    epsilon: float

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]: ...

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Coupling(torch.autograd.Function):
    """The coupling's own arithmetic in float32; of its maps only the result is kept, from which x follows."""

    @staticmethod
    def forward(
        ctx: _CouplingContext, x: Tensor, by_half: Tensor, by_condition: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        """Return z and the log-determinant, as `ConditionalCoupling.encode_tensor`."""
        half_shift, half_scale, _ = _moments(by_half, epsilon, x.dtype)
        shift, scale, _ = _moments(by_condition, epsilon, x.dtype)
        moved = half_shift.shape[1]
        z = x.clone(memory_format=torch.contiguous_format)
        z[:, -moved:].div_(half_scale).sub_(half_shift)
        z.div_(scale).sub_(shift)
        ctx.save_for_backward(z, by_half, by_condition)
        ctx.epsilon = epsilon
        return z, -half_scale.log_().sum(dim=(1, 2, 3)) - scale.log_().sum(dim=(1, 2, 3))

    @staticmethod
    @once_differentiable
    def backward(ctx: _CouplingContext, of_z: Tensor, of_logarithm: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x and of both networks' results."""
        z, by_half, by_condition = ctx.saved_tensors
        of_logarithm = of_logarithm.view(-1, 1, 1, 1)
        shift, scale, slope = _moments(by_condition, ctx.epsilon, z.dtype)
        of_x = of_z / scale
        # z = u / scale - shift, so -du/dscale / scale is -(z + shift) / scale.
        scaled = shift.add_(z)
        of_scale = torch.addcmul(of_logarithm / scale, of_x, scaled).neg_()
        of_condition = torch.cat([-of_z, of_scale.mul_(slope)], dim=1)
        half_shift, half_scale, half_slope = _moments(by_half, ctx.epsilon, z.dtype)
        moved = half_shift.shape[1]
        of_moved = of_x[:, -moved:]
        half_scaled = half_shift.add_(scaled[:, -moved:].mul_(scale[:, -moved:]))
        of_half_shift = -of_moved
        of_moved.div_(half_scale)
        of_half_scale = torch.addcmul(of_logarithm / half_scale, of_moved, half_scaled).neg_()
        of_half = torch.cat([of_half_shift, of_half_scale.mul_(half_slope)], dim=1)
        return of_x, of_half.to(by_half.dtype), of_condition.to(by_condition.dtype), None


def _moments(raw: Tensor, epsilon: float, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return shift, scale and the scale's derivative in the raw scale, new and channels first."""
    shift, scale = raw.to(dtype, memory_format=torch.contiguous_format, copy=True).chunk(2, dim=1)
    sigmoid = torch.sigmoid(scale + 2.0)
    return shift, sigmoid + epsilon, sigmoid * (1.0 - sigmoid)
