"""Bringing real pictures to the clean set's channel statistics, and translated ones back (DeFlow, sec. 4.3)."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from patina.data.domains import Domain
from patina.imaging.statistics import ChannelStatistics, match

PARTS = ("clean_image", "clean_condition", "real_image", "real_condition")


@dataclass(frozen=True)
class DomainStatistics:
    """The channel statistics of both domains, at image and at condition size; all images are RGB in [0, 1]."""

    clean_image: ChannelStatistics
    clean_condition: ChannelStatistics
    real_image: ChannelStatistics
    real_condition: ChannelStatistics

    @classmethod
    def of(cls, clean: Domain, real: Domain) -> "DomainStatistics":
        """Collect the statistics of two opened domains."""
        return cls(clean.image_statistics, clean.condition_statistics, real.image_statistics, real.condition_statistics)

    def without_matching(self) -> "DomainStatistics":
        """Return statistics under which every image stays as it is."""
        return DomainStatistics(self.clean_image, self.clean_condition, self.clean_image, self.clean_condition)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "DomainStatistics":
        """Read what `to_dict` wrote."""
        return cls(**{part: ChannelStatistics.from_dict(values[part]) for part in PARTS})

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values for a model file."""
        return {part: getattr(self, part).to_dict() for part in PARTS}

    def normalise_image(self, image: Tensor) -> Tensor:
        """Bring a real image ``[..., 3, H, W]`` to the clean images' statistics, clamped to [0, 1]."""
        return match(image, self.real_image, self.clean_image).clamp(0, 1)

    def normalise_condition(self, condition: Tensor) -> Tensor:
        """Bring a real image's condition to the clean conditions' statistics, clamped to [0, 1]."""
        return match(condition, self.real_condition, self.clean_condition).clamp(0, 1)

    def restore_real(self, image: Tensor) -> Tensor:
        """Bring an image in the clean set's statistics back to the real set's; not clamped."""
        return match(image, self.clean_image, self.real_image)
