"""Convert another tool's configuration to a recipe, with remarks on what has no counterpart."""

from pathlib import Path

from patina.degradations.recipe import parse_recipe
from patina.degradations.recipe_text import recipe_text
from patina.errors import PatinaError
from patina.exchange.recognition import convert_foreign
from patina.system.atomic import write_text


def import_recipe(config: Path, out: Path) -> list[str]:
    """Write a recipe that does the same as another tool's configuration.

    Args:
        config: the configuration; see `convert_foreign`.
        out: the recipe to write.

    Returns:
        Remarks on what is lost or different; the recipe has them as comments.

    Raises:
        PatinaError: the configuration cannot be read, or `out` exists.
    """
    require_new(out)
    converted = convert_foreign(config)
    parse_recipe(converted.values, config)
    write_text(out, commented(config, converted.remarks) + recipe_text(converted.values))
    return converted.remarks


def require_new(out: Path) -> None:
    """Check that a file does not exist.

    Raises:
        PatinaError: it does.
    """
    if out.exists():
        raise PatinaError(f"{out} exists; choose another file with -out")


def commented(source: Path, remarks: list[str]) -> str:
    """Return comments for the top of a file: what it was made from, and the remarks."""
    return "".join(f"# {line}\n" for line in [f"Made from {source.name}.", *remarks])
