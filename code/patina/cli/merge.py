"""Combine the results of several jobs with -shard, as one run over the whole folder would have written them."""

import argparse
from pathlib import Path

from patina.cli.results import add_json_flag, print_result
from patina.errors import counted
from patina.system.telling import tell, warn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("out", type=Path, help="output folder or table, as it was given to the jobs")
    parser.add_argument("--keep", action="store_true", help="keep the shards' own folders")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Merge; return 1 if images have no result in any shard."""
    from patina.pipelines.shard_merge import merge

    merged = merge(arguments.out, arguments.keep)
    tell(f"{arguments.out}: {merged.count} results of {counted(merged.shards, 'shard')}")
    if arguments.json:
        values = {"out": str(arguments.out), "results": merged.count, "shards": merged.shards}
        print_result(arguments, "", values | {"missing": list(merged.missing)})
    if merged.missing:
        some = ", ".join(merged.missing[:5]) + (", …" if len(merged.missing) > 5 else "")
        warn(f"{counted(len(merged.missing), 'image')} without a result: {some}")
    return 1 if merged.missing else 0
