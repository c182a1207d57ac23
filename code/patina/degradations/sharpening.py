"""Sharpening as in cameras and web images."""

from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from patina.degradations import kernels
from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.blur import convolve
from patina.degradations.chroma import to_luma_and_chroma
from patina.degradations.ranges import Among, Between, Probability, RealRange, Weights, draw_kind, draw_real


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


HALOS = ("both", "bright", "dark", "white")
"""Sides of an edge that get a halo; `white` ones are pure white."""

HALO_BLURS = ("gaussian", "box", "disk", "ring")

_WHITE = np.float32(254 / 255)


class Halo(Operation):
    """Over-sharpening: light and dark seams along edges, as `unsharp_mask`, in kinds of its own."""

    name = "halo"
    family = "halo"
    mild_at_high = frozenset({"threshold"})

    kind: Annotated[Weights, Among(HALOS, "halo")] = Field({"both": 1.0})
    """`both` sides of an edge, the `bright` one alone, the `dark` one alone; `white`: pure white where `amount` times
    the detail exceeds 254/255."""

    width: Annotated[RealRange, Between(0.05, 50)]
    """Width of the halo in pixels: std of a Gaussian, radius of the other blurs."""

    blur: Annotated[Weights, Among(HALO_BLURS, "blur")] = Field({"gaussian": 1.0})
    """What detail is: the difference to the image after this blur."""

    amount: Annotated[RealRange, Between(0, 100)] = (1.0, 1.0)
    """Factor of the detail added."""

    threshold: Annotated[RealRange, Between(0, 255)] = (0.0, 0.0)
    """Grey levels (0 to 255) that detail must exceed; only what exceeds them is added."""

    colour: Probability = 0.0
    """Probability that every channel has its own halo; otherwise all get that of the luma (BT.601)."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all six."""
        return {
            "kind": draw_kind(rng, self.kind),
            "width": draw_real(rng, self.width),
            "blur": draw_kind(rng, self.blur),
            "amount": draw_real(rng, self.amount),
            "threshold": draw_real(rng, self.threshold),
            "colour": bool(rng.random() < self.colour),
        }

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add detail."""
        seen = image if parameters["colour"] else to_luma_and_chroma(image)[0][..., None]
        detail = seen - _blurred(seen, parameters["blur"], parameters["width"]).reshape(seen.shape)
        threshold, amount, kind = parameters["threshold"] / 255, np.float32(parameters["amount"]), parameters["kind"]
        added = np.sign(detail) * np.maximum(np.abs(detail) - np.float32(threshold), 0) * amount
        if kind == "white":
            added = (added > _WHITE).astype(np.float32)
        elif kind != "both":
            added = np.maximum(added, 0) if kind == "bright" else np.minimum(added, 0)
        return np.clip(image + added, 0, 1)


def _blurred(image: np.ndarray, blur: str, size: float) -> np.ndarray:
    if blur == "gaussian":
        return cv2.GaussianBlur(image, (0, 0), size, borderType=cv2.BORDER_REFLECT)
    if blur == "box":
        return cv2.blur(image, (2 * round(size) + 1,) * 2, borderType=cv2.BORDER_REFLECT)
    return convolve(image, kernels.disk(size) if blur == "disk" else kernels.ring(size, size / 2))
