"""Flags of the commands that list what comes with Patina, and what they do."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from patina.cli.flags import add_flag
from patina.cli.results import add_json_flag, print_result


def add_shipped_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``-copy`` and ``-to``."""
    add_flag(parser, "copy", metavar="NAME", help="copy this one into the folder -to, to be edited")
    add_flag(parser, "to", type=Path, default=Path("."), help="folder for the copy")
    add_json_flag(parser)


def list_or_copy(arguments: argparse.Namespace, folders: Sequence[str]) -> int:
    """Print the files in shipped folders, or copy the one that is named."""
    from patina.pipelines.shipped_settings import copy_shipped, printed, shipped
    from patina.system.text_layout import terminal_width

    if arguments.copy is None:
        files = shipped(folders)
        values = [{"name": one.name, "kind": one.kind, "about": one.about, "path": str(one.path)} for one in files]
        print_result(arguments, printed(files, terminal_width()), values)
    else:
        copy = copy_shipped(arguments.copy, folders, arguments.to)
        schemas = copy.parent / "schemas"
        also = f"; {schemas} lets editors complete and check it" if schemas.is_dir() else ""
        print_result(arguments, f"{copy}: written{also}", {"file": str(copy)})
    return 0
