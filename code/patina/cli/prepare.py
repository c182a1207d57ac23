"""Make a picture set: every picture at several sizes with channel statistics, squares for training, or test sets."""

import argparse
from pathlib import Path
from typing import Any

from patina.cli.flags import add_flag, add_recursive_flag
from patina.errors import PatinaError
from patina.pipelines.multiscale_set import LEAST, MODE_FLAGS, prepare
from patina.pipelines.tile_set import Cutting, cut, summary
from patina.runs.folder_job import JobReport, checked_workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "source", "source_dir", required=True, help="folder of pictures, or one picture")
    add_recursive_flag(parser)
    add_flag(parser, "target", "target_dir", required=True, help="folder of the set; gets 1x/, 8x/, … and a manifest")
    add_flag(
        parser, "mode", default="scales", choices=["scales", "tiles", "noise-framed", "categories"],
        help="several sizes (default); squares, their leftovers moved back inside or framed with noise; or test sets",
    )  # fmt: skip
    add_flag(parser, "scales", type=int, nargs="+", help="mode scales: how many times smaller (default: 1 8)")
    add_flag(parser, "side", type=int, help="other modes: of a square in pixels (default: 128)")
    add_flag(parser, "scale", type=int, help="other modes: how many times smaller pairs' pictures are (default: 4)")
    add_flag(parser, "least", type=int, help=f"mode noise-framed: smallest side of a leftover (default: {LEAST})")
    add_flag(parser, "seed", type=int, help="mode noise-framed: of the noise (default: 0)")
    add_flag(parser, "blur", type=float, help="mode categories: deviation of the blur in pixels (default: 2)")
    add_flag(parser, "workers", type=int, help="processes (default: one a core)")


def run(arguments: argparse.Namespace) -> int:
    """Prepare the set; return 1 if pictures failed."""
    _refuse_flags_of_other_modes(arguments)
    work = {"scales": _run_scales, "categories": _run_categories}.get(arguments.mode, _run_pieces)
    report, text = work(arguments, Path(arguments.source), Path(arguments.target))
    report.print_summary()
    print(f"{arguments.target}: {text}")
    return report.exit_code


def _run_scales(arguments: argparse.Namespace, source: Path, target: Path) -> tuple[JobReport, str]:
    scales = arguments.scales or [1, 8]
    report = prepare(source, target, scales, workers=arguments.workers, recursive=arguments.recursive)
    return report, f"{len(report.results)} pictures at {', '.join(f'{scale}x' for scale in sorted(scales))}"


def _run_pieces(arguments: argparse.Namespace, source: Path, target: Path) -> tuple[JobReport, str]:
    given = _given(arguments, "side", "least", "seed")
    if arguments.mode == "noise-framed":
        given.setdefault("least", min(LEAST, given.get("side", LEAST)))
    cutting = Cutting(arguments.mode, **given)
    report = cut(source, target, cutting, workers=arguments.workers, recursive=arguments.recursive)
    return report, summary(report.results, arguments.scale or 4)


def _run_categories(arguments: argparse.Namespace, source: Path, target: Path) -> tuple[JobReport, str]:
    # SciPy's filters are needed here alone.
    from patina.pipelines.test_sets import CATEGORIES, TestSquares, make_categories

    squares = TestSquares(**_given(arguments, "side", "scale", "blur"))
    workers = checked_workers(arguments.workers)
    report = make_categories(source, target, squares, workers=workers, recursive=arguments.recursive)
    return report, f"{len(report.results)} pairs each of {', '.join(CATEGORIES)}"


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


def _refuse_flags_of_other_modes(arguments: argparse.Namespace) -> None:
    for name in set(sum(MODE_FLAGS.values(), ())) - set(MODE_FLAGS[arguments.mode]):
        if getattr(arguments, name) is not None:
            raise PatinaError(f"-{name} means nothing in mode {arguments.mode}; leave it out")
