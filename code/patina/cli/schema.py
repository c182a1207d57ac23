"""Print the JSON schema of a kind of file, or write all schemas: editors complete and check YAML files by them."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag
from patina.cli.results import add_json_flag, print_result
from patina.errors import PatinaError
from patina.hints import nearest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "kind", nargs="?", help="print the schema of this kind: a task of configurations, recipe or family"
    )
    add_flag(parser, "to", type=Path, metavar="DIR", help="write the schemas of all kinds into this folder")
    add_json_flag(parser)


def check(arguments: argparse.Namespace) -> None:
    """Refuse neither, and both."""
    if (arguments.kind is None) == (arguments.to is None):
        raise PatinaError("expected a kind to print, e.g. `patina schema recipe`, or -to DIR to write all schemas")


def run(arguments: argparse.Namespace) -> int:
    """Print one, or write all."""
    from patina.pipelines.schema_files import write_schemas
    from patina.specs.schemas import schema_text, schemas

    if arguments.to is not None:
        written = [str(path) for path in write_schemas(arguments.to)]
        print_result(arguments, f"{arguments.to}: {len(written)} schemas written", written)
        return 0
    known = schemas()
    if arguments.kind not in known:
        raise PatinaError(f"there is no kind {arguments.kind}, {nearest(arguments.kind, known)}")
    print_result(arguments, schema_text(known[arguments.kind]).rstrip("\n"), known[arguments.kind])
    return 0
