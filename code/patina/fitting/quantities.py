"""Measures in the units that people know: what is told of a photo, and how photos and fitted pictures differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from patina.fitting.edges import DIRECTIONS, edge_std

Values: TypeAlias = Mapping[str, np.ndarray]
"""Measures by name, one value for each photo."""


@dataclass(frozen=True)
class MeasuredSets:
    """The measures of all pictures of a fit.

    Attributes:
        names: of the measures, ``[k]``.
        photos: ``[n, k]``.
        fitted: of fitted pictures, ``[N, k]``; the clean ones where nothing was found.
        clean: of clean pictures that are only brought to the photos' size, ``[M, k]``.
    """

    names: tuple[str, ...]
    photos: np.ndarray
    fitted: np.ndarray
    clean: np.ndarray

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The measures of every set, by the sets' names."""
        return {"photos": self.photos, "fitted": self.fitted, "clean": self.clean}

    def by_name(self, measures: np.ndarray) -> dict[str, np.ndarray]:
        """Return the columns of one of the arrays by name."""
        return dict(zip(self.names, measures.T, strict=True))


@dataclass(frozen=True)
class Quantity:
    """A number that a reader understands.

    Attributes:
        key: name in files.
        group: the group of measures that it stands for, see `patina.fitting.agreement.GROUPS`.
        sentence: tells the photos' value, ``{real}``, beside the fitted pictures', ``{fitted}``.
        value: of measures by name.
        digits: behind the point.
    """

    key: str
    group: str
    sentence: str
    value: Callable[[Values], np.ndarray]
    digits: int = 0

    def of_one(self, measures: Mapping[str, float]) -> float:
        """Return the value of the measures of one picture, or of a set's mean ones."""
        return float(self.value(as_arrays(measures)))

    def shown(self, measures: Mapping[str, float]) -> str:
        """Return `of_one` as text."""
        return f"{round(self.of_one(measures), self.digits) + 0.0:.{self.digits}f}"  # never -0


def as_arrays(measures: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return the measures of one picture as the functions of this module take them."""
    return {name: np.asarray(value) for name, value in measures.items()}


def noise_std(measures: Values) -> np.ndarray:
    """Return the std of the luma noise in smooth places, in grey levels."""
    return np.exp(measures["y.variance"] / 2)


def colour_noise_std(measures: Values) -> np.ndarray:
    """Return the std of the chroma noise in smooth places, in grey levels."""
    return np.sqrt((np.exp(measures["b.variance"]) + np.exp(measures["r.variance"])) / 2)


def noise_correlation(measures: Values, distance: int = 1, channels: str = "y") -> np.ndarray:
    """Return the correlation of the noise of pixels so far apart, mean of both axes."""
    names = [f"{channel}.correlation{place}" for channel in channels for place in (f"0,{distance}", f"{distance},0")]
    return np.mean([measures[name] for name in names], axis=0)


def edge_blur(measures: Values, directions: Sequence[int] = range(DIRECTIONS)) -> np.ndarray:
    """Return the std in pixels of the Gaussian whose edges are as wide, mean over directions across the edges."""
    return np.mean([edge_std(np.exp(-2 * measures[f"edge.width{number}"])) for number in directions], axis=0)


def overshoot(measures: Values) -> np.ndarray:
    """Return how far edges overshoot on either side, as a fraction of their height."""
    return (measures["edge.over"] + measures["edge.under"]) / 2


def _quietest_noise(measures: Values) -> np.ndarray:
    return np.exp(measures["y.0d.q10"] / 2)


def _shared_noise(measures: Values, distance: int, channels: str) -> np.ndarray:
    return 100 * noise_correlation(measures, distance, channels)


def _shared_by_channels(measures: Values) -> np.ndarray:
    return 100 * np.mean([measures[name] for name in ("rg", "rb", "gb")], axis=0)


def _noise_of_level(measures: Values, level: int) -> np.ndarray:
    return 100 * np.exp(measures[f"y.0d.level{level}"] / 2)


def _percent(measures: Values, name: str) -> np.ndarray:
    return 100 * measures[name]


def _block_steps(measures: Values) -> np.ndarray:
    return 100 * (np.exp((measures["y.blocks_x"] + measures["y.blocks_y"]) / 2) - 1)


def _erased_detail(measures: Values) -> np.ndarray:
    return 100 * (np.exp(measures["y.zeros66"]) - 0.02).clip(0, 1)


QUANTITIES = (
    Quantity(
        "noise_std", "noise strength",
        "noise and faint texture of smooth places have a std of {real} grey levels (0 to 255) in real photos, "
        "{fitted} in fitted ones",
        noise_std, 1,
    ),
    Quantity(
        "quietest_noise_std", "noise strength",
        "where they are quietest, real photos vary by {real} levels from pixel to pixel, fitted ones by {fitted}",
        _quietest_noise, 1,
    ),
    *(
        Quantity(
            f"noise_correlation_{distance}", "noise grain",
            f"pixels {words} share {{real}} % of their noise in real photos, {{fitted}} % in fitted ones",
            partial(_shared_noise, distance=distance, channels="y"),
        )
        for distance, words in ((1, "side by side"), (2, "two apart"), (3, "three apart"))
    ),
    Quantity(
        "colour_noise_std", "colour noise",
        "the colours of smooth places vary by a std of {real} grey levels (0 to 255) in real photos, "
        "{fitted} in fitted ones",
        colour_noise_std, 1,
    ),
    Quantity(
        "channel_correlation", "colour noise",
        "red, green and blue share {real} % of their noise in real photos, {fitted} % in fitted ones (100 %: grey)",
        _shared_by_channels,
    ),
    *(
        Quantity(
            f"colour_noise_correlation_{distance}", "colour blotches",
            f"pixels {words} share {{real}} % of their colour noise in real photos, {{fitted}} % in fitted ones",
            partial(_shared_noise, distance=distance, channels="br"),
        )
        for distance, words in ((1, "side by side"), (3, "three apart"))
    ),
    *(
        Quantity(
            f"{key}_noise", "noise by brightness",
            f"{words} places of real photos have {{real}} % of the noise of the whole photo, "
            "those of fitted ones {fitted} %",
            partial(_noise_of_level, level=level),
        )
        for key, words, level in (("dark", "dark", 0), ("bright", "bright", 160))
    ),
    *(
        Quantity(
            f"edge_blur_{key}", "edge sharpness",
            f"{words} edges of real photos are as soft as sharp edges after a Gaussian blur of std {{real}} pixels, "
            "those of fitted ones after {fitted} pixels",
            partial(edge_blur, directions=directions), 2,
        )
        for key, words, directions in (
            ("x", "vertical", (0,)), ("y", "horizontal", (2,)), ("diagonal", "diagonal", (1, 3)),
        )
    ),
    *(
        Quantity(
            f"overshoot_{key}", "halos at edges",
            f"real edges overshoot by {{real}} % of their height on their {key} side, fitted ones by {{fitted}} %",
            partial(_percent, name=name), 1,
        )
        for key, name in (("bright", "edge.over"), ("dark", "edge.under"))
    ),
    Quantity(
        "block_steps", "block artefacts",
        "steps at the borders of 8x8 blocks are {real} % larger than others in real photos, {fitted} % in fitted ones",
        _block_steps,
    ),
    Quantity(
        "erased_detail", "block artefacts",
        "the finest detail is missing in {real} % of the 8x8 blocks of real photos, in {fitted} % of fitted ones",
        _erased_detail,
    ),
)  # fmt: skip
"""For each group of measures one number or more, the most telling one first."""


def most_different(sets: MeasuredSets, quantities: Sequence[Quantity]) -> Quantity:
    """Return the quantity in which fitted pictures and photos differ most, in standard errors.

    Differences that the digits shown do not show come last.
    """
    photos, fitted = sets.by_name(sets.photos), sets.by_name(sets.fitted)

    def rank(quantity: Quantity) -> tuple[bool, float]:
        real, own = quantity.value(photos), quantity.value(fitted)
        error = np.sqrt(real.var() / len(real) + own.var() / len(own)) + 1e-9
        is_shown = quantity.shown(means(photos)) != quantity.shown(means(fitted))
        return is_shown, abs(float(real.mean() - own.mean())) / error

    return max(quantities, key=rank)


def means(measures: Values) -> dict[str, float]:
    """Return the mean of every measure."""
    return {name: float(values.mean()) for name, values in measures.items()}
