"""Exact channel statistics of picture sets, and matching of pictures from one set's statistics to another's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patina.system.typed_values import typed

if TYPE_CHECKING:
    import torch

_CHUNK = 1 << 20  # 65535² times this stays below 2^53, so float64 sums of integers are exact
_UNIT = 257  # 16-bit values per 8-bit value: 65535 / 255

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class ChannelStatistics:
    """Mean and population standard deviation per channel.

    Attributes:
        mean, std: R, G, B in units of 0 to 255 (16-bit values are divided by 257).
        pixels: number of pixels described.
    """

    mean: Triple
    std: Triple
    pixels: int

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (*self.mean, *self.std)) or min(*self.std, self.pixels) < 0:
            raise ValueError(f"expected finite numbers, none but the mean below 0, found {self.mean} and {self.std}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, for JSON and YAML."""
        return {"mean": list(self.mean), "std": list(self.std), "pixels": self.pixels}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ChannelStatistics:
        """Undo `to_dict`.

        Raises:
            Malformed: a key is missing, or a value is not three numbers.
        """
        return typed(cls, dict(values))


def _triple(values: Any) -> Triple:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


class StatisticsAccumulator:
    """Sums pictures in integers, so the result depends neither on their order nor on how work is divided."""

    def __init__(self, pixels: int = 0, sums: tuple[int, ...] = (0, 0, 0), squares: tuple[int, ...] = (0, 0, 0)):
        """Start from earlier sums; `sums` and `squares` are per channel, in 16-bit units."""
        self.pixels, self.sums, self.squares = pixels, tuple(sums), tuple(squares)

    def add(self, pixels: np.ndarray) -> None:
        """Add a picture ``[..., 3]``, uint8 or uint16.

        Raises:
            TypeError: the pixels have another dtype or shape.
        """
        if pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[-1] != 3:
            raise TypeError(f"expected [..., 3] uint8 or uint16 pixels, got {pixels.shape} {pixels.dtype}")
        unit = _UNIT if pixels.dtype == np.uint8 else 1
        flat = pixels.reshape(-1, 3)
        for start in range(0, len(flat), _CHUNK):
            self.merge(_sum_up(flat[start : start + _CHUNK], unit))

    def merge(self, other: StatisticsAccumulator) -> None:
        """Add all pictures that were added to `other`."""
        self.pixels += other.pixels
        self.sums = tuple(a + b for a, b in zip(self.sums, other.sums, strict=True))
        self.squares = tuple(a + b for a, b in zip(self.squares, other.squares, strict=True))

    def result(self) -> ChannelStatistics:
        """Return the statistics of all pictures added.

        Raises:
            ValueError: no picture was added.
        """
        if self.pixels == 0:
            raise ValueError("no pixels were added")
        mean = [total / (self.pixels * _UNIT) for total in self.sums]
        std = [
            math.sqrt((self.pixels * square - total * total) / (self.pixels * _UNIT) ** 2)
            for total, square in zip(self.sums, self.squares, strict=True)
        ]
        return ChannelStatistics(_triple(mean), _triple(std), self.pixels)

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as plain numbers, for JSON."""
        return {"pixels": self.pixels, "sums": list(self.sums), "squares": list(self.squares)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StatisticsAccumulator:
        """Undo `to_dict`."""
        return cls(values["pixels"], tuple(values["sums"]), tuple(values["squares"]))


def _sum_up(pixels: np.ndarray, unit: int) -> StatisticsAccumulator:
    channels = np.ascontiguousarray(pixels.T, dtype=np.float64)
    sums = tuple(int(channel.sum()) * unit for channel in channels)
    # einsum rather than a dot product: BLAS would wake threads for it, which costs more than the sum.
    squares = tuple(int(np.einsum("i,i", channel, channel)) * unit * unit for channel in channels)
    return StatisticsAccumulator(len(pixels), sums, squares)


def match(image: torch.Tensor, source: ChannelStatistics, target: ChannelStatistics) -> torch.Tensor:
    """Scale and shift every channel from one set's mean and standard deviation to another's, without clamping.

    Args:
        image: ``[..., 3, H, W]`` in [0, 1].
        source: statistics of `image`'s set; a channel with zero standard deviation is only shifted.
        target: the statistics to match.
    """
    gains = [t / s if s > 0 else 1.0 for s, t in zip(source.std, target.std, strict=True)]
    shifts = [t - s * gain for s, t, gain in zip(source.mean, target.mean, gains, strict=True)]
    gain = image.new_tensor(gains).view(3, 1, 1)
    shift = image.new_tensor(shifts).view(3, 1, 1) / 255
    return image * gain + shift
