"""Export a restoration network or a LUD-VAE as ONNX, by torch.export or for ncnn, and check the written file."""

import argparse
from pathlib import Path

from patina.cli.flags import add_flag
from patina.cli.knob_flags import add_knob_flags, given_knobs
from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file that spandrel or Patina reads")
    add_flag(
        parser,
        "out",
        type=Path,
        required=True,
        help="file to write: .onnx, .pt2 for torch.export, or .param for ncnn, whose weights go into .bin beside it",
    )
    add_flag(
        parser, "fp16", action="store_true", help="compute in float16 (ncnn: store weights in it); images stay float32"
    )
    add_knob_flags(parser, "ludvae")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the file, and print how well it agrees with the network."""
    from dataclasses import asdict

    from patina.pipelines.model_export import ExportRequest, export_model

    made = export_model(ExportRequest(arguments.model, arguments.out, arguments.fp16, given_knobs(arguments)))
    print_result(arguments, made.told(), asdict(made))
    return 0
