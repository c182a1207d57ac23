"""Translation with DeFlow: the plain network's numbers for a fraction of its operations.

What is exact algebra, up to rounding, is done once, when a `FastDeFlow` is made of a trained network: ActNorms are
folded into the convolutions beside them, the affine maps between two couplings into one matrix, matrices inverted.
The couplings' first convolutions are taken apart (`patina.layers.conditional`): the condition's part of them is the
same for encoding and decoding, and most of it is computed at the condition's own size.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial, reduce
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle

from patina.layers.bijection import Bijection, Chain, State
from patina.layers.channels import mix_channels
from patina.layers.conditional import Condition, Weights
from patina.layers.coupling import ConditionalCoupling, ShiftAndScale
from patina.layers.domain_gaussian import DomainGaussian
from patina.layers.folding import Affine, composed, folded_affine, inverted
from patina.layers.fused import conv, conv_onto
from patina.layers.nearest import phases_of, upscaled
from patina.layers.row_blocks import Band, Stream, convolved, gathered, recorded, streamed
from patina.layers.split import Split
from patina.models.deflow import DeFlow
from patina.models.fast_encoder import FastEncoder
from patina.system.allocator import return_freed_memory

MEMORY_PER_PIXEL = 800
"""Bytes that translation takes for each pixel where nothing else is said; the AIM model's plain path takes 1700."""

WORKING_BYTES = {torch.float32: 540, torch.bfloat16: 240}
"""Bytes in that which are not kept: features, hidden maps, scratch space."""

TIDY_EVERY, TIDY_FROM = 8, 2**16
"""After how many steps, and from how many pixels on, freed memory is returned to the system. What a coupling frees
leaves gaps that the next one does not fill: without this a process grows to twice what it needs."""


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
        shared = _Shared(self._worth_keeping(image, conditions))
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
        return [_Condition(Condition.of(own, stack)) for own in features]

    def _encode(self, image: Tensor, conditions: list["_Condition"], shared: "_Shared") -> list[Tensor]:
        z, latents = image, []
        for level, condition in zip(self._levels, conditions, strict=True):
            z = pixel_unshuffle(z, 2)
            for step in level.steps:
                z = step.encode(mix_channels(z, *step.affine), condition, shared)
                self._tidy(step, z)
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
                z = mix_channels(step.decode(z, condition, shared), *step.inverse)
                self._tidy(step, z)
            z = pixel_shuffle(z, 2)
        return z

    def _tidy(self, step: "_Step", z: Tensor) -> None:
        level, index = step.name
        if z.device.type == "cpu" and index % TIDY_EVERY == 0 and z[:, 0].numel() << (2 * level + 2) >= TIDY_FROM:
            return_freed_memory()

    def _worth_keeping(self, image: Tensor, conditions: list["_Condition"]) -> set["Work"]:
        """Choose what is kept between encoding and decoding: what saves most operations for its size first."""
        pixels = image[:, 0].numel()
        offers = [
            (operations / size, work, size * (pixels >> (2 * level.index + 2)))
            for level, condition in zip(self._levels, conditions, strict=True)
            for step in level.steps
            for work, operations, size in step.offers(condition.factor)
        ]
        by_default = (MEMORY_PER_PIXEL - WORKING_BYTES[self.dtype]) * pixels
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
        self._results: dict[Work, Tensor] = {}

    def __call__(self, work: Work, compute: Callable[[], Tensor]) -> Tensor:
        """Return the result of `compute`, kept or new; a result is handed out twice."""
        if work in self._results:
            return self._results.pop(work)
        result = compute()
        if work in self._kept:
            self._results[work] = result
        return result

    def stream(self, work: Work, computed: Stream, height: int, row_bytes: int) -> Stream:
        """Return a result, kept or `computed`, in bands that may be overwritten; `row_bytes` as in `streamed`."""
        if work in self._results:
            return streamed(self._results.pop(work), row_bytes)
        if work in self._kept:
            return recorded(computed, height, partial(self._results.__setitem__, work))
        return computed


class _Condition:
    """A level's condition, to be read in bands.

    Attributes:
        features, stack, factor: as `Condition` has them.
    """

    def __init__(self, whole: Condition):
        self.stack, self.factor = whole.stack, whole.factor
        self._padded = pad(whole.features, (0, 0, 1, 1))
        self.features = self._padded[:, :, 1:-1]

    def around(self, band: Band) -> Tensor:
        """Return a band's rows of the features with one more above and below, zeros beyond the map."""
        return self._padded[:, :, band.top : band.bottom + 2]

    def row_bytes(self, channels: int) -> int:
        """Return the size of a row of a map with as many positions."""
        return self.features[:, 0, 0].numel() * self.features.element_size() * channels


class _Network:
    """One of a coupling's two networks.

    Args:
        plain: the network.
        of_z, of_features: as in `Weights.of`.
        dtype: of the convolutions.
    """

    def __init__(self, plain: ShiftAndScale, of_z: int, of_features: int, dtype: torch.dtype):
        self.weights = Weights.of(plain, of_z, of_features).cast(dtype)
        self.hidden, self.outputs = len(self.weights.first_bias), len(self.weights.last_bias)
        self.epsilon = plain.epsilon

    def operations(self, factor: int) -> tuple[int, int]:
        """Return the multiplications for one position, of the condition's part of the first convolution and behind it.

        `factor` is the condition's.
        """
        weights = self.weights
        first = weights.of_features.numel() + weights.of_stack.numel() // factor**2
        return first, weights.second.numel() + weights.last.numel()

    def first(self, condition: _Condition, activation: Literal["none", "relu"] = "none") -> Iterator[Band]:
        """Yield the condition's part of the first convolution, ``[N, hidden, H, W]`` in bands, channels last."""
        weights, factor = self.weights, condition.factor
        if condition.stack is not None:
            phases = phases_of(condition.stack, weights.of_stack, weights.first_bias)
        for band in streamed(condition.features, condition.row_bytes(self.hidden), factor):
            rows = condition.around(band)
            if condition.stack is None:
                result = conv(rows, weights.of_features, weights.first_bias, (0, 1), activation)
            else:
                of_stack = upscaled(phases, factor, band.top // factor, band.bottom // factor)
                result = conv_onto(rows, weights.of_features, of_stack, (0, 1), activation)
            yield band._replace(rows=result)

    def with_z(self, first: Stream, z: Tensor) -> Tensor:
        """Return what `moments` takes, by the condition's part of the first convolution and z."""
        of_z = self.weights.of_z
        padded = pad(z.to(of_z.dtype, memory_format=torch.channels_last), (0, 0, 1, 1))
        hidden = (
            band._replace(rows=conv_onto(padded[:, :, band.top : band.bottom + 2], of_z, band.rows, (0, 1)))
            for band in first
        )
        return self._behind(hidden, z.shape[2])

    def alone(self, condition: _Condition) -> Tensor:
        """Return what `moments` takes, by the condition."""
        return self._behind(self.first(condition, "relu"), condition.features.shape[2])

    def moments(self, raw: Tensor) -> Moments:
        """Return shift and scale of the last convolution's result."""
        shift, scale = raw.float().chunk(2, dim=1)
        return shift, scale.add(2.0).sigmoid_().add_(self.epsilon)

    def _behind(self, hidden: Stream, height: int) -> Tensor:
        """Compute what follows the first ReLU."""
        weights = self.weights
        second = (
            band._replace(rows=conv(band.rows, weights.second, weights.second_bias, activation="relu"))
            for band in hidden
        )
        return gathered(convolved(second, weights.last, weights.last_bias), height, torch.contiguous_format)


class _Step:
    """An affine map of the channels and, behind it, a coupling.

    Args:
        name: which one, its level and its place there.
        affine: the map, in float64.
        coupling: the plain one.
        of_features: channels of the condition's features, see `Condition`.
        dtype: of the convolutions.
    """

    def __init__(
        self, name: tuple[int, int], affine: Affine, coupling: ConditionalCoupling, of_features: int, dtype: torch.dtype
    ):
        self.name = name
        self.affine, self.inverse = _float32(affine), _float32(inverted(affine))
        self.kept = coupling.kept
        self.by_half = _Network(coupling.by_half, coupling.kept, of_features, dtype)
        self.by_condition = _Network(coupling.by_condition, 0, of_features, dtype)

    def offers(self, factor: int) -> Iterator[Offer]:
        """Yield what can be kept from encoding to decoding, by the condition's factor."""
        half, other, size = self.by_half, self.by_condition, self.by_half.weights.last.element_size()
        yield ("hidden", *self.name), half.operations(factor)[0], half.hidden * size
        yield ("raw", *self.name), sum(other.operations(factor)), other.outputs * size

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
        stream = shared.stream(
            ("hidden", *self.name),
            self.by_half.first(condition),
            condition.features.shape[2],
            condition.row_bytes(self.by_half.hidden),
        )
        return self.by_half.moments(self.by_half.with_z(stream, z[:, : self.kept]))

    def _of_condition(self, condition: _Condition, shared: _Shared) -> Moments:
        raw = shared(("raw", *self.name), partial(self.by_condition.alone, condition))
        return self.by_condition.moments(raw)


class _Level:
    """A level of the flow: steps and, perhaps, a split behind them."""

    def __init__(self, network: DeFlow, index: int, dtype: torch.dtype):
        layers = [each for each, level in zip(network.layers, network.layer_levels, strict=True) if level == index]
        encoder = network.encoder
        is_upscaled = index + 1 < encoder.doublings
        of_features = encoder.trunk_conv.out_channels if is_upscaled else encoder.channels
        self.index = index
        self.steps = [
            _Step((index, number), affine, coupling, of_features, dtype)
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


def _float32(affine: Affine) -> Affine:
    return affine[0].float(), affine[1].float()
