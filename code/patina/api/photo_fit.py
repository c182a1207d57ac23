"""Recipes fitted to photos, in memory or in folders."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina.api.arguments import checked_picture
from patina.api.degraders import RecipeDegrader
from patina.api.measurement import Images
from patina.errors import PatinaError


@dataclass(frozen=True)
class FittedRecipe:
    """A recipe that was fitted to photos; see `fit`.

    Attributes:
        recipe: degrades clean pictures as the photos were; as `load_recipe` returns it.
        summary: what was found, in one or two sentences.
        values: everything that was found, as `patina fit --json` prints it.
        text: the recipe's YAML, with comments; written to a file, `load_recipe` and all commands take it.
    """

    recipe: RecipeDegrader
    summary: str
    values: dict[str, Any]
    text: str

    @property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """What was found of every number, by its name: low, middle and high over the photos, standard error, ..."""
        return {number["name"]: number for number in self.values["numbers"]}


def fit(
    clean: Images,
    real: Images,
    *,
    recipe: str | Path | Sequence[str | Path] | None = None,
    scale: int | None = None,
    pictures: int = 100,
    seed: int = 0,
    workers: int = 1,
    samples: int | None = None,
) -> FittedRecipe:
    """Fit a recipe to photos: find what makes clean pictures look like them.

    Both sets are folders, or pictures by name. The same arguments give the same result, whatever `workers`.

    Args:
        clean: clean pictures; they may show other things than the photos.
        real: photos, 4 or more.
        recipe: recipe with free numbers, a path or a name in ``confs/families/``, or several that are tried in turn
            until one explains the photos. None: those that `patina fit` tries.
        scale: downscaling factor from the clean pictures to the photos. None: the recipe's.
        pictures: maximum number of photos, drawn at random.
        seed: seed of everything that is drawn.
        workers: number of processes; more than one need ``if __name__ == "__main__":`` in a script.
        samples: clean pictures that are degraded in every round; fewer are faster and less exact. None: as many as
            `patina fit` degrades.

    Raises:
        PatinaError: too few photos, swapped sets, or anything else that cannot be used.
    """
    from patina.degradations.recipe import parse_recipe
    from patina.fitting.family import DEFAULT_FAMILIES
    from patina.fitting.search import SAMPLES
    from patina.pipelines.recipe_fit import FitRequest, fit_recipe
    from patina.system.yaml_files import parsed_yaml

    given = DEFAULT_FAMILIES if recipe is None else recipe
    families = [given] if isinstance(given, str | Path) else given
    with tempfile.TemporaryDirectory(prefix="patina-fit-") as folder:
        found = fit_recipe(
            FitRequest(
                clean=_folder(clean, Path(folder) / "clean"),
                real=_folder(real, Path(folder) / "real"),
                out=None,
                families=tuple(str(name) for name in families),
                scale=scale,
                pictures=pictures,
                seed=seed,
                workers=workers,
                samples=SAMPLES if samples is None else samples,
            )
        )
    degrader = RecipeDegrader(parse_recipe(parsed_yaml(found.text, "the fitted recipe"), "the fitted recipe"), None)
    return FittedRecipe(degrader, found.summary, found.to_dict(), found.text)


def _folder(images: Images, folder: Path) -> Path:
    """Return the folder of a set; pictures in memory are written to `folder`, without loss."""
    from patina.imaging.picture_files import write_picture
    from patina.imaging.sources import name_of_results

    if not isinstance(images, Mapping):
        return Path(images)
    if not images:
        raise PatinaError("a set has no images; expected some by name")
    files = {name: folder / f"{name_of_results(name)}.png" for name in images}
    if len(set(files.values())) < len(files):
        raise PatinaError("two images of a set differ only by the suffix of their names; rename one")
    for name, pixels in images.items():
        write_picture(files[name], checked_picture(pixels))
    return folder
