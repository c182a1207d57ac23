"""Which squares a report shows: in pairs those of strong noise first, else quiet places that differ in noise alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.spatial.distance import cdist

from patina.fidelity.samples import PATCH, Shot
from patina.imaging.crop_and_pad import centre_crop
from patina.metrics.highpass import BLACK, CLIPPED, WHITE, low_pass

SCENES = 4
SIDE, QUIET_SIDE = 288, 128
"""Side of the squares in pixels: of pairs, and of quiet places, which larger ones would not find."""

TRIED = 4
"""Quiet squares of every picture among which those of like colour are looked for."""

ALIKE = 40.0
"""Grey levels that two places may have in unrest and differ in colour, together, unless there are no better ones."""


DIM, BRIGHT = 40, 220
"""Brightness below and above which noise is hardly seen; such places are shown where there are no others."""


@dataclass(frozen=True)
class Place:
    """A square of a picture.

    Attributes:
        shot: the picture's number.
        top, left: where it begins.
        colour: its mean, ``[3]``.
        unrest: deviation of its coarse part in grey levels; 255 more where noise is hardly seen.
    """

    shot: int
    top: int
    left: int
    colour: np.ndarray
    unrest: float


Pair = tuple[Place, Place]


@dataclass(frozen=True)
class Scene:
    """Three squares of one size that are shown beside each other.

    Attributes:
        name: of the clean and of the generated picture.
        clean, generated, real: ``[H, W, 3]`` float32, RGB, 0 to 255.
        strength: deviation of the real noise in grey levels.
    """

    name: str
    clean: np.ndarray
    generated: np.ndarray
    real: np.ndarray
    strength: float


def paired_scenes(clean: Sequence[Shot], generated: Sequence[Shot], real: Sequence[Shot]) -> list[Scene]:
    """Cut the middle out of a few pictures, evenly chosen from the strongest true noise to the weakest.

    Args:
        clean, generated, real: the same pictures in the same order.
    """
    scenes: dict[str, list[Scene]] = {}
    for shots in zip(clean, generated, real, strict=True):
        squares = [centre_crop(shot.pixels, min(SIDE, *shot.pixels.shape[:2])) for shot in shots]
        scenes.setdefault(shots[0].scene, []).append(Scene(shots[0].name, *squares, _strength(squares[2] - squares[0])))
    strongest = [_by_strength(each)[0] for each in scenes.values()]
    every = [scene for each in scenes.values() for scene in each]
    return _evenly(_by_strength(strongest if len(strongest) >= SCENES else every))


def quiet_scenes(clean: Sequence[Shot], generated: Sequence[Shot], real: Sequence[Shot]) -> list[Scene]:
    """Put quiet places of generated pictures beside quiet places of like colour in real ones, the most alike first.

    Args:
        clean, generated: the same pictures in the same order.
        real: others.
    """
    side = min(QUIET_SIDE, *(min(shot.pixels.shape[:2]) // PATCH * PATCH for shot in (*clean, *real)))
    scenes = []
    for own, other in _most_alike(clean, real, side):
        squares = [_square(shots, own, side) for shots in (clean, generated)]
        partner = _square(real, other, side)
        scenes.append(Scene(clean[own.shot].name, *squares, partner, _strength(partner)))
    return scenes


def _most_alike(clean: Sequence[Shot], real: Sequence[Shot], side: int) -> list[Pair]:
    """Pair quiet places of like colour, no picture twice, and no scene twice while there are others."""
    places = [_quiet(shots, side) for shots in (clean, real)]
    gaps = cdist(*(np.stack([place.colour for place in each]) for each in places))
    unrest = np.add.outer(*(np.array([place.unrest for place in each]) for each in places))
    apart = gaps + unrest
    order = np.argsort(apart, axis=None, kind="stable")
    order = order[apart.flat[order] <= max(ALIKE, apart.min())]

    def pairs() -> Iterator[Pair]:
        for own, other in zip(*np.unravel_index(order, apart.shape), strict=True):
            yield places[0][own], places[1][other]

    scenes = _distinct(pairs(), clean, real, lambda shot: shot.scene)
    return _distinct(chain(scenes, pairs()), clean, real, lambda shot: shot.name)


def _distinct(
    pairs: Iterable[Pair], clean: Sequence[Shot], real: Sequence[Shot], word: Callable[[Shot], str]
) -> list[Pair]:
    """Return the first pairs whose words for either picture are new."""
    kept: list[Pair] = []
    seen: set[tuple[str, str]] = set()
    for own, other in pairs:
        words = {("clean", word(clean[own.shot])), ("real", word(real[other.shot]))}
        if not words & seen:
            kept.append((own, other))
            seen |= words
        if len(kept) == SCENES:
            break
    return kept


def _quiet(shots: Sequence[Shot], side: int) -> list[Place]:
    """Return the quietest squares of every picture."""
    return [place for number, shot in enumerate(shots) for place in _quiet_of(shot.pixels, number, side)]


def _quiet_of(pixels: np.ndarray, number: int, side: int) -> list[Place]:
    coarse = low_pass(pixels)
    clipped = ((pixels <= BLACK) | (pixels >= WHITE)).astype(np.float32)
    colour, square, clipped = (_means(values, side // PATCH) for values in (coarse, coarse**2, clipped))
    unrest = np.sqrt((square - colour**2).clip(0)).mean(axis=-1)
    hidden = (clipped.mean(axis=-1) > CLIPPED) | (colour.mean(axis=-1) < DIM) | (colour.mean(axis=-1) > BRIGHT)
    unrest = np.where(hidden, 255 + unrest, unrest)
    quietest = np.argsort(unrest, axis=None, kind="stable")[:TRIED]
    found = zip(*np.unravel_index(quietest, unrest.shape), strict=True)
    return [Place(number, PATCH * y, PATCH * x, colour[y, x], float(unrest[y, x])) for y, x in found]


def _means(values: np.ndarray, count: int) -> np.ndarray:
    """Return the means of all squares of `count` patches' side, a patch apart: ``[rows, columns, C]``."""
    rows, columns = (length // PATCH for length in values.shape[:2])
    cut = values[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH, -1)
    return sliding_window_view(cut.mean(axis=(1, 3)), (count, count), axis=(0, 1)).mean(axis=(-2, -1))


def _square(shots: Sequence[Shot], place: Place, side: int) -> np.ndarray:
    return shots[place.shot].pixels[place.top : place.top + side, place.left : place.left + side]


def _strength(pixels: np.ndarray) -> float:
    """Return the deviation of the fine part; a median over squares, since edges are no noise."""
    fine = pixels - low_pass(pixels)
    tops, lefts = (range(0, length - PATCH + 1, PATCH) for length in pixels.shape[:2])
    return float(np.median([fine[top : top + PATCH, left : left + PATCH].std() for top in tops for left in lefts]))


def _by_strength(scenes: Sequence[Scene]) -> list[Scene]:
    return sorted(scenes, key=lambda scene: -scene.strength)


def _evenly(scenes: Sequence[Scene]) -> list[Scene]:
    chosen = np.linspace(0, len(scenes) - 1, min(SCENES, len(scenes))).round().astype(int)
    return [scenes[index] for index in chosen]
