"""A simulated camera: blur, 2x downscaling, and correlated noise that grows with brightness.

The demo makes its real images with this camera, so the degradation that a model has to learn is known exactly.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from patina.degradations.base import Degradation, Parameters
from patina.imaging.matlab_resize import imresize
from patina.seeding import numpy_rng

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Camera(Degradation):
    """Blurs, downscales and adds sensor noise; JPEG artefacts come from saving the result.

    Attributes:
        blur: range of the Gaussian's standard deviation, in pixels of the full-size picture.
        read_noise: noise std (8-bit) in the dark.
        shot_noise: variance (8-bit) added at full brightness.
        grain: standard deviation of the Gaussian that correlates neighbouring noise, in pixels.
        shared: fraction of the noise variance that all channels share.
    """

    blur: tuple[float, float] = (0.8, 1.2)
    read_noise: float = 6.0
    shot_noise: float = 200.0
    grain: float = 0.55
    shared: float = 0.5

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw the blur for one picture."""
        return {"blur": float(rng.uniform(*self.blur))}

    def apply(self, image: Tensor, parameters: Parameters, key: int) -> Tensor:
        """Photograph ``[3, H, W]`` in [0, 1]; the result has half the size (rounded up), ``[3, H/2, W/2]``."""
        large = image.permute(1, 2, 0).numpy()
        sigma = parameters["blur"]
        small = imresize(gaussian_filter(large, (sigma, sigma, 0)), 0.5).clip(0, 1)
        noisy = small + self._noise(small, numpy_rng(key, "sensor"))
        return torch.from_numpy(noisy.clip(0, 1).astype(np.float32)).permute(2, 0, 1)

    def _noise(self, small: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width, _ = small.shape
        own = self._grain(rng.standard_normal((height, width, 3)))
        common = self._grain(rng.standard_normal((height, width, 1)))
        std = np.sqrt(self.read_noise**2 + self.shot_noise * (small @ LUMA)[..., None]) / 255
        return std * (np.sqrt(1 - self.shared) * own + np.sqrt(self.shared) * common)

    def _grain(self, white: np.ndarray) -> np.ndarray:
        """Correlate neighbours and rescale to standard deviation 1."""
        correlated = gaussian_filter(white, (self.grain, self.grain, 0), mode="wrap")
        return correlated / correlated.std()
