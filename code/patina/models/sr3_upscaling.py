"""Upscaling images of any size with SR3: the whole image is sampled, predicting its noise tile by tile."""

import hashlib

import numpy as np
import torch
from torch import Tensor

from patina.imaging.blended_tiles import Tile, apply_tiled
from patina.imaging.matlab_resize import imresize
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.models.sr3 import SR3, Sampler, sample
from patina.seeding import derive, noise_window, torch_generator


class SR3Upscaler:
    """Upscales images with SR3. Neighbouring tiles share one noisy image, so they agree at every step.

    Args:
        network: in evaluation mode, on its device.
        side: side of a tile in pixels of the result, as in training.
        sampler, steps: as in `sample`.
        seed: seed of the noise, together with the image's content.
        half: run the network in bfloat16.
    """

    def __init__(
        self,
        network: SR3,
        *,
        side: int,
        sampler: Sampler,
        steps: int,
        seed: int = 0,
        half: bool = False,
    ):
        self.network = network
        self.scale = network.architecture.scale
        self.side, self.sampler, self.steps, self.seed, self.half = side, sampler, steps, seed, half
        self._device = next(network.parameters()).device

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Map RGB ``[H, W, 3]``, uint8 or uint16, to ``[scale H, scale W, 3]`` of the same dtype."""
        key = derive(self.seed, hashlib.blake2b(np.ascontiguousarray(pixels).tobytes()).hexdigest())
        condition = 2 * to_tensor(imresize(pixels, self.scale)) - 1
        start = noise_window(key, 3, 0, 0, *condition.shape[1:])[None]

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            return self._predicted(noisy[0], condition, time)[None]

        result = sample(
            predict, start, self.network.schedule,
            sampler=self.sampler, steps=self.steps, generator=torch_generator(key, "steps"),
        )  # fmt: skip
        return to_pixels(result[0] / 2 + 0.5, pixels.dtype)

    def _predicted(self, noisy: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        time = time.to(self._device)[None]

        def on_tile(tile: Tensor, _window: Tile) -> Tensor:
            given, here = tile.to(self._device).chunk(2, dim=1)
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self.half):
                return self.network(here, given, time).float().cpu()

        both = torch.cat([condition, noisy])
        multiple = self.network.architecture.multiple
        return apply_tiled(on_tile, both, tile=self.side, overlap=self.side // 4, multiple=multiple)
