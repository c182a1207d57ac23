"""Turn a Dataset Destroyer config.ini into a recipe, and name what has no counterpart."""

import argparse
import sys
from pathlib import Path

import yaml

from patina.cli.flags import add_flag
from patina.degradations.dataset_destroyer import convert
from patina.degradations.recipe import parse_recipe
from patina.errors import PatinaError
from patina.pipelines.recipe_import import _RecipeDumper
from patina.system.atomic import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("config", type=Path, help="config.ini of Dataset Destroyer")
    add_flag(parser, "out", type=Path, help="the recipe (default: the name of CONFIG with .yml)")


def run(arguments: argparse.Namespace) -> int:
    """Write the recipe; what is lost or different is told, and stands in it as a comment."""
    out = arguments.out or arguments.config.with_suffix(".yml")
    if out.exists():
        raise PatinaError(f"{out} exists; name another file with -out")
    converted = convert(arguments.config)
    parse_recipe(converted.values, arguments.config)
    comments = "".join(f"# {line}\n" for line in [f"Made of {arguments.config.name}.", *converted.remarks])
    write_text(out, comments + yaml.dump(converted.values, Dumper=_RecipeDumper, sort_keys=False, width=100))
    for line in converted.remarks:
        print(line, file=sys.stderr)
    print(f"{out}: written")
    return 0
