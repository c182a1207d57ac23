"""The modules of commands, imported when they are needed, and their parsers."""

import importlib
from types import ModuleType

from patina.cli.commands import COMMANDS
from patina.cli.parser import CommandParser


def module_of(command: str) -> ModuleType:
    """Return the module of a command in `COMMANDS`; a dash in the name is an underscore there."""
    return importlib.import_module(f"patina.cli.{command.replace('-', '_')}")


def parser_of(command: str, program: str | None = None) -> CommandParser:
    """Return the parser of a command's flags; the help shows `program`, or the name of the script if it is None."""
    module = module_of(command)
    parser = CommandParser(program, module.__doc__, f"patina {COMMANDS[command].example}")
    module.add_arguments(parser)
    parser.add_argument("--quiet", action="store_true", help="print results, warnings and errors, but no progress")
    return parser
