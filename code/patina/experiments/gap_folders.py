"""Where the gap experiment keeps its files."""

from dataclasses import dataclass
from pathlib import Path

SCALE = 2
"""Of the networks."""


@dataclass(frozen=True)
class GapFolders:
    """Where the gap experiment keeps its files.

    Attributes:
        out: the folder that holds all others.
    """

    out: Path

    @property
    def clean(self) -> Path:
        """Clean pictures: the networks' ground truth."""
        return self.out / "photographs" / "clean"

    @property
    def clean_half(self) -> Path:
        """The clean pictures at half the size, by bicubic."""
        return self.out / "photographs" / "clean_half"

    @property
    def held_out(self) -> Path:
        """The ground truth of the pictures that the networks are measured on."""
        return self.out / "photographs" / "held_out"

    def real(self, camera: str) -> Path:
        """Return the folder of a camera's photographs of other scenes."""
        return self.out / camera / "real"

    def held_out_lq(self, camera: str) -> Path:
        """Return the folder of the held-out pictures as a camera takes them."""
        return self.out / camera / "held_out"

    def pairs(self, camera: str | None, method: str, seed: int) -> Path:
        """Return the folder of a network's LQ pictures by a method; without a camera where all have the same."""
        return self.out / (camera or "all") / f"lq_{method}-seed{seed}"

    def sets(self, camera: str) -> Path:
        """Return the folder of the multi-scale sets that a learned degradation reads for a camera."""
        return self.out / camera / "sets"

    def runs(self, camera: str | None) -> Path:
        """Return the folder of the trainings for a camera, or of those for all."""
        return self.out / (camera or "all") / "runs"

    def upscaled(self, camera: str, method: str, seed: int) -> Path:
        """Return the folder of the held-out pictures upscaled by a method's network."""
        return self.out / camera / "upscaled" / f"{method}-seed{seed}"
