"""Command-line arguments that several verbs share; every flag is known with one dash and with two."""

import argparse


def add_flag(parser: argparse.ArgumentParser, name: str, *aliases: str, **options) -> None:
    """Add ``-name`` and ``--name`` (and the same of every alias)."""
    names = [dashes + each for each in (name, *aliases) for dashes in ("-", "--")]
    parser.add_argument(*names, dest=name, **options)


def add_device_flag(parser: argparse.ArgumentParser, help: str = "where to compute") -> None:
    """Add ``-device``."""
    add_flag(parser, "device", default="auto", choices=["auto", "cpu", "cuda", "mps"], help=help)


def add_compute_flags(parser: argparse.ArgumentParser, precision: str | None = "auto") -> None:
    """Add ``-device`` and ``-precision``; `precision` is what the latter is where it is not given."""
    add_device_flag(parser)
    add_flag(
        parser, "precision", default=precision, choices=["auto", "32", "bf16-mixed"],
        help="arithmetic of the convolutions; auto: bf16 where it is fast here and within 45 dB of 32",
    )  # fmt: skip


def add_recursive_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``-recursive``."""
    add_flag(
        parser, "recursive", action="store_true",
        help="also pictures in subfolders; 2019/a.jpg gives 2019_a.png",
    )  # fmt: skip
