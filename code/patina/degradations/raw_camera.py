"""A camera's way from light to picture: white balance, mosaic, photon and read noise, demosaicing, tone curve."""

from typing import Annotated

import cv2
import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import Between, RealRange, draw_real
from patina.imaging.tone_curve import linear_to_srgb, srgb_to_linear
from patina.seeding import numpy_rng

MID_GREY = 128 / 255

MOSAIC = np.array([[0, 1], [1, 2]])
"""Channels of the RGGB mosaic."""

# The linear filters of Malvar, He and Cutler 2004 (figure 2) are bilinear interpolation, corrected by the gradient of
# the channel that the pixel itself has: by half of it for green, 5/8 and 3/4 for red and blue.
_GREEN = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / 4
_IN_ROW = np.array([[0, 0, 0], [1, 0, 1], [0, 0, 0]]) / 2
_ACROSS = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]]) / 4
_GREEN_GRADIENT = (
    np.array([[0, 0, -1, 0, 0], [0, 0, 0, 0, 0], [-1, 0, 4, 0, -1], [0, 0, 0, 0, 0], [0, 0, -1, 0, 0]]) / 8
)
_IN_ROW_GRADIENT = (
    np.array([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 0, 5, 0, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]) / 8
)
_ACROSS_GRADIENT = (
    np.array([[0, 0, -1.5, 0, 0], [0, 0, 0, 0, 0], [-1.5, 0, 6, 0, -1.5], [0, 0, 0, 0, 0], [0, 0, -1.5, 0, 0]]) / 8
)


class RawCamera(Operation):
    """A sensor behind an RGGB mosaic: noise in linear light, demosaiced and developed with sRGB's tone curve.

    The light of a pixel, divided by the white balance's gain, is counted with Poisson noise and Gaussian read noise
    (Foi et al. 2008, section 2). Neighbours and channels share noise by demosaicing, as in real cameras.
    """

    name = "raw_camera"
    family = "noise"

    sigma: Annotated[RealRange, Between(0, 255)]
    """Std (8-bit) of the noise of green at mid-grey, before demosaicing; 0 means no noise."""

    read: Annotated[RealRange, Between(0, 10)] = (0.2, 0.2)
    """Std of the read noise relative to that of the photon noise at mid-grey; it decides how noisy the dark is."""

    red: Annotated[RealRange, Between(0.25, 8)] = (2.0, 2.0)
    """White balance's gain of red; 2 in daylight, 1 in a bulb's light. More is noisier."""

    blue: Annotated[RealRange, Between(0.25, 8)] = (1.6, 1.6)
    """White balance's gain of blue."""

    gradient: Annotated[RealRange, Between(0, 1)] = (1.0, 1.0)
    """How much demosaicing corrects by gradients: 1 is sharp, and channels share noise; 0 is bilinear: soft, and each
    channel has its own noise."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw all five."""
        return {name: draw_real(rng, getattr(self, name)) for name in ("sigma", "read", "red", "blue", "gradient")}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Photograph and develop."""
        height, width = image.shape[:2]
        gains = np.array([parameters["red"], 1.0, parameters["blue"]])
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="symmetric").astype(np.float64)
        channel = np.tile(MOSAIC, (even.shape[0] // 2, even.shape[1] // 2))
        light = np.take_along_axis(srgb_to_linear(even) / gains, channel[..., None], axis=2)[..., 0]
        seen = _noisy(light, parameters["sigma"], parameters["read"], numpy_rng(key, "raw"))
        developed = linear_to_srgb(demosaiced(seen * gains[channel], parameters["gradient"]))
        return developed[:height, :width].clip(0, 1).astype(np.float32)


_LEAST_SIGMA = 1e-6
"""Std (8-bit) below any rounding; NumPy's Poisson numbers end where noise would be a thousandth of it."""


def _noisy(light: np.ndarray, sigma: float, read: float, rng: np.random.Generator) -> np.ndarray:
    """Count photons so that green at mid-grey has the std `sigma` in grey levels of 255 after the tone curve."""
    if sigma == 0:
        return light
    grey = float(srgb_to_linear(np.array(MID_GREY)))
    slope = 255 * 1.055 / 2.4 * grey ** (1 / 2.4 - 1)  # of the tone curve there, in grey levels
    # std² = slope² grey / electrons (1 + read²)
    electrons = slope**2 * grey * (1 + read**2) / max(sigma, _LEAST_SIGMA) ** 2
    counts = rng.poisson(light * electrons) + read * np.sqrt(grey * electrons) * rng.standard_normal(light.shape)
    return counts / electrons


def demosaiced(mosaic: np.ndarray, gradient: float = 1.0) -> np.ndarray:
    """Return RGB ``[H, W, 3]`` from an RGGB mosaic ``[H, W]`` of even sides, by Malvar, He and Cutler 2004.

    Args:
        mosaic: what the sensor counted, balanced.
        gradient: factor of the corrections by gradients; 0 is bilinear interpolation, 1 the published filters.
    """
    green, in_row, in_column, across = (
        cv2.filter2D(mosaic, -1, np.pad(kernel, 1) + gradient * correction, borderType=cv2.BORDER_REFLECT_101)
        for kernel, correction in (
            (_GREEN, _GREEN_GRADIENT),
            (_IN_ROW, _IN_ROW_GRADIENT),
            (_IN_ROW.T, _IN_ROW_GRADIENT.T),
            (_ACROSS, _ACROSS_GRADIENT),
        )
    )
    rgb = np.empty((*mosaic.shape, 3))
    red, green_by_red, green_by_blue, blue = (np.s_[r::2, c::2] for r, c in ((0, 0), (0, 1), (1, 0), (1, 1)))
    for place, values in (
        (red, (mosaic, green, across)),
        (green_by_red, (in_row, mosaic, in_column)),
        (green_by_blue, (in_column, mosaic, in_row)),
        (blue, (across, green, mosaic)),
    ):
        for channel, value in enumerate(values):
            rgb[..., channel][place] = value[place]
    return rgb
