"""Report on a training: its curves and sheets, and whether a learned degradation makes images look real; HTML, JSON."""

import argparse
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.knob_flags import add_knob_flags, given_knobs
from patina.cli.results import add_json_flag, print_result
from patina.system.telling import warn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="folder of a training, or model file")
    parser.add_argument(
        "--training", action="store_true", help="write only the page of the training: curves and sheets"
    )
    add_flag(parser, "clean", type=Path, help="folder of clean images (default: the run's, validation images if any)")
    add_flag(parser, "real", type=Path, help="folder of real images to compare with (default: the run's)")
    add_flag(parser, "generated", type=Path, help="folder of degraded clean images, matched by stem, instead of RUN")
    add_flag(parser, "paired", action="store_true", help="real and clean images of the same stem show the same scene")
    add_flag(parser, "scale", type=int, default=1, help="factor by which to downscale the clean images to compare")
    add_flag(parser, "out", type=Path, help="page to write, or its folder (default: report.html in RUN, or here)")
    add_json_flag(parser)
    parser.add_argument(
        "--require", nargs="?", const="better", choices=["better", "real"],
        help="exit with 1 unless every property is closer than the Gaussian baselines, or matches real images (real)",
    )  # fmt: skip
    add_flag(parser, "pictures", type=int, default=24, help="maximum number of images per folder")
    add_flag(parser, "side", type=int, default=512, help="larger images are center-cropped to this many pixels")
    add_knob_flags(parser)
    add_flag(parser, "seed", type=int, default=0, help="seed of noise, patches and classifiers")
    add_flag(parser, "judge_steps", type=int, default=200, help="training steps of the two-sample classifier")
    add_device_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the page of a training; of a learned degradation, measure and print the verdicts, too."""
    from patina.pipelines.training_page import training_report

    if (page := training_report(arguments.run, arguments.out, arguments.training)) and page.is_all:
        print_result(arguments, page.text, page.values)
        return 0
    from patina.pipelines.realism_report import ReportRequest, realism_report

    names = ("generated", "clean", "real", "paired", "scale", "out", "pictures", "side", "seed", "device")
    given = {name: getattr(arguments, name) for name in names}
    knobs = given_knobs(arguments)
    report = realism_report(
        ReportRequest(source=arguments.run, knobs=knobs, classifier_steps=arguments.judge_steps, **given)
    )
    report.write()
    print_result(arguments, report.text, report.values)
    if arguments.require is None:
        return 0
    if report.inconclusive:
        warn(f"inconclusive: {', '.join(report.inconclusive)}")
    if missed := report.missed(arguments.require):
        warn(f"not reached ({arguments.require}): {', '.join(missed)}")
    return 0 if report.reaches(arguments.require) else 1
