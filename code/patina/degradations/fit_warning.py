"""A warning of recipes on whose numbers `patina fit` itself said not to rely."""

from functools import cache
from pathlib import Path

from patina.degradations.recipe import Recipe
from patina.system.telling import warn


def warn_of_fit(recipe: Recipe, name: str | Path) -> None:
    """Warn, once in a process, of a recipe whose fit matched the photos in too few properties."""
    if recipe.fitted == "unreliable":
        _warn(str(name))


@cache
def _warn(name: str) -> None:
    warn(
        f"warning: {name}: its fit matched the photos in fewer than half of the properties; compare its images with "
        "the photos before you train on them, see docs/fit.md, Is the fit good enough?"
    )
