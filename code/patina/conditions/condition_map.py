"""The map h: filters on whole 8-bit pictures, then the steps from the first noise on, then the final noises."""

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from patina.conditions.autoencoder import DenoisingAutoencoder
from patina.conditions.steps import AddGaussian, Autoencoder, Filter, HStep, Noise, published_steps, scale_of
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.seeding import derive

Draw = Callable[[int, torch.Size], Tensor]
"""Standard-normal noise of a shape, for the k-th noise step."""


class ConditionMap:
    """h as a list of steps.

    Filters before the first noise are deterministic, so they run once, on the whole picture (`whole`). Filters after a
    noise run on every sample (`local`). The noises at the end are added on the training device (`final`). Filters work
    on 8-bit pixels; noisy conditions are rounded for them.

    Args:
        steps: the steps in order.
        autoencoders: networks of the autoencoder steps, by index of the step.
    """

    def __init__(self, steps: Sequence[HStep], autoencoders: Mapping[int, DenoisingAutoencoder] | None = None):
        self.steps = tuple(steps)
        self.autoencoders = dict(autoencoders or {})
        self._noises: dict[int, Noise] = {}
        self._filters: dict[int, Filter | Autoencoder] = {}
        for index, settings in enumerate(step.settings for step in self.steps):
            if isinstance(settings, Noise):
                self._noises[index] = settings
            else:
                self._filters[index] = settings
        self._first_noise = min(self._noises, default=len(self.steps))
        self._first_final = max(self._filters, default=-1) + 1

    @classmethod
    def published(cls, scale: int, noise: float) -> "ConditionMap":
        """Return DeFlow's own map."""
        return cls(published_steps(scale, noise))

    @property
    def scale(self) -> int:
        """Downscaling factor from image to condition."""
        return scale_of(self.steps)

    @property
    def whole_steps(self) -> tuple[HStep, ...]:
        """The filters before any noise."""
        return self.steps[: self._first_noise]

    @property
    def whole_scale(self) -> int:
        """Downscaling factor of `whole`."""
        return scale_of(self.whole_steps)

    @property
    def published_noise(self) -> float | None:
        """Std of the noise if h is DeFlow's own, bicubic downscaling and Gaussian noise; None for any other h."""
        last = self.steps[-1].settings if self.steps else None
        if isinstance(last, AddGaussian) and self.steps == published_steps(self.scale, last.sigma):
            return last.sigma
        return None

    @property
    def is_prepared(self) -> bool:
        """Whether `whole` is one bicubic downscaling, whose result ``patina prepare`` already writes."""
        return self.whole_steps == published_steps(self.scale, 0)[:1]

    @classmethod
    def before(
        cls, index: int, steps: Sequence[HStep], autoencoders: Mapping[int, DenoisingAutoencoder]
    ) -> "ConditionMap":
        """Return the filters before step `index`, without noise; their output trains that step's autoencoder."""
        filters = [number for number in range(index) if not isinstance(steps[number].settings, Noise)]
        networks = {place: autoencoders[number] for place, number in enumerate(filters) if number in autoencoders}
        return cls([steps[number] for number in filters], networks)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that identify `whole`."""
        weights = [
            float(value.double().abs().sum())
            for index in range(self._first_noise)
            if index in self.autoencoders
            for value in self.autoencoders[index].state_dict().values()
        ]
        described = json.dumps([[step.plain() for step in self.whole_steps], weights])
        return f"{derive(described):016x}"

    def whole(self, pixels: np.ndarray) -> np.ndarray:
        """Apply the filters before any noise to a picture ``[H, W, 3]`` uint8."""
        for index in range(self._first_noise):
            pixels = self._filtered(index, pixels)
        return pixels

    def local(self, condition: Tensor, draw: Draw) -> Tensor:
        """Apply the steps from the first noise to the last filter to ``[3, h, w]``."""
        for index in range(self._first_noise, self._first_final):
            condition = self._step(index, condition, draw)
        return condition

    def final(self, condition: Tensor, draw: Draw) -> Tensor:
        """Add the last noises to ``[..., 3, h, w]``, not clamped."""
        for index in range(max(self._first_noise, self._first_final), len(self.steps)):
            condition = self._noisy(index, condition, draw)
        return condition

    def _step(self, index: int, condition: Tensor, draw: Draw) -> Tensor:
        if index in self._noises:
            return self._noisy(index, condition, draw)
        return to_tensor(self._filtered(index, to_pixels(condition, np.uint8)))

    def _noisy(self, index: int, condition: Tensor, draw: Draw) -> Tensor:
        settings = self._noises[index]
        noise = draw(list(self._noises).index(index), condition.shape)
        if isinstance(settings, AddGaussian):
            return condition + settings.sigma * noise
        return condition * (1 + settings.sigma * noise)

    def _filtered(self, index: int, pixels: np.ndarray) -> np.ndarray:
        settings = self._filters[index]
        return self.autoencoders[index].denoise(pixels) if isinstance(settings, Autoencoder) else settings.apply(pixels)

    # In model files

    def weights(self) -> dict[str, Tensor]:
        """Return the autoencoders' weights, ``h.{step}.{name}``."""
        modules = nn.ModuleDict({str(index): network for index, network in self.autoencoders.items()})
        return {f"h.{name}": value for name, value in modules.state_dict().items()}
