"""Upscale a folder of images with a super-resolution model or an interpolation."""

import argparse

from patina.cli.flags import add_format_flags, add_output_flags, output_fields
from patina.cli.results import add_json_flag, print_job
from patina.cli.upscale_flags import add_network_flags, add_what_flags, complete


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_what_flags(parser)
    add_output_flags(parser)
    add_json_flag(parser)
    add_format_flags(parser)
    add_network_flags(parser)


def check(arguments: argparse.Namespace) -> None:
    """Fill in the model and the output folder where they were left out; see `complete`."""
    complete(arguments)


def run(arguments: argparse.Namespace) -> int:
    """Upscale all images whose results are missing or outdated."""
    from patina.imaging.written_formats import written_format
    from patina.pipelines.upscaled_clips import upscale_anything
    from patina.pipelines.upscaler import Sampling
    from patina.pipelines.upscaling import UpscaleRequest

    request = UpscaleRequest(
        model=arguments.model,
        source=arguments.source,
        **output_fields(arguments, arguments.out),
        scale=arguments.scale,
        tile=arguments.tile,
        overlap=arguments.overlap,
        sampling=Sampling(arguments.sampler, arguments.steps),
        device=arguments.device,
        precision=arguments.precision,
        backend=arguments.backend,
        recursive=arguments.recursive,
        all_frames=arguments.frames == "all",
        form=written_format(arguments.format, arguments.quality),
    )
    report = upscale_anything(request)
    print_job(arguments, request.out, report)
    report.print_made(request.out)
    return report.exit_code
