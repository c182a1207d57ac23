"""Where the demo keeps its files, and the names of its methods."""

from dataclasses import dataclass
from pathlib import Path

SCALE = 2
BICUBIC = "bicubic"
TRAINED_ON_BICUBIC, TRAINED_ON_LEARNED = "trained on bicubic", "trained on learned"
METHODS = (BICUBIC, TRAINED_ON_BICUBIC, TRAINED_ON_LEARNED)


@dataclass(frozen=True)
class DemoFolders:
    """Where the demo keeps its files.

    Attributes:
        out: the folder that holds all others.
    """

    out: Path

    @property
    def clean_set(self) -> Path:
        """The clean pictures at 1x, 2x and 8x."""
        return self.out / "sets" / "clean"

    @property
    def real_set(self) -> Path:
        """The camera's pictures at 1x and 4x."""
        return self.out / "sets" / "real"

    @property
    def learned(self) -> Path:
        """The clean 2x copies with the learned degradation."""
        return self.clean_set / "2x_degraded"

    @property
    def held_out_learned(self) -> Path:
        """The half-size copies of the held-out pictures with the learned degradation."""
        return self.out / "held_out_learned"

    def photographs(self, part: str) -> Path:
        """Return the folder of a part of the photographs, as a user would have them."""
        return self.out / "photographs" / part

    def upscaled(self, method: str, seed: int) -> Path:
        """Return the folder of the held-out pictures upscaled by a method."""
        name = method.replace(" ", "_")
        return self.out / "upscaled" / (name if method == BICUBIC else f"{name}-seed{seed}")
