"""Look at a learned degradation: both translations, and samples from both domains."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from patina.degradations.learned_degradation import LearnedDegradation
from patina.imaging.crops import middle
from patina.imaging.picture_files import read_picture, to_eight_bit, to_pixels, to_tensor, write_picture
from patina.models.labels import CLEAN, REAL
from patina.seeding import derive, numpy_rng

NAMES = {CLEAN: "X", REAL: "Y"}
SHEET_SIDE = 256


def _show(degradation: LearnedDegradation, path: Path, source: int, out: Path, seed: int) -> list[np.ndarray]:
    """Write one picture's translation and samples; return its row of the sheet."""
    pixels = read_picture(path, alpha="refuse").pixels
    image, row = to_tensor(pixels), [to_eight_bit(middle(pixels, SHEET_SIDE))]
    for folder, result in _results(degradation, image, source, derive(seed, path.name)):
        shown = to_pixels(result, np.uint8)
        write_picture(out / folder / f"{path.stem}.png", shown)
        row.append(middle(shown, SHEET_SIDE))
    return row


def _results(degradation: LearnedDegradation, image: Tensor, source: int, key: int) -> Iterator[tuple[str, Tensor]]:
    target = 1 - source
    parameters = degradation.draw(numpy_rng(key, "parameters"))
    yield f"{NAMES[source]}_to_{NAMES[target]}", degradation.apply(image, parameters, key)
    for domain in (CLEAN, REAL):
        yield f"{NAMES[domain]}_sample", degradation.sample(image, domain, key)
