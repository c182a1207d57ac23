"""The configuration in a DeFlow's model file."""

from typing import Annotated

from pydantic import Field, model_validator

from patina.conditions.steps import HStep, published_steps, scale_of
from patina.models.deflow import DeFlowArchitecture
from patina.settings import Settings


class DeFlowConfiguration(Settings):
    """The configuration in a DeFlow's model file."""

    architecture: DeFlowArchitecture
    """Size of the network."""

    condition_noise: Annotated[float, Field(ge=0, le=10)] | None = None
    """Noise of the published map h, std in [0, 1]."""

    h: Annotated[tuple[HStep, ...], Field(max_length=32)] | None = None
    """Steps of any other map h."""

    @property
    def steps(self) -> tuple[HStep, ...]:
        """The steps of the map h."""
        return self.h or published_steps(self.architecture.scale, self.condition_noise or 0)

    @model_validator(mode="after")
    def _is_whole(self) -> "DeFlowConfiguration":
        if (self.h is None) == (self.condition_noise is None):
            raise ValueError("expected either h or condition_noise")
        if scale_of(self.steps) != self.architecture.scale:
            raise ValueError(f"h downscales by {scale_of(self.steps)}, the network by {self.architecture.scale}")
        return self
