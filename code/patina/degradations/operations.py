"""The vocabulary of classical operations: the one table of their names."""

from patina.degradations.base import Operation
from patina.degradations.blur import (
    BoxBlur,
    ComplexLensBlur,
    Div2krkBlur,
    GaussianBlur,
    KernelBlur,
    LensBlur,
    MedianBlur,
    MotionBlur,
    Sinc,
)
from patina.degradations.colour import ColourShift, Quantise
from patina.degradations.compression import Jpeg, WebP
from patina.degradations.noise import CorrelatedNoise, GaussianNoise, PoissonNoise, SaltAndPepper, Speckle
from patina.degradations.resizing import DownUp, Resize
from patina.degradations.sharpening import UnsharpMask

OPERATIONS: dict[str, type[Operation]] = {
    "lens_blur": LensBlur,
    "complex_lens_blur": ComplexLensBlur,
    "gaussian_blur": GaussianBlur,
    "box_blur": BoxBlur,
    "motion_blur": MotionBlur,
    "median_blur": MedianBlur,
    "sinc": Sinc,
    "div2krk_blur": Div2krkBlur,
    "kernel_blur": KernelBlur,
    "resize": Resize,
    "down_up": DownUp,
    "gaussian_noise": GaussianNoise,
    "poisson_noise": PoissonNoise,
    "speckle": Speckle,
    "salt_and_pepper": SaltAndPepper,
    "correlated_noise": CorrelatedNoise,
    "jpeg": Jpeg,
    "webp": WebP,
    "unsharp_mask": UnsharpMask,
    "colour_shift": ColourShift,
    "quantise": Quantise,
}
