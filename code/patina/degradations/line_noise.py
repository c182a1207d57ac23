"""Noise that whole rows or columns share, as sensors' readout and scanners leave it."""

from typing import Annotated

import numpy as np

from patina.degradations.base import Frame, Operation, Parameters
from patina.degradations.ranges import Between, RealRange, draw_real
from patina.seeding import numpy_rng


class LineNoise(Operation):
    """Rows and columns that are a little brighter or darker than they should be.

    Each row and each column has a Gaussian offset of its own, the same in red, green and blue: the amplifier that reads
    a line adds its noise to all pixels of it. (EMVA Standard 1288, release 4.0, splits nonuniformity in the same way.)
    """

    name = "line_noise"
    family = "noise"

    rows: Annotated[RealRange, Between(0, 255)] = (0.0, 0.0)
    """Std (8-bit) of the rows' offsets."""

    columns: Annotated[RealRange, Between(0, 255)] = (0.0, 0.0)
    """Std (8-bit) of the columns' offsets."""

    def draw(self, rng: np.random.Generator, frame: Frame) -> Parameters:
        """Draw both."""
        return {name: draw_real(rng, getattr(self, name)) for name in ("rows", "columns")}

    @staticmethod
    def apply(image: np.ndarray, parameters: Parameters, key: int) -> np.ndarray:
        """Add the offsets and clip."""
        rng, (height, width, _) = numpy_rng(key, "lines"), image.shape
        rows = rng.standard_normal((height, 1, 1), np.float32) * np.float32(parameters["rows"] / 255)
        columns = rng.standard_normal((1, width, 1), np.float32) * np.float32(parameters["columns"] / 255)
        return np.clip(image + rows + columns, 0, 1)
