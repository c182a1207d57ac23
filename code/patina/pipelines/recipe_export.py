"""Write a recipe as another tool's options, with remarks on what is lost."""

from pathlib import Path

from patina.degradations.recipe import Recipe, load_recipe
from patina.errors import ConfigError, PatinaError
from patina.exchange.option_text import option_text
from patina.exchange.recognition import read_foreign
from patina.exchange.second_order import TITLES, Tool
from patina.exchange.second_order_export import export_second_order
from patina.pipelines.recipe_import import commented, require_new
from patina.system.atomic import write_text


def export_recipe(recipe: Path, tool: Tool, out: Path | None) -> tuple[Path, list[str]]:
    """Write the degradation of a recipe as a fragment of an option file.

    Args:
        recipe: path of the recipe, or its name.
        tool: whose options.
        out: the file to write; by default in the current folder, named after recipe and tool.

    Returns:
        The file written, and remarks on what is lost; the file has them as comments.

    Raises:
        PatinaError: the recipe is invalid, or `out` exists.
    """
    out = out or Path(f"{recipe.stem}-{tool}{TITLES[tool].suffix}")
    require_new(out)
    converted = export_second_order(_recipe(recipe), tool)
    write_text(out, commented(recipe, converted.remarks) + option_text(converted.values, tool))
    return out, converted.remarks


def _recipe(path: Path) -> Recipe:
    try:
        return load_recipe(path)
    except ConfigError:
        if not _is_foreign(path):
            raise
    raise ConfigError(f"{path} is another tool's configuration; make a recipe of it first: patina convert {path}")


def _is_foreign(path: Path) -> bool:
    try:
        read_foreign(path)
    except PatinaError:
        return False
    return True
