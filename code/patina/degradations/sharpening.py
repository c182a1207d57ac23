"""Sharpening as in cameras and web images."""

from typing import Annotated

import cv2
import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import Between, RealRange, draw_real


class UnsharpMask(Operation):
    """Unsharp masking."""

    name = "unsharp_mask"
    family = "unsharp_mask"
    mild_at_high = frozenset({"threshold"})

    sigma: Annotated[RealRange, Between(0.05, 50)]
    """Standard deviation of the Gaussian, in pixels."""

    amount: Annotated[RealRange, Between(0, 100)] = (0.5, 0.5)
    """Factor of the detail added."""

    threshold: Annotated[RealRange, Between(0, 255)] = (0.0, 0.0)
    """Smallest detail that is sharpened, in grey levels (0 to 255)."""

    soft_mask: bool = False
    """Blur the mask of the sharpened pixels, so that they blend in."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all three."""
        return {
            "sigma": draw_real(rng, self.sigma),
            "amount": draw_real(rng, self.amount),
            "threshold": draw_real(rng, self.threshold),
            "soft_mask": self.soft_mask,
        }

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Sharpen."""

        def blurred(values: np.ndarray) -> np.ndarray:
            return cv2.GaussianBlur(values, (0, 0), parameters["sigma"], borderType=cv2.BORDER_REFLECT)

        detail = image - blurred(image)
        mask = (np.abs(detail) * 255 > parameters["threshold"]).astype(np.float32)
        if parameters["soft_mask"]:
            mask = blurred(mask)
        sharp = np.clip(image + np.float32(parameters["amount"]) * detail, 0, 1)
        return mask * sharp + (1 - mask) * image
