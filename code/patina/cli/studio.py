"""Open the studio, a page on this machine: fit recipes, tune and judge them by eye, degrade folders, try models."""

import argparse
from importlib.util import find_spec
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.results import add_json_flag, print_result
from patina.errors import PatinaError
from patina.hints import install

PORT = 7862


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "folders", nargs="*", type=Path, metavar="FOLDER", default=[Path()],
        help="folders that the page may read and write, with their subfolders; no others (default: the current one)",
    )  # fmt: skip
    add_flag(parser, "port", type=int, default=PORT, help="port of 127.0.0.1 to answer on; 0 for a free one")
    add_flag(parser, "no_browser", action="store_true", help="print the address, but open no browser")
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")
    add_device_flag(parser, "device for models")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer until Ctrl-C."""
    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        packages = f"{' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed"
        raise PatinaError(f"the studio needs {packages}: {install('studio')}")
    from patina.studio.studio_server import StudioRequest, serve_studio

    request = StudioRequest(arguments.folders, arguments.port, arguments.workers, arguments.device)
    serve_studio(
        request,
        opened=lambda address: print_result(arguments, f"the studio is open: {address}", {"address": address}),
        with_browser=not arguments.no_browser,
    )
    return 0
