"""Translation with LUD-VAE (arXiv 2204.10090): the plain network's results in fewer operations and memory passes.

All transformations are exact up to rounding:

- A block ends without a ReLU, so the 1×1 convolution after it is folded into its last 3×3 convolution:
  W₁(w * x + b) + b₁ = (W₁w) * x + (W₁b + b₁). With `outconv`, only 3 of 128 outputs remain.
- `inconv` is folded into the 3×3 convolution after it. Its bias becomes the weight of a constant input channel of ones,
  because the padding must remain zero: w * (W₁x + b₁) = [wW₁, wb₁] * [x, 1].
- A convolution of concatenated maps becomes a sum of two convolutions: w * [x, y] = w_x * x + w_y * y.
- The noise encoder is dropped, because only training needs it.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from patina.layers.folding import Affine
from patina.layers.fused import Activation, conv, conv_onto
from patina.layers.row_blocks import RowBlock, Stream, convolved, gathered, streamed
from patina.layers.submodules import bias_of
from patina.models.ludvae import LUDVAE, STAGES


class FastLUDVAE:
    """A trained `LUDVAE` prepared for translation, with the plain network's interface for it.

    Args:
        network: the plain network on its device; its weights are copied, so later training does not change the copy.
        dtype: dtype of the convolutions, ``torch.float32`` or ``torch.bfloat16``.
    """

    @torch.no_grad()
    def __init__(self, network: LUDVAE, dtype: torch.dtype = torch.float32):
        self.architecture = network.architecture
        self.device = network.outconv.weight.device
        self.dtype = dtype
        encoders = [network.block("enc", stage).convolutions for stage in range(1, STAGES + 1)]
        decoders = [network.block("dec", stage).convolutions for stage in range(1, STAGES + 1)]
        joins = [_halves(network.join("proj", stage).proj) for stage in range(1, STAGES + 1)]
        contents = [_halves(network.join("proj_c", stage).proj) for stage in range(1, STAGES)]
        priors = [network.gaussian("Gauconv_p", stage) for stage in range(1, STAGES)]

        first = _with_ones(network.inconv, encoders[0][0])
        deepest = _before(joins[-1][0], encoders[-1][-1])
        self._encoders = [
            _Block([first, *map(_affine, encoders[0][1:])], dtype),
            *(_Block(map(_affine, convolutions), dtype) for convolutions in encoders[1:-1]),
            _Block([*map(_affine, encoders[-1][:-1]), deepest], dtype),
        ]
        following = [_affine(network.outconv), *(own for own, _ in contents)]
        self._decoders = [
            _Block([*map(_affine, convolutions[:-1]), _before(after, convolutions[-1])], dtype)
            for convolutions, after in zip(decoders, following, strict=True)
        ]
        self._contents = [_kernel(other, dtype) for _, (other, _) in contents]
        self._features = [_stored(own, dtype) for own, _ in joins[:-1]]
        self._latents = [_kernel(latent, dtype) for _, (latent, _) in joins]
        self._moments = [_stored(_side_by_side(prior.m, prior.v), dtype) for prior in priors]

    @torch.inference_mode()
    def translate(self, hidden: Tensor, label: Tensor, noise: Iterable[Tensor], temperature: Tensor) -> Tensor:
        """Translate images to the other domain, see `LUDVAE.translate`."""
        strength = ((1 - label) * temperature).view(-1, 1, 1, 1)
        draws = iter(noise) if strength.any() else None
        contents, height = self._encoded(hidden), hidden.shape[2]
        # The last encoder block already includes the content's half of the deepest join.
        decoded = contents.pop()
        if draws is not None:
            draw = next(draws)
            for block in self._row_blocks(decoded):  # the deepest latent's prior is N(0, 1)
                self._join(block.rows, strength * block.of(draw), STAGES - 1)
        for stage in range(STAGES - 2, -1, -1):
            above = self._decoders[stage + 1].stream(self._row_blocks(decoded))
            stage_draw = None if draws is None else next(draws)
            decoded = gathered(self._decoded(stage, above, contents.pop(), stage_draw, strength), height)
        return gathered(self._decoders[0].stream(self._row_blocks(decoded)), height).float()

    def _encoded(self, hidden: Tensor) -> list[Tensor]:
        """Return the contents of stages 1, 2, 3."""
        x = torch.cat([hidden, torch.ones_like(hidden[:, :1])], dim=1)
        x = x.to(self.dtype, memory_format=torch.channels_last)
        outputs = []
        for block in self._encoders:
            x = gathered(block.stream(self._row_blocks(x)), hidden.shape[2])
            outputs.append(x)
        return outputs

    def _decoded(
        self, stage: int, above: Stream, content: Tensor, draw: Tensor | None, strength: Tensor
    ) -> Iterator[RowBlock]:
        """Yield a stage's features, joined with its latent."""
        for block in above:
            features = conv_onto(block.of(content), self._contents[stage], block.rows, activation="none")
            joined = conv(features, *self._features[stage])
            if draw is not None:
                mean, log_std = conv(features, *self._moments[stage]).chunk(2, dim=1)
                latent = log_std.float().exp_().mul_(block.of(draw)).add_(mean).mul_(strength)
                joined = self._join(joined, latent, stage)
            yield block._replace(rows=joined)

    def _join(self, decoded: Tensor, latent: Tensor, stage: int) -> Tensor:
        """Add a latent's half of the join to `decoded`, in place."""
        latent = latent.to(self.dtype, memory_format=torch.channels_last)
        return conv_onto(latent, self._latents[stage], decoded, activation="none")

    def _row_blocks(self, whole: Tensor) -> Iterator[RowBlock]:
        row_bytes = whole[:, 0, 0].numel() * whole.element_size() * self.architecture.channels
        return streamed(whole, row_bytes)


class _Block:
    """Four 3×3 convolutions with ReLU between them."""

    def __init__(self, layers: Iterable[Affine], dtype: torch.dtype):
        self.layers = [_stored(layer, dtype) for layer in layers]

    def stream(self, blocks: Stream) -> Stream:
        """Yield the result for a streamed map, of the same size."""
        activations: list[Activation] = ["relu" for _ in self.layers]
        activations[-1] = "none"
        for layer, activation in zip(self.layers, activations, strict=True):
            blocks = convolved(blocks, *layer, activation)
        return blocks


def _affine(layer: nn.Conv2d) -> Affine:
    return layer.weight, bias_of(layer)


def _halves(proj: nn.Conv2d) -> tuple[Affine, Affine]:
    """Split a join into the convolutions of its first input, with the bias, and of its second input."""
    first, second = proj.weight.chunk(2, dim=1)
    return (first, bias_of(proj)), (second, torch.zeros_like(bias_of(proj)))


def _before(outer: Affine, inner: nn.Conv2d) -> Affine:
    """Fold a 3×3 convolution `inner` and the 1×1 convolution after it into one: W₁(w * x + b) + b₁."""
    matrix = outer[0].flatten(1)
    return torch.einsum("oi,ijyx->ojyx", matrix, inner.weight), matrix @ bias_of(inner) + outer[1]


def _with_ones(inner: nn.Conv2d, outer: nn.Conv2d) -> Affine:
    """Fold a 1×1 convolution `inner` and the 3×3 one after it into one with an additional input channel of ones."""
    matrix = torch.cat([inner.weight.flatten(1), bias_of(inner)[:, None]], dim=1)
    return torch.einsum("oiyx,ij->ojyx", outer.weight, matrix), bias_of(outer)


def _side_by_side(first: nn.Conv2d, second: nn.Conv2d) -> Affine:
    return torch.cat([first.weight, second.weight]), torch.cat([bias_of(first), bias_of(second)])


def _kernel(weight: Tensor, dtype: torch.dtype) -> Tensor:
    return weight.to(dtype, copy=True, memory_format=torch.channels_last)


def _stored(affine: Affine, dtype: torch.dtype) -> Affine:
    return _kernel(affine[0], dtype), affine[1].to(dtype, copy=True)
