"""Turn a Dataset Destroyer config.ini into a recipe, and name what has no counterpart."""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from patina.degradations.dataset_destroyer import convert
from patina.degradations.recipe import parse_recipe
from patina.errors import PatinaError
from patina.runs.atomic import write_text
from patina.verbs.arguments import add_flag


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


class _RecipeDumper(yaml.SafeDumper):
    """Writes a recipe as one writes it by hand: ranges and settings in a line, nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _is_plain(value: Any) -> bool:
    """Whether a value fits into a line: numbers and words, lists of them, and settings of both."""
    if isinstance(value, dict):
        return all(not isinstance(each, dict) and _is_plain(each) for each in value.values())
    return not isinstance(value, list) or all(not isinstance(each, dict | list) for each in value)


_RecipeDumper.add_representer(
    list, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=_is_plain(data))
)
_RecipeDumper.add_representer(
    dict, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=_is_plain(data))
)
