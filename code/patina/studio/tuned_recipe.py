"""A recipe under the user's hands: its numbers, its profiles, what it does to a crop, and its YAML."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from patina.degradations.blocks import LearnedBlock
from patina.degradations.execution import Engine, apply_plan
from patina.degradations.recipe import Recipe, parse_recipe
from patina.degradations.recipe_files import with_absolute_files
from patina.degradations.recipe_text import comment, recipe_text
from patina.errors import PatinaError
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.pipelines.recipe_choice import with_engine
from patina.settings import require_block
from patina.studio.tunable_numbers import TunableNumber, at_end, has_profiles, profile, tunable_numbers, with_changes
from patina.system.yaml_files import parsed_yaml

Changes = Mapping[str, Sequence[float]]
"""Lowest and highest values, by the key of a range."""

Which = Literal["drawn", "mildest", "strongest"]
"""Which version of the result: with drawn numbers, or with one range at an end."""

_PROFILE = re.compile(r"^(\s*- weight: \S+)(?:  # (.*))?$", re.MULTILINE)
"""The first line of a profile, and the comment that names its photo."""


@dataclass(frozen=True)
class TunedRecipe:
    """A recipe that sliders change.

    Attributes:
        name: what the page calls it.
        text: its YAML, as it was fitted or read.
        values: the same as plain values, with absolute paths.
        changes: what was changed of it.
    """

    name: str
    text: str
    values: dict[str, Any]
    changes: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, text: str, base: Path) -> "TunedRecipe":
        """Read a recipe; `base` is the folder that relative paths in it start from.

        Raises:
            PatinaError: it is not valid.
        """
        values = require_block(parsed_yaml(text, name), name)
        parse_recipe(values, name)
        return cls(name, text, with_absolute_files(values, base))

    def changed(self, changes: Changes) -> "TunedRecipe":
        """Return the recipe with these changes in place of earlier ones.

        Raises:
            PatinaError: a range is unknown or a value outside of its limits.
        """
        parse_recipe(with_changes(self.values, changes), self.name)
        return replace(self, changes={key: [float(end) for end in ends] for key, ends in changes.items()})

    @cached_property
    def numbers(self) -> list[TunableNumber]:
        """The ranges of the recipe before any change."""
        return tunable_numbers(self.values)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe as it is after the changes."""
        return parse_recipe(with_changes(self.values, self.changes), self.name)

    @property
    def scale(self) -> int:
        """How many times smaller the results are."""
        return int(self.values["scale"])

    @property
    def variants(self) -> list[str]:
        """Names of the variants, the one with the most steps first; none for a recipe that is a list of steps."""
        return sorted(self.recipe.variants, key=lambda name: -len(self.recipe.sequence(name)))

    @property
    def photos(self) -> list[str]:
        """Names of the photos whose profiles a fitted recipe has; none for another recipe."""
        if not has_profiles(self.values):
            return []
        count = len(self.values["steps"][0]["one_of"]["choices"])
        names = [found.group(2) or "" for found in _PROFILE.finditer(self.text)]
        return names if len(names) == count else [""] * count

    @property
    def lacks_models(self) -> bool:
        """Whether model files of its learned steps are missing; these steps are then left out."""
        return any(not block.model.is_file() for block in self.recipe.blocks_of(LearnedBlock))

    def degraded(
        self,
        pixels: np.ndarray,
        *,
        seed: int = 0,
        photo: str | None = None,
        variant: str | None = None,
        number: str | None = None,
        which: Which = "drawn",
        device: str = "auto",
    ) -> np.ndarray:
        """Degrade a crop.

        Args:
            pixels: ``[H, W, 3]``, uint8 or uint16, with sides that are multiples of the scale.
            seed: of everything that is drawn.
            photo: whose profile to use; None, or a photo without one, to draw one.
            variant: which one; None for the one with the most steps.
            number: key of the range that `which` fixes at an end; None for all ranges.
            which: the version.
            device: for learned steps.

        Returns:
            ``[H / scale, W / scale, 3]``, of the same dtype.

        Raises:
            PatinaError: the recipe cannot be used on this image.
        """
        values = with_changes(self.values, self.changes)
        if photo is not None and photo in self.photos:
            values = profile(values, self.photos.index(photo))
        chosen = next((one for one in tunable_numbers(values) if one.key == number), None)
        if which != "drawn" and chosen is not None:
            values = at_end(values, self._over_all_photos(chosen), strongest=which == "strongest")
        recipe, engine = _opened(recipe_text(values), self.name, device, self.lacks_models)
        if which != "drawn" and chosen is None:
            recipe = recipe.changed(lambda block: block.at_end(which == "strongest"))
        name = variant if variant in self.variants else (self.variants or [""])[0]
        plan = recipe.draw(name, pixels.shape[:2], seed, "studio")
        return values_to_pixels(apply_plan(to_values(pixels), plan, engine), pixels.dtype)

    def _over_all_photos(self, number: TunableNumber) -> TunableNumber:
        """Return a range of one profile with the ends that it has over all profiles."""
        whole = tunable_numbers(with_changes(self.values, self.changes))
        return next((one for one in whole if one.key == number.key), number)

    def yaml(self) -> str:
        """Return the recipe after the changes as YAML, with the comments at its head and the photos' names."""
        if not self.changes:
            return self.text
        before, now = {one.key: one for one in self.numbers}, tunable_numbers(self.recipe_values)
        told = [
            f"# {one.name}: changed by hand from {_shown(before[one.key].ends)} to {_shown(one.ends)}"
            for one in now
            if one.key in self.changes
        ]
        head = [line for line in self.text.splitlines() if line.startswith("#")]
        head = [line for line in head if "$schema" not in line and not any(f"# {one.name}:" in line for one in now)]
        photos = iter(self.photos)

        def named(found: re.Match[str]) -> str:
            photo = next(photos, "")
            return f"{found.group(1)}  {comment(photo)}" if photo else found.group(1)

        body = recipe_text(self.recipe_values)
        return "\n".join([*head, *told, ""]) + (_PROFILE.sub(named, body) if self.photos else body)

    @property
    def recipe_values(self) -> dict[str, Any]:
        """The plain values after the changes."""
        return with_changes(self.values, self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the page."""
        return {
            "name": self.name,
            "scale": self.scale,
            "numbers": [number.to_dict() for number in self.numbers],
            "changes": self.changes,
            "photos": self.photos,
            "variants": self.variants,
            "lacks_models": self.lacks_models,
        }


@lru_cache(maxsize=8)
def _opened(text: str, name: str, device: str, without_learned: bool) -> tuple[Recipe, Engine | None]:
    recipe = parse_recipe(parsed_yaml(text, name), name)
    return with_engine(recipe.without_learned() if without_learned else recipe, device)


def require_reachable(tuned: TunedRecipe, roots: Sequence[Path]) -> None:
    """Refuse a recipe that reads files outside of the chosen folders.

    Raises:
        PatinaError: names the first such file.
    """
    used = tuned.recipe.without_learned() if tuned.lacks_models else tuned.recipe
    for file in used.files:
        if not any(file.resolve().is_relative_to(root) for root in roots):
            raise PatinaError(
                f"{tuned.name} uses {file}, which is in none of the studio's folders; add its folder to `patina studio`"
            )


def _shown(ends: Sequence[float]) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"[{low:g}, {high:g}]"
