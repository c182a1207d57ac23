"""Turn a Dataset Destroyer config.ini into a recipe, and name what has no counterpart."""

from pathlib import Path

from patina.degradations.dataset_destroyer import convert
from patina.degradations.recipe import parse_recipe
from patina.degradations.recipe_text import recipe_text
from patina.errors import PatinaError
from patina.system.atomic import write_text


def import_recipe(config: Path, out: Path) -> list[str]:
    """Write a recipe that does what a ``config.ini`` of Dataset Destroyer does.

    Args:
        config: the ``config.ini``.
        out: the recipe to write.

    Returns:
        What is lost or different, one remark a line; the recipe holds them as comments.

    Raises:
        PatinaError: the configuration cannot be read, or `out` exists.
    """
    if out.exists():
        raise PatinaError(f"{out} exists; name another file with -out")
    converted = convert(config)
    parse_recipe(converted.values, config)
    comments = "".join(f"# {line}\n" for line in [f"Made from {config.name}.", *converted.remarks])
    write_text(out, comments + recipe_text(converted.values))
    return converted.remarks
