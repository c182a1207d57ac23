"""Flags of learned degradations that several commands share: their knobs, and the side of a tile."""

import argparse
from typing import Any

from patina.cli.flags import add_flag
from patina.degradations.knobs import HANDLES, known_knobs, parse_span


def add_knob_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every knob of every kind of learned degradation."""
    for knob in known_knobs():
        default = "as trained" if knob.default is None else f"{knob.default:g}"
        text = f"{knob.help} (default: {default}); a range a:b draws a value per image"
        add_flag(parser, knob.name, type=_span, help=text)


def add_tile_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``-tile``, whose default depends on the kind of the learned degradation."""
    defaults = ", ".join(f"{handles.tile} for {kind}" for kind, handles in HANDLES.items())
    text = f"side of a tile in pixels (default: {defaults}); small tiles need less memory"
    add_flag(parser, "tile", type=int, help=text)


def given_knobs(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the values of the given knobs by name."""
    values = {knob.name: getattr(arguments, knob.name) for knob in known_knobs()}
    return {name: value for name, value in values.items() if value is not None}


def _span(text: str) -> float | tuple[float, float]:
    try:
        return parse_span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
