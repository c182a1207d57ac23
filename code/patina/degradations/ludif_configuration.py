"""The configuration in a LUD-DIF's model file, and its tiles."""

from typing import Annotated

import numpy as np
from pydantic import Field

from patina.degradations.knobs import HANDLES, MOST_SAMPLING_STEPS
from patina.degradations.learned_degradation import Tiling
from patina.errors import PatinaError, require_range
from patina.models.ludif import LUDDIFArchitecture, LUDDIFLevels
from patina.settings import Settings

KIND = "ludif"
TILE, OVERLAP = HANDLES[KIND].tile, HANDLES[KIND].overlap
SMALLEST_TILE = 64

Strength = Annotated[float, Field(ge=0, le=255)]


class LUDDIFSampling(Settings):
    """How images are sampled; the default of the knobs `steps` and `eta`."""

    steps: Annotated[int, Field(ge=1, le=MOST_SAMPLING_STEPS)] = 10
    """Number of steps; published with 50 to 200."""

    eta: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How much noise each step draws: 0 none (DDIM), 1 as much as DDPM."""


class LUDDIFConfiguration(Settings):
    """The configuration in a LUD-DIF's model file, and its tiles."""

    architecture: LUDDIFArchitecture
    """Size of the networks."""

    levels: LUDDIFLevels
    """Noise that is added on the way."""

    strengths: tuple[Strength, ...] = Field(min_length=2, max_length=1001)
    """Quantiles, at equal distances from the smallest to the largest, of the noise std (8-bit) of the real images."""

    sampling: LUDDIFSampling
    """Defaults of the knobs."""

    has_clean: bool
    """Whether the file holds a model of clean images."""

    replace_impulses: bool = False
    """Whether black and white values of real images are replaced by their neighbours before they are hidden."""

    def photo_strengths(self, count: int = 1000) -> list[float]:
        """Return `count` strengths that are spread as the quantiles say."""
        places = (np.arange(count) + 0.5) / count
        return np.interp(places, np.linspace(0, 1, len(self.strengths)), self.strengths).round(3).tolist()


def checked_tiles(tiling: Tiling, multiple: int) -> tuple[int, int]:
    """Return the side of a tile and the overlap, multiples of the network's.

    Raises:
        PatinaError: they are too small or too large.
    """
    if tiling.kept_mb is not None:
        raise PatinaError(f"-kept_mb does not apply to a {KIND} model, which keeps no results")
    smallest = max(SMALLEST_TILE, 2 * multiple)
    tile = max(TILE, smallest) if tiling.tile is None else tiling.tile
    require_range("tile", tile, smallest)
    tile = tile // multiple * multiple
    overlap = min(OVERLAP, tile // 4) if tiling.overlap is None else tiling.overlap
    require_range("overlap", overlap, 0, tile - multiple)
    return tile, overlap
