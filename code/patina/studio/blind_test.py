"""Which one is real? Pairs of a photo's crop and a degraded one, in random order, and how often the guess was right."""

import math
import secrets
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from patina.errors import PatinaError, PictureError
from patina.imaging.value_spaces import to_eight_bit
from patina.studio.photo_sets import CropCache, PhotoSet
from patina.studio.tuned_recipe import TunedRecipe

SIDE = 192
"""Longest side in pixels of the crops that are compared."""

_TRIES = 8
"""Places that are tried to find one with something to see."""

_PLAIN = 6.0
"""Std in grey levels below which a crop shows nothing but noise and sky."""

_ENOUGH = 20
"""Answers from which on the count says something."""


@dataclass
class BlindTest:
    """The questions and answers of one tab.

    Attributes:
        right, asked: answers so far.
    """

    right: int = 0
    asked: int = 0
    _open: dict[str, int] = field(default_factory=dict)

    def question(
        self, real: PhotoSet, clean: PhotoSet, tuned: TunedRecipe, crops: CropCache, device: str
    ) -> tuple[str, list[np.ndarray]]:
        """Return a new question: its name, and two crops of equal size, ``[H, W, 3]`` uint8, one of them real.

        Raises:
            PatinaError: there are no photos or clean images, or the recipe cannot be used on them.
        """
        rng = np.random.default_rng(secrets.randbits(64))
        photo = _crop(rng, real, crops, SIDE, 8)
        scale = tuned.scale
        source = _crop(rng, clean, crops, SIDE * scale, 8 * scale)
        made = tuned.degraded(source, seed=int(rng.integers(2**31)), device=device)
        height, width = (min(pair) for pair in zip(photo.shape[:2], made.shape[:2], strict=True))
        shown = [to_eight_bit(pixels[:height, :width]) for pixels in (photo, made)]
        name, place = secrets.token_hex(8), int(rng.integers(2))
        self._open = {name: place}
        return name, shown if place == 0 else shown[::-1]

    def answer(self, name: str, place: int) -> dict[str, Any]:
        """Count the answer that the image at `place`, 0 or 1, is real; every question counts once.

        Raises:
            PatinaError: the question was answered already, or is none of this tab.
        """
        if name not in self._open:
            raise PatinaError("this question was answered already; ask for the next one")
        real = self._open.pop(name)
        self.asked += 1
        self.right += place == real
        return {"real": real, **self.to_dict()}

    def to_dict(self) -> dict[str, Any]:
        """Return the count and what it says."""
        return {"right": self.right, "asked": self.asked, "verdict": verdict(self.right, self.asked)}


def verdict(right: int, asked: int) -> str:
    """Say what a count of right answers means: how likely pure guessing does as well (binomial, one-sided)."""
    if not asked:
        return "Nothing was answered yet."
    chance = sum(math.comb(asked, count) for count in range(right, asked + 1)) / 2**asked
    told = f"{right} of {asked} right; guessing alone does as well in {chance:.0%} of such tests."
    if asked < _ENOUGH:
        return f"{told} Answer {_ENOUGH} or more before you rely on it."
    if chance < 0.05:
        return f"{told} You see a difference: look at what gave the fitted images away, and change that."
    return f"{told} You do not see a difference."


def _crop(rng: np.random.Generator, photos: PhotoSet, crops: CropCache, side: int, multiple: int) -> np.ndarray:
    """Return a crop of a random image at a random place, where there is something to see if a few tries find it."""
    sources = photos.sources
    if not sources:
        raise PatinaError("the test needs photos and clean images; add them under Photos first")
    found: np.ndarray | None = None
    for _ in range(_TRIES):
        source = sources[int(rng.integers(len(sources)))]
        x, y = rng.uniform(0.1, 0.9, 2)
        try:
            found = crops.crop(source.path, (float(x), float(y)), side, multiple)
        except PictureError:
            continue
        if float(to_eight_bit(found).std()) > _PLAIN:
            break
    if found is None:
        raise PatinaError(f"none of the images tried is large enough; expected {multiple} pixels on each side")
    return found
