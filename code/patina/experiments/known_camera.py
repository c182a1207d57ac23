"""What a camera of known form is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Take = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Turns a clean picture ``[H, W, 3]`` in [0, 1] into a photograph of half the size, in about [0, 1]."""


@dataclass(frozen=True)
class KnownCamera:
    """A camera.

    Attributes:
        take: what happens before the file is written.
        form: what it does, in words.
        suffix: of its files.
        quality: range of its files' quality; not used for PNG.
    """

    take: Take
    form: str
    suffix: str = ".png"
    quality: tuple[int, int] = (95, 95)
