"""Translation with LUD-VAE: the plain network's numbers for fewer operations and passes over memory.

Exact up to rounding: a block ends without a ReLU, so the 1×1 convolution behind it folds into its last 3×3 one
(`outconv` then leaves 3 of that one's 128 outputs), and `inconv` folds into the first 3×3 one behind it, whose input
gets a channel of ones for the bias, so that zero padding stays what it is. Features and latents are joined by a sum of
two convolutions instead of one of both side by side. The noise encoder is not needed and not kept.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from patina.layers.folding import Affine
from patina.layers.fused import Activation, conv, conv_onto
from patina.layers.row_blocks import Band, Stream, convolved, gathered, streamed
from patina.layers.submodules import bias_of, submodule
from patina.models.ludvae import LUDVAE, STAGES


class FastLUDVAE:
    """A trained `LUDVAE` made ready to translate, with the plain network's interface for that.

    Args:
        network: the plain network, on the device to compute on; weights are copied, later training does not reach them.
        dtype: of the convolutions, ``torch.float32`` or ``torch.bfloat16``.
    """

    @torch.no_grad()
    def __init__(self, network: LUDVAE, dtype: torch.dtype = torch.float32):
        self.architecture = network.architecture
        self.device = network.outconv.weight.device
        self.dtype = dtype
        encoders = [_convolutions(network, f"enc_{stage}") for stage in range(1, STAGES + 1)]
        decoders = [_convolutions(network, f"dec_{stage}") for stage in range(1, STAGES + 1)]
        joins = [_halves(submodule(network, f"proj_{stage}.proj", nn.Conv2d)) for stage in range(1, STAGES + 1)]
        contents = [_halves(submodule(network, f"proj_c_{stage}.proj", nn.Conv2d)) for stage in range(1, STAGES)]
        priors = [_convolutions(network, f"Gauconv_p_{stage}") for stage in range(1, STAGES)]

        first = _behind_ones(network.inconv, encoders[0][0])
        deepest = _before(joins[-1][0], encoders[-1][-1])
        self._encoders = [
            _Block([first, *map(_affine, encoders[0][1:])], dtype),
            *(_Block(map(_affine, each), dtype) for each in encoders[1:-1]),
            _Block([*map(_affine, encoders[-1][:-1]), deepest], dtype),
        ]
        behind = [_affine(network.outconv), *(own for own, _ in contents)]
        self._decoders = [
            _Block([*map(_affine, each[:-1]), _before(after, each[-1])], dtype)
            for each, after in zip(decoders, behind, strict=True)
        ]
        self._contents = [_kernel(other, dtype) for _, (other, _) in contents]
        self._features = [_stored(own, dtype) for own, _ in joins[:-1]]
        self._latents = [_kernel(latent, dtype) for _, (latent, _) in joins]
        self._moments = [_stored(_side_by_side(*prior), dtype) for prior in priors]

    @torch.inference_mode()
    def translate(self, hidden: Tensor, label: Tensor, noise: Iterable[Tensor], temperature: Tensor) -> Tensor:
        """Bring images into the other domain, see `LUDVAE.translate`."""
        strength = ((1 - label) * temperature).view(-1, 1, 1, 1)
        draws = iter(noise) if strength.any() else None
        contents, height = self._encoded(hidden), hidden.shape[2]
        # The deepest content already is its part of the join with the latent.
        decoded = contents.pop()
        if draws is not None:
            deepest = next(draws)
            for band in self._bands(decoded):  # with a latent whose prior is N(0, 1)
                self._join(band.rows, strength * band.of(deepest), STAGES - 1)
        for stage in range(STAGES - 2, -1, -1):
            above = self._decoders[stage + 1].stream(self._bands(decoded))
            draw = None if draws is None else next(draws)
            decoded = gathered(self._decoded(stage, above, contents.pop(), draw, strength), height)
        return gathered(self._decoders[0].stream(self._bands(decoded)), height).float()

    def _encoded(self, hidden: Tensor) -> list[Tensor]:
        """Return the contents of stages 1, 2, 3."""
        x = torch.cat([hidden, torch.ones_like(hidden[:, :1])], dim=1)
        x = x.to(self.dtype, memory_format=torch.channels_last)
        outputs = []
        for block in self._encoders:
            x = gathered(block.stream(self._bands(x)), hidden.shape[2])
            outputs.append(x)
        return outputs

    def _decoded(
        self, stage: int, above: Stream, content: Tensor, draw: Tensor | None, strength: Tensor
    ) -> Iterator[Band]:
        """Yield a stage's features joined with its latent."""
        for band in above:
            features = conv_onto(band.of(content), self._contents[stage], band.rows, activation="none")
            joined = conv(features, *self._features[stage])
            if draw is not None:
                mean, log_deviation = conv(features, *self._moments[stage]).chunk(2, dim=1)
                latent = log_deviation.float().exp_().mul_(band.of(draw)).add_(mean).mul_(strength)
                joined = self._join(joined, latent, stage)
            yield band._replace(rows=joined)

    def _join(self, decoded: Tensor, latent: Tensor, stage: int) -> Tensor:
        """Join a latent with `decoded`, in its place."""
        latent = latent.to(self.dtype, memory_format=torch.channels_last)
        return conv_onto(latent, self._latents[stage], decoded, activation="none")

    def _bands(self, whole: Tensor) -> Iterator[Band]:
        row_bytes = whole[:, 0, 0].numel() * whole.element_size() * self.architecture.channels
        return streamed(whole, row_bytes)


class _Block:
    """Four 3×3 convolutions with ReLU between them."""

    def __init__(self, layers: Iterable[Affine], dtype: torch.dtype):
        self.layers = [_stored(layer, dtype) for layer in layers]

    def stream(self, bands: Stream) -> Stream:
        """Yield the result of what comes in bands, both of one size."""
        for number, layer in enumerate(self.layers, start=1):
            activation: Activation = "relu" if number < len(self.layers) else "none"
            bands = convolved(bands, *layer, activation)
        return bands


def _convolutions(network: LUDVAE, path: str) -> list[nn.Conv2d]:
    return [layer for layer in network.get_submodule(path).modules() if isinstance(layer, nn.Conv2d)]


def _affine(layer: nn.Conv2d) -> Affine:
    return layer.weight, bias_of(layer)


def _halves(proj: nn.Conv2d) -> tuple[Affine, Affine]:
    """Take a join apart: the part of the first input, with the bias, and that of the second."""
    first, second = proj.weight.chunk(2, dim=1)
    return (first, bias_of(proj)), (second, torch.zeros_like(bias_of(proj)))


def _before(outer: Affine, inner: nn.Conv2d) -> Affine:
    """Return a 3×3 convolution and the 1×1 one behind it as one: W₁(w * x + b) + b₁."""
    matrix = outer[0].flatten(1)
    return torch.einsum("oi,ijyx->ojyx", matrix, inner.weight), matrix @ bias_of(inner) + outer[1]


def _behind_ones(inner: nn.Conv2d, outer: nn.Conv2d) -> Affine:
    """Return a 1×1 convolution and the 3×3 one behind it as one, of the input with a channel of ones."""
    matrix = torch.cat([inner.weight.flatten(1), bias_of(inner)[:, None]], dim=1)
    return torch.einsum("oiyx,ij->ojyx", outer.weight, matrix), bias_of(outer)


def _side_by_side(first: nn.Conv2d, second: nn.Conv2d) -> Affine:
    return torch.cat([first.weight, second.weight]), torch.cat([bias_of(first), bias_of(second)])


def _kernel(weight: Tensor, dtype: torch.dtype) -> Tensor:
    return weight.to(dtype, copy=True, memory_format=torch.channels_last)


def _stored(affine: Affine, dtype: torch.dtype) -> Affine:
    return _kernel(affine[0], dtype), affine[1].to(dtype, copy=True)
