"""Where the demo keeps its files, and the names of its methods."""

from dataclasses import dataclass
from pathlib import Path

SCALE = 2
BICUBIC = "bicubic"
BICUBIC_PAIRS, LEARNED_PAIRS, FITTED_PAIRS, TRUE_PAIRS = PAIRS = (
    "bicubic pairs", "learned pairs", "fitted pairs", "true pairs"
)  # fmt: skip
METHODS = (BICUBIC, *PAIRS)
"""Bicubic interpolation, and networks trained on each kind of pairs; true pairs are the upper bound."""


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
    def fitted_recipe(self) -> Path:
        """The recipe that was fitted to the camera's pictures."""
        return self.out / "fitted.yml"

    @property
    def fitted(self) -> Path:
        """The clean pictures degraded by the fitted recipe, at half the size."""
        return self.out / "sets" / "fitted"

    def lq(self, pairs: str) -> Path:
        """Return the folder of the LQ pictures of a kind of pairs."""
        folders = {
            BICUBIC_PAIRS: self.clean_set / f"{SCALE}x",
            LEARNED_PAIRS: self.learned,
            FITTED_PAIRS: self.fitted,
            TRUE_PAIRS: self.photographs("clean_by_camera"),
        }
        return folders[pairs]

    @property
    def held_out_learned(self) -> Path:
        """The half-size copies of the held-out pictures with the learned degradation."""
        return self.out / "held_out_learned"

    @property
    def held_out_fitted(self) -> Path:
        """The held-out pictures degraded by the fitted recipe, at half the size."""
        return self.out / "held_out_fitted"

    def photographs(self, part: str) -> Path:
        """Return the folder of a part of the photographs, as a user would have them."""
        return self.out / "photographs" / part

    def upscaled(self, method: str, seed: int) -> Path:
        """Return the folder of the held-out pictures upscaled by a method."""
        name = method.replace(" ", "_")
        return self.out / "upscaled" / (name if method == BICUBIC else f"{name}-seed{seed}")
