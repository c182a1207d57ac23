"""Flags that several commands share."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patina.errors import PatinaError
from patina.imaging.format_names import FORMAT_NAMES, QUALITY
from patina.runs.shards import Shard

Parser = argparse.ArgumentParser | argparse._ArgumentGroup
"""A parser, or one of its titled groups."""


def add_flag(parser: Parser, name: str, *aliases: str, help: str, **options: Any) -> None:
    """Add the flag ``-name``, and others that mean the same; `CommandParser` adds the spellings with two dashes.

    The help ends with the default, unless there is none or `help` itself says "(default" in other words.
    """
    parser.add_argument(*(f"-{spelling}" for spelling in (name, *aliases)), dest=name, help=help, **options)


def add_device_flag(parser: Parser, help: str = "device to compute on") -> None:
    """Add ``-device``."""
    add_flag(parser, "device", default="auto", choices=["auto", "cpu", "cuda", "mps"], help=help)


def add_compute_flags(parser: Parser, precision: str | None = "auto") -> None:
    """Add ``-device`` and ``-precision``; `precision` is the default of the latter, None if a file may set it."""
    add_device_flag(parser)
    otherwise = "" if precision else " (default: auto, or that of the configuration)"
    add_flag(
        parser, "precision", default=precision, choices=["auto", "32", "bf16-mixed"],
        help="precision of the convolutions; auto: bf16 if it is fast on this machine and its result has a PSNR of "
        f"at least 45 dB to float32's{otherwise}",
    )  # fmt: skip


def add_recursive_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``-recursive``."""
    add_flag(
        parser, "recursive", action="store_true",
        help="include images in subfolders; 2019/a.jpg becomes 2019_a.png",
    )  # fmt: skip


def add_format_flags(parser: Parser) -> None:
    """Add ``-format`` and ``-quality``; see `patina.imaging.written_formats.written_format`."""
    add_flag(parser, "format", default=FORMAT_NAMES[0], choices=FORMAT_NAMES, help="format of the results")
    add_flag(
        parser, "quality", type=int, metavar="N", help=f"quality of jpeg, webp and avif, 1 to 100 (default: {QUALITY})"
    )


def add_shard_flag(parser: Parser) -> None:
    """Add ``-shard``; see `shard_path`."""
    add_flag(
        parser, "shard", type=_shard, metavar="I/N",
        help="only every N-th image, beginning with the I-th, into a folder of its own beside the output folder; "
        "`patina merge` puts all N together",
    )  # fmt: skip


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def shard_path(arguments: argparse.Namespace, out: Path) -> Path:
    """Return where a command writes: `out`, or the folder of its shard."""
    return out if arguments.shard is None else arguments.shard.path(out)


def check_flags(
    arguments: argparse.Namespace, kind: str, *, needed: Sequence[str], foreign: Sequence[str], use: str
) -> None:
    """Refuse flags that do not go together.

    Args:
        arguments: as given.
        kind: what they ask for.
        needed: names of the flags that this needs.
        foreign: names of the flags that belong to something else.
        use: which flags to give.

    Raises:
        PatinaError: a flag is missing or foreign; says which.
    """
    told = [f"-{name} is missing" for name in needed if not getattr(arguments, name)]
    told += [f"-{name} is not for {kind}" for name in foreign if getattr(arguments, name) is not None]
    if told:
        raise PatinaError(f"{', '.join(told)}; {use}")
