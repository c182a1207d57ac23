"""Translation with DeFlow: the plain network's numbers for a fraction of its operations.

What is exact algebra, up to rounding, is done once, when a `FastDeFlow` is made of a trained network: ActNorms are
folded into the convolutions beside them, the affine maps between two couplings into one matrix, matrices inverted.
For each picture the couplings' first convolutions are taken apart: conv([z1, condition]) = conv(z1) + conv(condition).
The condition's part is the same for encoding and decoding, and most of it is computed at the condition's own size
(`patina.layers.nearest`).
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial, reduce

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad, pixel_shuffle, pixel_unshuffle

from patina.layers.bijection import Bijection, Chain, State
from patina.layers.coupling import ConditionalCoupling, ShiftAndScale
from patina.layers.domain_gaussian import DomainGaussian
from patina.layers.folding import Affine, composed, folded_affine, folded_conv, folded_zero_conv, inverted, mix
from patina.layers.fused import conv, conv_onto
from patina.layers.nearest import add_upscaled, product_kernels
from patina.layers.split import Split
from patina.models.deflow import DeFlow
from patina.models.fast_encoder import SAME, FastEncoder

MEMORY_PER_PIXEL = 780
"""Bytes that translation takes for each pixel where nothing else is said; the AIM model's plain path takes 1650."""

WORKING_VALUES = 155
"""Values for each pixel in that which are not kept: features, hidden maps, scratch space."""

BAND_BYTES = 2 * 2**20
"""Size of the hidden maps that are computed together: more leaves the cache and takes memory."""


class FastDeFlow:
    """A trained `DeFlow` made ready to translate and sample, with the plain network's interface for that.

    The flow's own arithmetic is float32 whatever `dtype` is.

    Args:
        network: the plain network on the device to compute on; its weights are copied, later training does not
            reach them.
        dtype: of the convolutions, ``torch.float32`` or ``torch.bfloat16``.
        kept_bytes: memory for conditional work between encoding and decoding; what does not fit is computed twice,
            first of all what saves the fewest operations for its size. None leaves `MEMORY_PER_PIXEL` in all. The AIM
            model has work of 3300 bytes a pixel in float32, 1600 in bfloat16.
    """

    @torch.no_grad()
    def __init__(self, network: DeFlow, dtype: torch.dtype = torch.float32, kept_bytes: int | None = None):
        self.architecture = network.architecture
        self.latent_layout = network.latent_layout
        self.device = network.prior.mean_shift.device
        self.dtype = dtype
        self.kept_bytes = kept_bytes
        self._encoder = FastEncoder(network.encoder, dtype)
        self._levels = [_Level(network, index, dtype) for index in range(self.architecture.levels)]
        self._priors = [_Gaussian(prior) for prior in network.priors]

    @torch.inference_mode()
    def translate(
        self, image: Tensor, condition: Tensor, label: Tensor, noise: State, heat: float | Tensor = 1.0
    ) -> Tensor:
        """Bring images of domain `label` into the other one, see `DeFlow.translate`."""
        conditions = self._conditions(condition)
        shared = _Shared(self._worth_keeping(image))
        latents = self._encode(image, conditions, shared)
        moved = [
            torch.lerp(z, prior.translate(z, label, draw), heat)
            for prior, z, draw in zip(self._priors, latents, noise, strict=True)
        ]
        return self._decode(moved, conditions, shared)

    @torch.inference_mode()
    def sample(self, condition: Tensor, label: Tensor, noise: State) -> Tensor:
        """Draw images of p(image | condition, label) from standard-normal `noise`, see `DeFlow.sample`."""
        latents = [prior.sample(label, draw) for prior, draw in zip(self._priors, noise, strict=True)]
        return self._decode(latents, self._conditions(condition), _Shared(set()))

    def _conditions(self, condition: Tensor) -> list["_Condition"]:
        features, stack = self._encoder.features(condition)
        return [_Condition(own, stack) for own in features]

    def _encode(self, image: Tensor, conditions: list["_Condition"], shared: "_Shared") -> list[Tensor]:
        z, latents = image, []
        for level, condition in zip(self._levels, conditions, strict=True):
            z = pixel_unshuffle(z, 2)
            for step in level.steps:
                z = step.encode(mix(z, step.affine), condition, shared)
            if level.split is not None:
                (latent, z), _ = level.split.encode((z,), None)
                latents.append(latent)
        return [*latents, z]

    def _decode(self, latents: list[Tensor], conditions: list["_Condition"], shared: "_Shared") -> Tensor:
        *split_off, z = latents
        for level, condition in zip(reversed(self._levels), reversed(conditions), strict=True):
            if level.split is not None:
                (z,) = level.split.decode((split_off.pop(), z), None)
            for step in reversed(level.steps):
                z = mix(step.decode(z, condition, shared), step.inverse)
            z = pixel_shuffle(z, 2)
        return z

    def _worth_keeping(self, image: Tensor) -> set["Work"]:
        """Choose what is kept between encoding and decoding: what saves most operations for its size first."""
        pixels = image[:, 0].numel()
        offers = [
            (operations / size, work, size * (pixels >> (2 * level.index + 2)))
            for level in self._levels
            for step in level.steps
            for work, operations, size in step.offers()
        ]
        by_default = (MEMORY_PER_PIXEL - WORKING_VALUES * self.dtype.itemsize) * pixels
        kept, room = set(), by_default if self.kept_bytes is None else self.kept_bytes
        for _, work, size in sorted(offers, key=lambda offer: offer[0], reverse=True):
            if size <= room:
                kept.add(work)
                room -= size
        return kept


Work = tuple[str, int, int]
"""A result that depends on the condition alone: what it is, and whose (level and step)."""

Offer = tuple[Work, int, int]
"""Work, the operations that keeping it saves and the bytes it takes, both for one position."""

Moments = tuple[Tensor, Tensor]
"""Shift and scale, ``[N, C, H, W]`` float32."""


class _Shared:
    """Conditional work of one picture that encoding and decoding both need.

    Args:
        kept: what is kept from the first use to the second.
    """

    def __init__(self, kept: set[Work]):
        self._kept = kept
        self._results: dict[Work, object] = {}

    def __call__(self, work: Work, compute: Callable[[], object]) -> object:
        """Return the result of `compute`, kept or new; a result is handed out twice."""
        if work in self._results:
            return self._results.pop(work)
        result = compute()
        if work in self._kept:
            self._results[work] = result
        return result


class _Condition:
    """A level's condition: its own features ``[N, F, H, W]`` and the blocks' outputs ``[N, C, h, w]``."""

    def __init__(self, own: Tensor, stack: Tensor):
        self.own = own
        self.stack = stack
        self._whole: Tensor | None = None

    @property
    def factor(self) -> int:
        """How many times the blocks' outputs are upscaled; 0 where they are shrunk."""
        return self.own.shape[-1] // self.stack.shape[-1]

    @property
    def whole(self) -> Tensor:
        """The condition as the plain network has it, made where it is first asked for."""
        if self._whole is None:
            self._whole = torch.cat([self.own, interpolate(self.stack, size=self.own.shape[-2:])], dim=1)
        return self._whole


class _FirstConv:
    """The condition's part of a first 3×3 convolution, its ActNorm folded in.

    Args:
        weight, bias: for the condition's channels; the level's own features are the first `own` of them.
        own: how many.
        dtype: of the arithmetic.
    """

    def __init__(self, weight: Tensor, bias: Tensor, own: int, dtype: torch.dtype):
        self.weight = _stored(weight, dtype)
        self.bias = bias.to(dtype)
        self.own = _stored(weight[:, :own], dtype)
        self.kernels = _stored(product_kernels(weight[:, own:]), dtype)

    @property
    def operations(self) -> int:
        """Multiplications for one position, if all of it were computed at full size."""
        return self.weight.numel()

    def __call__(self, condition: _Condition) -> Tensor:
        """Return ``[N, hidden, H, W]``, channels last."""
        if condition.factor < 2:
            return conv(condition.whole, self.weight, self.bias, SAME)
        result = conv(condition.own, self.own, self.bias, SAME)
        return add_upscaled(result, conv(condition.stack, self.kernels), condition.factor)


class _Network:
    """One of a coupling's two networks behind its first convolution.

    Args:
        plain: the network.
        inputs: channels of z that it reads in front of the condition.
        own: channels of the level's own features.
        dtype: of the convolutions.
    """

    def __init__(self, plain: ShiftAndScale, inputs: int, own: int, dtype: torch.dtype):
        first, _, second, _, last = plain.net
        weight, bias = folded_conv(first)
        self.first = _FirstConv(weight[:, inputs:], bias, own, dtype)
        self.of_z = _stored(weight[:, :inputs], dtype)
        self.second = _stored_affine(folded_conv(second), dtype)
        self.last = _stored_affine(folded_zero_conv(last), dtype)
        self.hidden, self.outputs = len(self.of_z), len(self.last[1])
        self.epsilon = plain.epsilon

    @property
    def operations(self) -> int:
        """Multiplications behind the first convolution, for one position."""
        return self.second[0].numel() + self.last[0].numel()

    def with_z(self, first: Tensor, z: Tensor) -> Tensor:
        """Return what `moments` takes, by the condition's part of the first convolution and z."""
        z = pad(_cast(z, self.of_z.dtype), (0, 0, 1, 1))

        def hidden(top: int, bottom: int) -> Tensor:
            return conv_onto(z[:, :, top : bottom + 2], self.of_z, first[:, :, top:bottom], (0, 1))

        return self._in_bands(hidden, first)

    def alone(self, condition: _Condition) -> Tensor:
        """Return what `moments` takes, by the condition."""
        first = self.first(condition).relu_()
        return self._in_bands(lambda top, bottom: first[:, :, top:bottom], first)

    def moments(self, raw: Tensor) -> Moments:
        """Return shift and scale of the last convolution's result."""
        shift, scale = raw.float().chunk(2, dim=1)
        return shift, scale.add(2.0).sigmoid_().add_(self.epsilon)

    def _in_bands(self, hidden: Callable[[int, int], Tensor], like: Tensor) -> Tensor:
        """Compute what follows the first ReLU in bands of rows, so that a band stays in the processor's cache."""
        count, _, height, width = like.shape
        rows = max(4, BAND_BYTES // (like[:, :, 0].numel() * like.element_size()))
        raw = like.new_empty((count, self.outputs, height, width))
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            above, below = int(top == 0), int(bottom == height)
            band = conv(hidden(top - 1 + above, bottom + 1 - below), *self.second, activation="relu")
            if above or below:
                band = pad(band, (0, 0, above, below))
            raw[:, :, top:bottom] = conv(band, *self.last, (0, 1))
        return raw


class _Step:
    """An affine map of the channels and, behind it, a coupling.

    Args:
        level, index: which one.
        affine: the map, in float64.
        coupling: the plain one.
        own: channels of the level's own features in the condition.
        dtype: of the convolutions.
    """

    def __init__(
        self, level: int, index: int, affine: Affine, coupling: ConditionalCoupling, own: int, dtype: torch.dtype
    ):
        self.name = (level, index)
        self.affine, self.inverse = _float32(affine), _float32(inverted(affine))
        self.kept = coupling.kept
        self.by_half = _Network(coupling.by_half, coupling.kept, own, dtype)
        self.by_condition = _Network(coupling.by_condition, 0, own, dtype)

    def offers(self) -> Iterator[Offer]:
        """Yield what can be kept from encoding to decoding."""
        half, other, size = self.by_half, self.by_condition, self.by_half.of_z.element_size()
        yield ("hidden", *self.name), half.first.operations, half.hidden * size
        yield ("raw", *self.name), other.first.operations + other.operations, other.outputs * size

    def encode(self, x: Tensor, condition: _Condition, shared: _Shared) -> Tensor:
        """Encode what the affine map gave, in place."""
        shift, scale = self._of_half(x, condition, shared)
        x[:, self.kept :].div_(scale).sub_(shift)
        shift, scale = self._of_condition(condition, shared)
        return x.div_(scale).sub_(shift)

    def decode(self, z: Tensor, condition: _Condition, shared: _Shared) -> Tensor:
        """Undo `encode`, in place."""
        shift, scale = self._of_condition(condition, shared)
        z.add_(shift).mul_(scale)
        shift, scale = self._of_half(z, condition, shared)
        z[:, self.kept :].add_(shift).mul_(scale)
        return z

    def _of_half(self, z: Tensor, condition: _Condition, shared: _Shared) -> Moments:
        hidden = shared(("hidden", *self.name), partial(self.by_half.first, condition))
        return self.by_half.moments(self.by_half.with_z(hidden, z[:, : self.kept]))

    def _of_condition(self, condition: _Condition, shared: _Shared) -> Moments:
        raw = shared(("raw", *self.name), partial(self.by_condition.alone, condition))
        return self.by_condition.moments(raw)


class _Level:
    """A level of the flow: steps and, perhaps, a split behind them."""

    def __init__(self, network: DeFlow, index: int, dtype: torch.dtype):
        layers = [each for each, level in zip(network.layers, network.layer_levels, strict=True) if level == index]
        own = network.encoder.trunk_conv.out_channels
        self.index = index
        self.steps = [
            _Step(index, number, affine, coupling, own, dtype)
            for number, (affine, coupling) in enumerate(_affine_and_coupling(layers))
        ]
        splits = [layer for layer in layers if isinstance(layer, Split)]
        self.split = deepcopy(splits[0]) if splits else None


class _Gaussian(DomainGaussian):
    """A plain one's copy with its matrices computed once."""

    def __init__(self, plain: DomainGaussian):
        super().__init__(len(plain.mean_shift))
        self.to(plain.mean_shift.device).load_state_dict(plain.state_dict())
        self._posterior, self._root = plain.posterior(), plain.root()

    def posterior(self) -> tuple[Tensor, Tensor]:
        """Return what `DomainGaussian.posterior` returns."""
        return self._posterior

    def root(self) -> Tensor:
        """Return what `DomainGaussian.root` returns."""
        return self._root


def _affine_and_coupling(layers: list[Bijection]) -> Iterator[tuple[Affine, ConditionalCoupling]]:
    """Yield every coupling with the one affine map, in float64, of all that stands before it."""
    pending: list[Affine] = []
    for member in (member for layer in layers if isinstance(layer, Chain) for member in layer.members):
        if isinstance(member, ConditionalCoupling):
            yield reduce(composed, pending), member
            pending = []
        else:
            pending.append(folded_affine(deepcopy(member).double()))


def _stored(weight: Tensor, dtype: torch.dtype) -> Tensor:
    return weight.to(dtype, copy=True, memory_format=torch.channels_last)


def _stored_affine(affine: Affine, dtype: torch.dtype) -> Affine:
    return _stored(affine[0], dtype), affine[1].to(dtype, copy=True)


def _cast(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x.to(dtype, memory_format=torch.channels_last)


def _float32(affine: Affine) -> Affine:
    return affine[0].float(), affine[1].float()
