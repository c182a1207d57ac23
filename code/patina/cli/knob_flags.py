"""Flags of learned degradations that several commands share: their knobs, and the side of a tile."""

import argparse
from typing import Any

from patina.cli.flags import add_flag
from patina.degradations.knobs import HANDLES, known_knobs, parse_span


def add_knob_flags(parser: argparse.ArgumentParser, kind: str | None = None) -> None:
    """Add a flag for every knob of a kind of learned degradation, by default of every kind."""
    for knob in HANDLES[kind].knobs if kind else known_knobs():
        default = "as trained" if knob.default is None else f"{knob.default:g}"
        drawn = "" if kind else "; a range a:b draws a value per image"
        add_flag(parser, knob.name, type=_span, help=f"{knob.help} (default: {default}){drawn}")


def add_tile_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``-tile``, whose default depends on the kind of the learned degradation."""
    defaults = ", ".join(f"{handles.tile} for {kind}" for kind, handles in HANDLES.items())
    text = f"side of a tile in pixels (default: {defaults}); small tiles need less memory"
    add_flag(parser, "tile", type=int, help=text)


def given_knobs(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the values of the given knobs by name."""
    values = {knob.name: getattr(arguments, knob.name, None) for knob in known_knobs()}
    return {name: value for name, value in values.items() if value is not None}


def _span(text: str) -> float | tuple[float, float]:
    try:
        return parse_span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
