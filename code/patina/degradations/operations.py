"""The table of classical operations; importing their modules here registers them all."""

from patina.degradations import (  # noqa: F401
    aperture_blur,
    blur,
    chroma,
    classical_noise,
    colour,
    compression,
    kernel_blur,
    lens_light,
    line_noise,
    moire,
    noise_patches,
    perlin_noise,
    raw_camera,
    resizing,
    screens,
    sensor,
    sharpening,
    simplex_noise,
    video,
)
from patina.degradations.base import OPERATIONS

__all__ = ["OPERATIONS"]
