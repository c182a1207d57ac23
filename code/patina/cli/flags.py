"""Flags that several commands share."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina.errors import PatinaError
from patina.imaging.format_names import FORMAT_NAMES, QUALITY
from patina.runs.shards import Shard
from patina.runs.tar_target import TarLimits, TarTarget

if TYPE_CHECKING:
    from patina.pipelines.ray_cluster import ClusterChoice

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
        help="precision of the convolutions; auto: bf16 if this machine computes it fast and its results agree with "
        f"float32 (PSNR of at least 45 dB){otherwise}",
    )  # fmt: skip


def add_recursive_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``-recursive``."""
    add_flag(
        parser, "recursive", action="store_true",
        help="include images in subfolders; 2019/a.jpg becomes 2019_a.png",
    )  # fmt: skip


def add_source_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``-recursive`` and ``-frames``."""
    add_recursive_flag(parser)
    add_flag(
        parser, "frames", default="first", choices=["first", "all"],
        help="frames to read from animated and multi-page files; all: a.gif gives a_0001.png, a_0002.png, …",
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
        help="process every N-th image, starting with the I-th, into a separate folder beside the output folder; "
        "`patina merge` combines all N",
    )  # fmt: skip


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_output_flags(parser: Parser) -> None:
    """Add ``-images_only``, ``-engine``, ``-actors`` and the flags of shards and tars; see `output_fields`."""
    add_shard_flag(parser)
    add_tar_flags(parser)
    add_flag(
        parser, "images_only", action="store_true",
        help="keep the logs beside the folders, in .NAME.patina, for tools that take every file for an image (neosr)",
    )  # fmt: skip
    add_flag(
        parser, "engine", default="local", choices=["local", "ray"],
        help="where to compute: on this machine, or on the Ray cluster at RAY_ADDRESS or running here (if there is "
        "none, one is started on this machine)",
    )  # fmt: skip
    add_flag(
        parser, "actors", type=int,
        help="with -engine ray: maximum number of processes (default: one per GPU of the cluster, or one per core)",
    )  # fmt: skip


def add_tar_flags(parser: Parser) -> None:
    """Add ``-shard_size`` and ``-shard_mb``; see `tar_limits`."""
    add_flag(
        parser,
        "shard_size",
        type=int,
        help=f"if the output is tars (shards/%%06d.tar): maximum samples per tar (default: {TarLimits.samples})",
    )
    add_flag(
        parser,
        "shard_mb",
        type=int,
        help=f"maximum megabytes per tar (default: {TarLimits.megabytes}); the limit reached first counts",
    )


def output_fields(arguments: argparse.Namespace, out: Path) -> dict[str, Any]:
    """Return the fields of a request that say where results are made and where they go.

    They are `out`, `shard`, `limits`, `cluster` and `images_only`.

    Raises:
        PatinaError: limits are given, but no tars are written, or a flag is for another engine, or for folders alone.
    """
    if arguments.images_only and TarTarget.parse(out) is not None:
        raise PatinaError("--images_only is for folders; what the log says is in the tars, beside each image")
    return {
        "out": shard_path(arguments, out),
        "shard": arguments.shard,
        "limits": tar_limits(arguments, out),
        "cluster": _cluster_choice(arguments),
        "images_only": arguments.images_only,
    }


def tar_limits(arguments: argparse.Namespace, out: Path) -> TarLimits:
    """Return when a tar is full.

    Raises:
        PatinaError: limits are given, but no tars are written.
    """
    given = {"samples": arguments.shard_size, "megabytes": arguments.shard_mb}
    if any(value is not None for value in given.values()) and TarTarget.parse(out) is None:
        raise PatinaError(f"-shard_size and -shard_mb apply to tars only; expected an output like {out / '%06d.tar'}")
    return TarLimits(**{name: value for name, value in given.items() if value is not None})


def shard_path(arguments: argparse.Namespace, out: Path) -> Path:
    """Return where a command writes: `out`, or the folder of its shard, of tars their names in that folder.

    Raises:
        PatinaError: tars in no folder of their own.
    """
    if arguments.shard is None:
        return out
    if TarTarget.parse(out) is None:
        return arguments.shard.path(out)
    if not out.parent.name:
        raise PatinaError(f"{out}: with -shard, tars need a folder of their own; expected e.g. shards/{out.name}")
    return arguments.shard.path(out.parent) / out.name


def _cluster_choice(arguments: argparse.Namespace) -> "ClusterChoice | None":
    """Return the part of a cluster to use; None for this machine."""
    if arguments.engine == "local":
        if arguments.actors is not None:
            raise PatinaError("-actors applies to -engine ray only; leave it out, or add -engine ray")
        return None
    if getattr(arguments, "workers", None) is not None:
        raise PatinaError("-workers does not apply to -engine ray; use -actors")
    from patina.pipelines.ray_cluster import ClusterChoice

    return ClusterChoice(arguments.actors)


def check_flags(
    arguments: argparse.Namespace, kind: str, *, needed: Sequence[str], foreign: Sequence[str], use: str
) -> None:
    """Refuse flags that do not go together.

    Args:
        arguments: as given.
        kind: what they ask for, as messages call it.
        needed: names of the flags that it needs.
        foreign: names of the flags that do not apply to it.
        use: which flags to give instead.

    Raises:
        PatinaError: a flag is missing or foreign; says which.
    """
    told = [f"-{name} is missing" for name in needed if not getattr(arguments, name)]
    told += [f"-{name} does not apply to {kind}" for name in foreign if getattr(arguments, name) is not None]
    if told:
        raise PatinaError(f"{', '.join(told)}; {use}")
