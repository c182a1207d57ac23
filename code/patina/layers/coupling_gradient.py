"""A fast conditional coupling for training: the plain coupling's results, with a hand-written backward pass.

The coupling encodes x = [x1, x2] by two affine maps, each as in RealNVP (arXiv 1605.08803, equations 4 to 6) but with
the scale as divisor:

    u = [x1, x2 / s' - t'],   (t', s') from [x1, condition]
    z = u / s - t,            (t, s) from the condition alone
    log |det dz/dx| = -sum log s' - sum log s

Given the gradients gz of z and gd of the log-determinant, the chain rule gives for the second map

    gt = -gz,   gu = gz / s,   gs = -(gu u / s + gd / s) = -(gu (z + t) + gd / s)

and the same for the first map with gu2, u2, t' and s' in place of gz, z, t and s. As u = (z + t) s, everything follows
from z, and x is not stored.

The condition's part of a network's first convolution is computed at the condition's own resolution
(`patina.layers.conditional`). Forward and backward pass process a few images at a time, so that the hidden maps stay
in the processor's cache.
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
"""Size of the hidden maps computed at once on a processor; an accelerator computes the whole batch."""


def encode(coupling: ConditionalCoupling, x: Tensor, condition: Condition, keep: int) -> tuple[Tensor, Tensor]:
    """Return what `ConditionalCoupling.encode_tensor` returns.

    Args:
        coupling: the plain coupling.
        x: ``[N, C, H, W]``, float32.
        condition: its dtype is the dtype of the convolutions.
        keep: number of a network's two hidden maps (outputs of its ReLUs) that are stored for the backward pass.
    """
    by_half = _raw(coupling.by_half, x[:, : coupling.kept], condition, keep)
    by_condition = _raw(coupling.by_condition, None, condition, keep)
    return _Coupling.apply(x, by_half, by_condition, coupling.by_half.epsilon)  # type: ignore[no-untyped-call]  # torch's


def _raw(network: ShiftAndScale, z: Tensor | None, condition: Condition, keep: int) -> Tensor:
    """Return the output of a network's last convolution: all shifts, then all raw scales."""
    features, stack = condition.features, condition.stack
    z = None if z is None else z.to(features.dtype, memory_format=torch.channels_last)
    fold = partial(Weights.of, network, 0 if z is None else z.shape[1], features.shape[1])
    return _Network.apply(fold, keep, features, stack, z, *network.parameters())  # type: ignore[no-untyped-call]  # torch's


class _Inputs(NamedTuple):
    """The inputs of a network, or their gradients.

    Attributes:
        features, z: ``[N, ·, H, W]``, channels last.
        stack: ``[N, ·, h, w]``.
    """

    features: Tensor
    stack: Tensor | None
    z: Tensor | None

    @property
    def factor(self) -> int:
        """Upscaling factor of the stack, see `Condition`."""
        return Condition(self.features, self.stack).factor

    def groups(self, channels: int) -> Iterator["_Inputs"]:
        """Yield the inputs of a few images at a time; `channels` is that of the hidden maps."""
        count, groups = len(self.features), 1
        if self.features.device.type == "cpu":
            hidden_bytes = self.features[:, 0].numel() * self.features.element_size() * channels
            groups = max(1, min(count, round(hidden_bytes / CPU_BYTES)))
        size = -(-count // groups)
        for first in range(0, count, size):
            part = slice(first, first + size)
            stack, z = (None if x is None else x[part] for x in (self.stack, self.z))
            yield _Inputs(self.features[part], stack, z)

    def hidden(self, weights: Weights, kept: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Return the outputs of both ReLUs, ``[N, hidden, H, W]``; those already `kept` are not computed again."""
        first = kept[0] if kept else self._first(weights)
        if len(kept) == 2:
            return first, kept[1]
        return first, conv(first, weights.second, weights.second_bias, activation="relu")

    def _first(self, weights: Weights) -> Tensor:
        activation: Literal["none", "relu"] = "relu" if self.z is None else "none"
        if self.stack is None:
            result = conv(self.features, weights.first_features, weights.first_bias, SAME, activation)
        else:
            phases = phases_of(self.stack, weights.first_stack, weights.first_bias)
            from_stack = upscaled(phases, self.factor, 0, self.stack.shape[2])
            result = conv_onto(self.features, weights.first_features, from_stack, SAME, activation)
        return result if self.z is None else conv_onto(self.z, weights.first_z, result, SAME, "relu")


class _NetworkContext(Protocol):
    """State that `_Network` stores for its backward pass."""

    fold: Callable[[], Weights]
    keep: int
    parameters: tuple[Tensor, ...]

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The saved tensors; absent inputs are None."""

    def save_for_backward(self, *tensors: Tensor | None) -> None: ...


class _Network(torch.autograd.Function):
    """A network up to its last convolution; the backward pass folds the weights again instead of storing them."""

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
        """Return ``[N, outputs, H, W]`` in the features' dtype from the `_Inputs` and the network's parameters."""
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
        grad_inputs, grad_weights = [], [torch.zeros_like(weight) for weight in folded]
        start = 0
        for index, group in enumerate(inputs.groups(len(weights.first_bias))):
            hidden = group.hidden(weights, kept[index * ctx.keep : (index + 1) * ctx.keep])
            stop = start + len(group.features)
            grad_group, grad_group_weights = _gradients(group, weights, hidden, _channels_last(gradient[start:stop]))
            grad_inputs.append(grad_group)
            for total, part in zip(grad_weights, grad_group_weights, strict=True):
                if part is not None:
                    total.add_(part)
            start = stop
        joined = (None if parts[0] is None else _joined(parts) for parts in zip(*grad_inputs, strict=True))
        return None, None, *joined, *torch.autograd.grad(folded, ctx.parameters, grad_weights)


def _gradients(
    inputs: _Inputs, weights: Weights, hidden: tuple[Tensor, Tensor], gradient: Tensor
) -> tuple[_Inputs, tuple[Tensor | None, ...]]:
    """Return the gradients of the inputs and of the `Weights`, given the gradient of the output.

    The network is y = W3 * h2 + b3, h2 = relu(W2 * h1 + b2), h1 = relu(W1 * input + b1). A bias's gradient is the sum
    of its output's gradient over images and positions.
    """
    first_hidden, second_hidden = hidden
    grad_second, last_weight = _through(gradient, second_hidden, weights.last)
    grad_second = _masked(grad_second, second_hidden)
    grad_first, second_weight = _through(grad_second, first_hidden, weights.second)
    grad_first = _masked(grad_first, first_hidden)
    features, features_weight = _through(grad_first, inputs.features, weights.first_features)
    stack = stack_weight = z = z_weight = None
    if inputs.stack is not None:
        grad_products = gathered_gradient(grad_first, inputs.factor)
        stack, stack_weight = _through(grad_products, inputs.stack, weights.first_stack)
    if inputs.z is not None:
        z, z_weight = _through(grad_first, inputs.z, weights.first_z)
    first_bias, second_bias, last_bias = (grad.sum((0, 2, 3)) for grad in (grad_first, grad_second, gradient))
    first = (z_weight, features_weight, stack_weight, first_bias)
    return _Inputs(features, stack, z), (*first, second_weight, second_bias, last_weight, last_bias)


def _through(gradient: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and weight, given the gradient of their size-preserving convolution."""
    padding = [weight.shape[-1] // 2] * 2
    grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [1, 1], padding, [1, 1], False, [0, 0], 1, [True, True, False]
    )
    return grad_x, grad_weight


def _masked(gradient: Tensor, result: Tensor) -> Tensor:
    """Return the gradient of a ReLU's input; it overwrites `gradient`, that of the ReLU's output `result`."""
    return torch.ops.aten.threshold_backward.grad_input(gradient, result, 0, grad_input=gradient)


def _joined(groups: Sequence[Tensor]) -> Tensor:
    """Concatenate the groups' images; a single group is not copied."""
    return groups[0] if len(groups) == 1 else torch.cat(list(groups))


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


class _CouplingContext(Protocol):
    """State that `_Coupling` stores for its backward pass."""

    epsilon: float

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]: ...

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Coupling(torch.autograd.Function):
    """The coupling's arithmetic, in float32, by the equations of the module's docstring; only z is stored, not x."""

    @staticmethod
    def forward(
        ctx: _CouplingContext, x: Tensor, by_half: Tensor, by_condition: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        """Return z and the log-determinant, as `ConditionalCoupling.encode_tensor`."""
        half_shift, half_scale, _ = _moments(by_half, epsilon, x.dtype)
        shift, scale, _ = _moments(by_condition, epsilon, x.dtype)
        transformed = half_shift.shape[1]
        z = x.clone(memory_format=torch.contiguous_format)
        z[:, -transformed:].div_(half_scale).sub_(half_shift)
        z.div_(scale).sub_(shift)
        ctx.save_for_backward(z, by_half, by_condition)
        ctx.epsilon = epsilon
        return z, -half_scale.log_().sum(dim=(1, 2, 3)) - scale.log_().sum(dim=(1, 2, 3))

    @staticmethod
    @once_differentiable
    def backward(ctx: _CouplingContext, grad_z: Tensor, grad_log_determinant: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x and of both networks' outputs."""
        z, by_half, by_condition = ctx.saved_tensors
        grad_log_determinant = grad_log_determinant.view(-1, 1, 1, 1)
        shift, scale, slope = _moments(by_condition, ctx.epsilon, z.dtype)
        grad_x = grad_z / scale  # gu
        scaled = shift.add_(z)  # u / s = z + t
        grad_scale = torch.addcmul(grad_log_determinant / scale, grad_x, scaled).neg_()
        grad_by_condition = torch.cat([-grad_z, grad_scale.mul_(slope)], dim=1)
        half_shift, half_scale, half_slope = _moments(by_half, ctx.epsilon, z.dtype)
        transformed = half_shift.shape[1]
        grad_transformed = grad_x[:, -transformed:]
        half_scaled = half_shift.add_(scaled[:, -transformed:].mul_(scale[:, -transformed:]))  # x2 / s' = u2 + t'
        grad_half_shift = -grad_transformed
        grad_transformed.div_(half_scale)
        grad_half_scale = torch.addcmul(grad_log_determinant / half_scale, grad_transformed, half_scaled).neg_()
        grad_by_half = torch.cat([grad_half_shift, grad_half_scale.mul_(half_slope)], dim=1)
        return grad_x, grad_by_half.to(by_half.dtype), grad_by_condition.to(by_condition.dtype), None


def _moments(raw: Tensor, epsilon: float, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return shift, scale and the scale's derivative with respect to the raw scale, as new contiguous tensors."""
    shift, scale = raw.to(dtype, memory_format=torch.contiguous_format, copy=True).chunk(2, dim=1)
    sigmoid = torch.sigmoid(scale + 2.0)
    return shift, sigmoid + epsilon, sigmoid * (1.0 - sigmoid)
