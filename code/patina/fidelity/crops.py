"""The crops of a report: pairs from the strongest noise to the weakest, or unpaired places of similar colour."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.spatial.distance import cdist

from patina.fidelity.samples import MIN_SIDE, PATCH, Sample
from patina.imaging.crop_and_pad import centre_crop
from patina.metrics.highpass import BLACK, CLIPPED, WHITE, low_pass

COUNT = 4
"""Crops of a report."""

SIDE, QUIET_SIDE, QUIET_PART = 288, 128, 3
"""Largest side of the crops in pixels: of pairs, and of quiet places, which are rarely larger. Those are also no larger
than a third of the smallest image, as more of it is hardly ever smooth."""

CANDIDATES = 4
"""Quiet places of every image among which similar colours are looked for."""

SIMILAR = 100.0
"""Largest difference of two places in 8-bit units (colour, and textures by their weight), unless there are no better
ones."""

FINE_SIGMA, COARSE_SIGMA = 1.5, 8.0
"""Stds in pixels of the Gaussians between which texture is measured: the first leaves grass and hair, but only a fifth
of white noise; what the second leaves are the slow shades of a sky or a wall."""

TEXTURE_WEIGHT = 3.0
"""Texture in a place disturbs more than another colour does: it hides noise, or is taken for it."""

DIM, BRIGHT = 40, 220
"""Brightness below and above which noise is hardly visible; such places are shown only if there are no others."""


@dataclass(frozen=True)
class Place:
    """A square in an image.

    Attributes:
        index: index of the image in its set.
        top, left: position of the square.
        colour: its mean colour, ``[3]``.
        texture: std of its texture in 8-bit units; 255 more where noise is hardly visible.
    """

    index: int
    top: int
    left: int
    colour: np.ndarray
    texture: float


PlacePair = tuple[Place, Place]

_Choice = Callable[[np.ndarray, int, int], list[Place]]
"""Chooses places of an image, given its pixels, its index and their side."""


@dataclass(frozen=True)
class Crop:
    """Three crops of one size that are shown side by side.

    Attributes:
        name: name of the clean and of the generated image.
        clean, generated, real: ``[H, W, 3]`` float32, RGB, 0 to 255.
        strength: standard deviation of the real noise in 8-bit units.
    """

    name: str
    clean: np.ndarray
    generated: np.ndarray
    real: np.ndarray
    strength: float


def paired_crops(clean: Sequence[Sample], generated: Sequence[Sample], real: Sequence[Sample]) -> list[Crop]:
    """Crop the middle of a few images, evenly spaced from the strongest real noise to the weakest.

    Args:
        clean, generated, real: the same images in the same order.
    """
    by_scene: dict[str, list[Crop]] = {}
    for samples in zip(clean, generated, real, strict=True):
        own, degraded, true = (centre_crop(sample.pixels, min(SIDE, *sample.pixels.shape[:2])) for sample in samples)
        crop = Crop(samples[0].name, own, degraded, true, _noise_strength(true - own))
        by_scene.setdefault(samples[0].scene, []).append(crop)
    strongest = [_by_strength(crops)[0] for crops in by_scene.values()]
    everything = [crop for crops in by_scene.values() for crop in crops]
    return _evenly_spaced(_by_strength(strongest if len(strongest) >= COUNT else everything))


def quiet_crops(clean: Sequence[Sample], generated: Sequence[Sample], real: Sequence[Sample]) -> list[Crop]:
    """Match quiet places of generated images with quiet places of similar colour in real ones, the most similar first.

    Args:
        clean, generated: the same images in the same order.
        real: other images.
    """
    return _unpaired_crops(clean, generated, real, _quietest)


def busy_crops(clean: Sequence[Sample], generated: Sequence[Sample], real: Sequence[Sample]) -> list[Crop]:
    """Match places of strong contrast, where blur and sharpening show; otherwise as `quiet_crops`."""
    return _unpaired_crops(clean, generated, real, _busiest)


def _unpaired_crops(
    clean: Sequence[Sample], generated: Sequence[Sample], real: Sequence[Sample], choose: _Choice
) -> list[Crop]:
    smallest = min(min(sample.pixels.shape[:2]) for sample in (*clean, *real))
    side = min(QUIET_SIDE, max(smallest // QUIET_PART, MIN_SIDE) // PATCH * PATCH)
    crops = []
    for own, other in _most_similar(clean, real, side, choose):
        partner = _crop_at(real, other, side)
        pixels, degraded = (_crop_at(samples, own, side) for samples in (clean, generated))
        crops.append(Crop(clean[own.index].name, pixels, degraded, partner, _noise_strength(partner)))
    return crops


def _most_similar(clean: Sequence[Sample], real: Sequence[Sample], side: int, choose: _Choice) -> list[PlacePair]:
    """Pair places of similar colour; no image occurs twice, and no scene while there are others."""
    places = [
        [place for index, sample in enumerate(samples) for place in choose(sample.pixels, index, side)]
        for samples in (clean, real)
    ]
    own, other = (np.stack([place.colour for place in found]) for found in places)
    textures = [np.array([place.texture for place in found]) for found in places]
    difference = cdist(own, other) + TEXTURE_WEIGHT * np.add.outer(*textures)
    order = np.argsort(difference, axis=None, kind="stable")
    order = order[difference.flat[order] <= max(SIMILAR, difference.min())]

    def pairs() -> Iterator[PlacePair]:
        for own, other in zip(*np.unravel_index(order, difference.shape), strict=True):
            yield places[0][own], places[1][other]

    by_scene = _distinct(pairs(), clean, real, lambda sample: sample.scene)
    return _distinct(chain(by_scene, pairs()), clean, real, lambda sample: sample.name)


def _distinct(
    pairs: Iterable[PlacePair], clean: Sequence[Sample], real: Sequence[Sample], key: Callable[[Sample], str]
) -> list[PlacePair]:
    """Return the first pairs whose images both have new keys."""
    kept: list[PlacePair] = []
    seen: set[tuple[str, str]] = set()
    for own, other in pairs:
        keys = {("clean", key(clean[own.index])), ("real", key(real[other.index]))}
        if not keys & seen:
            kept.append((own, other))
            seen |= keys
        if len(kept) == COUNT:
            break
    return kept


def _quietest(pixels: np.ndarray, index: int, side: int) -> list[Place]:
    """Return the quietest places of an image, the best first."""
    return _places(pixels, index, side, 1)[:CANDIDATES]


def _busiest(pixels: np.ndarray, index: int, side: int) -> list[Place]:
    """Return the places of an image with the strongest contrasts; their texture is no reason against them."""
    return [replace(place, texture=0.0) for place in _places(pixels, index, side, -1)[:CANDIDATES]]


def _places(pixels: np.ndarray, index: int, side: int, sign: int) -> list[Place]:
    """Return the places of an image by their texture, upwards for the sign 1 and downwards for -1."""
    band = low_pass(pixels, FINE_SIGMA) - low_pass(pixels, COARSE_SIGMA)
    clipped = ((pixels <= BLACK) | (pixels >= WHITE)).astype(np.float32)
    colour, square, clipped = (_means(values, side // PATCH) for values in (pixels, band**2, clipped))
    texture = np.sqrt(square).mean(axis=-1)
    hidden = (clipped.mean(axis=-1) > CLIPPED) | (colour.mean(axis=-1) < DIM) | (colour.mean(axis=-1) > BRIGHT)
    texture = np.where(hidden, 255 * sign + texture, texture)
    order = np.argsort(sign * texture, axis=None, kind="stable")
    found = zip(*np.unravel_index(order, texture.shape), strict=True)
    return [Place(index, PATCH * y, PATCH * x, colour[y, x], float(texture[y, x])) for y, x in found]


def _means(values: np.ndarray, count: int) -> np.ndarray:
    """Return the means of all squares of `count` x `count` patches, one patch apart: ``[rows, columns, C]``."""
    rows, columns = (length // PATCH for length in values.shape[:2])
    whole = values[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH, -1)
    return sliding_window_view(whole.mean(axis=(1, 3)), (count, count), axis=(0, 1)).mean(axis=(-2, -1))


def _crop_at(samples: Sequence[Sample], place: Place, side: int) -> np.ndarray:
    return samples[place.index].pixels[place.top : place.top + side, place.left : place.left + side]


def _noise_strength(pixels: np.ndarray) -> float:
    """Return the standard deviation of the high-pass part; the median over patches, because edges are no noise."""
    fine = pixels - low_pass(pixels)
    tops, lefts = (range(0, length - PATCH + 1, PATCH) for length in pixels.shape[:2])
    return float(np.median([fine[top : top + PATCH, left : left + PATCH].std() for top in tops for left in lefts]))


def _by_strength(crops: Sequence[Crop]) -> list[Crop]:
    return sorted(crops, key=lambda crop: -crop.strength)


def _evenly_spaced(crops: Sequence[Crop]) -> list[Crop]:
    chosen = np.linspace(0, len(crops) - 1, min(COUNT, len(crops))).round().astype(int)
    return [crops[index] for index in chosen]
