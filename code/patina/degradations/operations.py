"""The vocabulary of classical operations. Every module that defines some is imported here, so that all are known."""

from patina.degradations import blur, colour, compression, noise, resizing, sensor, sharpening  # noqa: F401
from patina.degradations.base import OPERATIONS

__all__ = ["OPERATIONS"]
