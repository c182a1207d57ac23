"""Convert a Dataset Destroyer config.ini to a recipe, with remarks on what has no counterpart."""

from pathlib import Path

from patina.degradations.dataset_destroyer import convert
from patina.degradations.recipe import parse_recipe
from patina.degradations.recipe_text import recipe_text
from patina.errors import PatinaError
from patina.system.atomic import write_text


def import_recipe(config: Path, out: Path) -> list[str]:
    """Write a recipe that does the same as a ``config.ini`` of Dataset Destroyer.

    Args:
        config: the ``config.ini``.
        out: the recipe to write.

    Returns:
        Remarks on what is lost or different; the recipe has them as comments.

    Raises:
        PatinaError: the configuration cannot be read, or `out` exists.
    """
    if out.exists():
        raise PatinaError(f"{out} exists; choose another file with -out")
    converted = convert(config)
    parse_recipe(converted.values, config)
    comments = "".join(f"# {line}\n" for line in [f"Made from {config.name}.", *converted.remarks])
    write_text(out, comments + recipe_text(converted.values))
    return converted.remarks
