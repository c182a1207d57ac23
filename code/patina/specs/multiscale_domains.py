"""DeFlow's training data: multi-scale sets of two domains."""

from pathlib import Path
from typing import Any

from pydantic import model_validator

from patina.conditions.condition_map import ConditionMap
from patina.data.condition_files import prepare_conditions
from patina.data.domains import Domain, open_domain
from patina.data.normalisation import DomainStatistics
from patina.settings import PositiveInt, Schema, Settings, either
from patina.specs.learned_spec import BalancedData


class DomainSettings(Settings):
    """One domain as a multi-scale set written by `patina prepare`, in folders or tars.

    May be given as a plain path, the `folder`.
    """

    folder: Path
    """Folder of the set, with subfolders `1x/`, `8x/` and so on, or tars of it (`real-{000000..000009}.tar`)."""

    image_scale: PositiveInt = 1
    """Scale of the images: 1 reads `1x/`, 2 reads `2x/`. Conditions are read from the scale `image_scale` times
    `model.scale`."""

    @model_validator(mode="before")
    @classmethod
    def _folder_alone(cls, value: Any) -> Any:
        """Expand a plain path."""
        return {"folder": value} if isinstance(value, str | Path) else value

    @classmethod
    def as_written(cls, schema: Schema) -> Schema:
        """Allow a plain path."""
        return either(schema, {"type": "string"})

    @property
    def images(self) -> Path:
        """The folder of the images, or their scale of a set in tars (``set.tar/1x``)."""
        return self.folder / f"{self.image_scale}x"

    def open(self, name: str, h: ConditionMap) -> Domain:
        """Open the set as a domain called `name`; conditions for `h` that the set lacks are computed and written."""
        if h.is_prepared:
            return open_domain(name, self.folder, self.image_scale, h.scale)
        return open_domain(
            name, self.folder, self.image_scale, h.whole_scale, lambda images: prepare_conditions(images, h)
        )


class UnpairedData(BalancedData):
    """Two unpaired domains as multi-scale sets: images and their conditions."""

    clean: DomainSettings
    """The clean domain (X)."""

    real: DomainSettings
    """The real domain (Y)."""

    patch: PositiveInt = 160
    """Side of a training crop, in pixels; a multiple of `model.scale` and of 2 to the power of `model.levels`."""

    batch: PositiveInt = 8
    """Images in a batch, both domains together; an even number."""

    flip: bool = True
    """Flip half of the crops horizontally."""

    def open(self, h: ConditionMap) -> tuple[Domain, Domain]:
        """Open the training domains, clean and real."""
        return self.clean.open("clean", h), self.real.open("real", h)

    def statistics(self, clean: Domain, real: Domain) -> DomainStatistics:
        """Return the domains' channel statistics; without matching, both are equal."""
        statistics = DomainStatistics.of_domains(clean, real)
        return statistics if self.match_statistics else statistics.without_matching()


class UnpairedValidation(Settings):
    """Held-out sets for validation; without them, validation uses training images."""

    clean: DomainSettings | None = None
    """The clean validation set. null: the clean training set."""

    real: DomainSettings | None = None
    """The real validation set. null: the real training set."""

    pictures: PositiveInt = 4
    """Number of images of each domain that are measured and shown."""

    crop: PositiveInt = 160
    """Side of the centre crop taken from every image, in pixels; a multiple of the same numbers as `data.patch`."""
