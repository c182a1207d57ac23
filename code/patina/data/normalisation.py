"""Matches the channel statistics of the domains: real pictures to the clean set's and back (DeFlow, sec. 4.3)."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from patina.data.domains import Domain, ImageDomain
from patina.imaging.channel_statistics import ChannelStatistics, match
from patina.system.typed_values import typed

UNMATCHED = ChannelStatistics((0.0, 0.0, 0.0), (255.0, 255.0, 255.0), 0)
"""Statistics of both domains if nothing is matched: every image stays unchanged."""

S = TypeVar("S", bound="ImageStatistics")


@dataclass(frozen=True)
class ImageStatistics:
    """The channel statistics of both domains' images; all images are RGB in [0, 1]."""

    clean_image: ChannelStatistics
    real_image: ChannelStatistics

    @classmethod
    def of(cls, clean: ImageDomain, real: ImageDomain) -> "ImageStatistics":
        """Collect the statistics of two opened domains."""
        return cls(clean.image_statistics, real.image_statistics)

    @property
    def is_matched(self) -> bool:
        """Whether the domains' colours differ, so that images are moved from one to the other."""
        return self.clean_image != self.real_image

    @property
    def shift(self) -> np.ndarray:
        """How much matching moves the average colours of translated images: R, G, B in grey levels of 255."""
        return np.subtract(self.real_image.mean, self.clean_image.mean)

    @classmethod
    def from_dict(cls: type[S], values: dict[str, Any]) -> S:
        """Read what `to_dict` wrote.

        Raises:
            Malformed: a part is missing, or is not of its type.
        """
        return typed(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values for a model file."""
        return {part.name: getattr(self, part.name).to_dict() for part in fields(self)}

    def normalise_image(self, image: Tensor) -> Tensor:
        """Match a real image ``[..., 3, H, W]`` to the clean images' statistics, clamped to [0, 1]."""
        return self.normalise_noisy(image).clamp(0, 1)

    def normalise_noisy(self, image: Tensor) -> Tensor:
        """Do the same to an image with noise, without clamping: clipped noise would reveal the domain."""
        return match(image, self.real_image, self.clean_image)

    def restore_real(self, image: Tensor) -> Tensor:
        """Match an image with the clean set's statistics to the real set's, not clamped."""
        return match(image, self.clean_image, self.real_image)


@dataclass(frozen=True)
class DomainStatistics(ImageStatistics):
    """The channel statistics of both domains, for images and for conditions."""

    clean_condition: ChannelStatistics
    real_condition: ChannelStatistics

    @classmethod
    def of_domains(cls, clean: Domain, real: Domain) -> "DomainStatistics":
        """Collect the statistics of two opened domains."""
        return cls(
            clean_image=clean.image_statistics,
            clean_condition=clean.condition_statistics,
            real_image=real.image_statistics,
            real_condition=real.condition_statistics,
        )

    def without_matching(self) -> "DomainStatistics":
        """Return statistics that leave every image unchanged."""
        return DomainStatistics(
            clean_image=self.clean_image,
            clean_condition=self.clean_condition,
            real_image=self.clean_image,
            real_condition=self.clean_condition,
        )

    def normalise_condition(self, condition: Tensor) -> Tensor:
        """Match a real image's condition to the clean conditions' statistics, clamped to [0, 1]."""
        return match(condition, self.real_condition, self.clean_condition).clamp(0, 1)
