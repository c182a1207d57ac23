"""The vocabulary of classical operations. Every module that defines some is imported here, so that all are known."""

from patina.degradations import (  # noqa: F401
    blur,
    classical_noise,
    colour,
    compression,
    kernel_blur,
    resizing,
    sensor,
    sharpening,
)
from patina.degradations.base import OPERATIONS

__all__ = ["OPERATIONS"]
