"""Convert another tool's configuration: its degradation to a recipe, its training to a configuration."""

from pathlib import Path
from typing import Any

from patina.degradations.recipe import parse_recipe
from patina.degradations.recipe_text import comment, recipe_text
from patina.errors import ConfigError, PatinaError
from patina.exchange.conversion import Conversion
from patina.exchange.recognition import read_foreign
from patina.system.atomic import write_text

Written = tuple[Path, list[str]]
"""A file, and the remarks on what is lost or different in it."""


def import_foreign(config: Path, out: Path | None) -> list[Written]:
    """Write a recipe that does the same as another tool's configuration, a configuration of the same training, or both.

    Args:
        config: the configuration; see `read_foreign`.
        out: the file to write, by default beside `config` with .yml as suffix; a configuration of training beside a
            recipe gets its name with "-training" at the end.

    Returns:
        The files written; they have their remarks as comments.

    Raises:
        PatinaError: the configuration cannot be read, or a file to write exists.
    """
    foreign = read_foreign(config)
    recipe = foreign.recipe
    stem = out or config.with_suffix(".yml")
    written: list[tuple[Path, Conversion]] = []
    if recipe:
        own = config.with_name(f"{config.stem}-recipe.yml") if config.suffix in (".yml", ".yaml") else stem
        written.append((_free(out or own), recipe))
        parse_recipe(recipe.values, config)
    if foreign.training:
        target = stem if out and not recipe else stem.with_name(f"{stem.stem}-training.yml")
        try:
            trained = foreign.training(written[0][0].name if written else None)
            _check_configuration(trained.values, config)
            written.append((_free(target), trained))
        except ConfigError as error:
            if recipe is None:
                raise
            recipe.remarks.append(f"the training is left out: {error}")
    for path, conversion in written:
        write_text(path, commented(config, conversion.remarks) + recipe_text(conversion.values))
    return [(path, conversion.remarks) for path, conversion in written]


def _check_configuration(values: dict[str, Any], config: Path) -> None:
    from patina.specs.configuration import parse_config

    parse_config(values, config)


def _free(out: Path) -> Path:
    require_new(out)
    return out


def require_new(out: Path) -> None:
    """Check that a file does not exist.

    Raises:
        PatinaError: it does.
    """
    if out.exists():
        raise PatinaError(f"{out} exists; choose another file with -out")


def commented(source: Path, remarks: list[str]) -> str:
    """Return comments for the top of a file: what it was made from, and the remarks."""
    return "".join(f"{comment(line)}\n" for line in [f"Made from {source.name}.", *remarks])
