"""Random flips and changes of colour and sharpness."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from torch import Tensor

from patina import torchvision_shim


@dataclass(frozen=True)
class Augmentation:
    """Probabilities and strengths of the changes; every range is centred on the unchanged picture.

    Attributes:
        flip: probability of a left-right flip.
        colour: probability of the colour jitter.
        brightness, contrast, saturation: factors are drawn from 1 - value to 1 + value.
        hue: largest turn of the colour circle in either direction, 1 is a full turn.
        sharpness: probability of a change of sharpness.
        sharpness_range: factors; 0 is blurred, 1 unchanged, 2 sharpened.
    """

    flip: float = 0.5
    colour: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    sharpness: float = 0.0
    sharpness_range: tuple[float, float] = (1.0, 1.0)

    def __call__(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        """Change ``[3, H, W]`` RGB in [0, 1]; the result is clipped to it."""
        if rng.random() < self.flip:
            image = image.flip(-1)
        if rng.random() < self.colour:
            image = self._jittered(image, rng)
        if rng.random() < self.sharpness:
            image = _functional().adjust_sharpness(image, rng.uniform(*self.sharpness_range))
        return image

    def _jittered(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        functional = _functional()
        for change, reach in (
            (functional.adjust_brightness, self.brightness),
            (functional.adjust_contrast, self.contrast),
            (functional.adjust_saturation, self.saturation),
        ):
            image = change(image, rng.uniform(1 - reach, 1 + reach))
        return functional.adjust_hue(image, rng.uniform(-self.hue, self.hue))


def _functional() -> ModuleType:
    torchvision_shim.ensure()
    from torchvision.transforms import functional

    return functional
