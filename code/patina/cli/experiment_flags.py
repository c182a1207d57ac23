"""Flags that experiments share, and the requests' values that they become."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from patina.cli.flags import add_flag
from patina.degradations.knobs import parse_span
from patina.errors import PatinaError
from patina.experiments.choices import Method, Pictures
from patina.shipped import shown_path


def add_learned_flag(parser: argparse.ArgumentParser, default: Sequence[str], help: str) -> None:
    """Add ``-learned``, which `methods` reads."""
    add_flag(parser, "learned", nargs="+", default=default, metavar="NAME=MODEL[,KNOB=VALUE]", help=help)


def add_pictures_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every folder of an experiment's images; `pictures` reads them."""
    told = {
        "clean": "folder of clean images to train on",
        "real": "folder of real images of other scenes",
        "test_real": "folder of real images to test on",
        "test_clean": "folder of their clean images, by stem",
    }
    for name, help in told.items():
        default = getattr(Pictures, name)
        add_flag(parser, name, type=Path, default=default, help=f"{help} (default: {shown_path(default)})")


def add_out_flag(parser: argparse.ArgumentParser, default: str | None = None, told: str = "") -> None:
    """Add ``-out``. Where its default depends on other flags, `default` is None and `told` names it in the help."""
    help = "folder for everything the experiment writes" + (f" (default: {told})" if told else "")
    add_flag(parser, "out", "out_dir", type=Path, default=None if default is None else Path(default), help=help)


def add_seeds_flag(parser: argparse.ArgumentParser, help: str, default: Sequence[int] = (0, 1, 2)) -> None:
    """Add ``-seeds``."""
    add_flag(parser, "seeds", type=int, nargs="+", default=list(default), help=help)


def pictures(arguments: argparse.Namespace) -> Pictures:
    """Return the folders that were given."""
    return Pictures(arguments.clean, arguments.real, arguments.test_real, arguments.test_clean)


def methods(arguments: argparse.Namespace) -> tuple[Method, ...]:
    """Return the methods that were given with ``-learned``.

    Raises:
        PatinaError: one is not of the form ``NAME=MODEL,KNOB=VALUE``.
    """
    return tuple(map(_method, arguments.learned))


def _method(given: str) -> Method:
    name, separator, model = given.partition("=")
    model, *knobs = model.split(",")
    if not separator or not re.fullmatch(r"[\w.-]+", name):
        raise PatinaError(f"-learned is {given!r}, expected NAME=MODEL, e.g. LUD-VAE=LUDVAE-polyu")
    try:
        values = {knob: parse_span(value) for knob, _, value in (text.partition("=") for text in knobs)}
    except ValueError as error:
        raise PatinaError(f"-learned is {given!r}: {error}") from error
    return Method(name, model, values)
