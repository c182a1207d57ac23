"""Translate a folder from one domain to the other with a trained degradation of any kind."""

import argparse
from pathlib import Path

import torch

from patina.cli.flags import add_compute_flags, add_flag, add_recursive_flag
from patina.degradations.learned_degradation import Span, Tiling, parse_span
from patina.errors import require_range
from patina.pipelines.translation import DOMAINS, Record, _knobs, load_learned_config, model_path, translate_folder
from patina.runs.fingerprint import file_digest
from patina.specs.learned_objects import learned_degradation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "opt", help="configuration; needed for published .pth models alone")
    add_flag(parser, "model_path", help="model file; default: the configuration's finished run")
    add_flag(parser, "source_dir", "source", required=True, help="folder of pictures, or one picture")
    add_recursive_flag(parser)
    add_flag(parser, "out_dir", "out", required=True, help="folder for the translated pictures")
    add_flag(parser, "source_domain", default="X", choices=list(DOMAINS), help="X: clean to real, Y: real to clean")
    add_knob_flags(parser)
    add_flag(parser, "samples", type=int, default=1, help="translations of every picture")
    add_flag(parser, "seed", type=int, default=0, help="of the noise; with the file's name it decides the result")
    add_flag(parser, "tile", type=int, help="side of a tile in pixels; less needs less memory")
    add_flag(parser, "overlap", type=int, help="overlap of tiles in pixels, for models that need one")
    add_flag(parser, "kept_mb", type=int, help="DeFlow: MiB for work that is not done twice; more is faster")
    add_compute_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Translate every picture of a folder that is not yet translated."""
    require_range("samples", arguments.samples, 1)
    config = load_learned_config(arguments.opt)
    path = model_path(arguments.model_path, config)
    degradation = learned_degradation(
        path,
        config,
        source=DOMAINS[arguments.source_domain],
        tiling=Tiling(arguments.tile, arguments.overlap, arguments.kept_mb),
        device=arguments.device,
        precision=arguments.precision,
        **given_knobs(arguments),
    )
    precision = "bf16-mixed" if degradation.precision == torch.bfloat16 else "32"
    like = Record(
        "", "", arguments.source_domain, arguments.seed, 0, file_digest(path), precision,
        tile=arguments.tile, overlap=arguments.overlap,
    )  # fmt: skip
    report = translate_folder(
        degradation,
        Path(arguments.source_dir),
        Path(arguments.out_dir),
        like,
        samples=arguments.samples,
        recursive=arguments.recursive,
    )
    report.print_summary()
    report.print_made(Path(arguments.out_dir))
    return report.exit_code


def add_knob_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every knob of every kind of model."""
    for knob in _knobs():
        default = "" if knob.default is None else f" (default {knob.default:g})"
        add_flag(parser, knob.name, type=_span_argument, help=f"{knob.help}{default}; a range a:b is drawn per picture")


def given_knobs(arguments: argparse.Namespace) -> dict[str, Span]:
    """Return the knobs that were given on the command line."""
    values = {knob.name: getattr(arguments, knob.name) for knob in _knobs()}
    return {name: value for name, value in values.items() if value is not None}


def _span_argument(text: str) -> Span:
    try:
        return parse_span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
