"""Flags that several commands share; every flag works with one dash and with two."""

import argparse
from typing import Any

Parser = argparse.ArgumentParser | argparse._ArgumentGroup
"""A parser, or one of its titled groups."""


def add_flag(parser: Parser, name: str, *aliases: str, **options: Any) -> None:
    """Add the flags ``-name`` and ``--name``, and the same for every alias."""
    names = [dashes + spelling for spelling in (name, *aliases) for dashes in ("-", "--")]
    parser.add_argument(*names, dest=name, **options)


def add_device_flag(parser: Parser, help: str = "device to compute on") -> None:
    """Add ``-device``."""
    add_flag(parser, "device", default="auto", choices=["auto", "cpu", "cuda", "mps"], help=help)


def add_compute_flags(parser: Parser, precision: str | None = "auto") -> None:
    """Add ``-device`` and ``-precision``; `precision` is the default of the latter."""
    add_device_flag(parser)
    add_flag(
        parser, "precision", default=precision, choices=["auto", "32", "bf16-mixed"],
        help="precision of the convolutions; auto: bf16 if it is fast on this machine and within 45 dB of 32",
    )  # fmt: skip


def add_recursive_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``-recursive``."""
    add_flag(
        parser, "recursive", action="store_true",
        help="include images in subfolders; 2019/a.jpg becomes 2019_a.png",
    )  # fmt: skip
