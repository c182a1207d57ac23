"""Evaluate learned noise and recipes by training denoisers on them, beside Gaussian noise and real pairs."""

import argparse

from patina.cli.experiment_flags import (
    add_learned_flag,
    add_out_flag,
    add_pictures_flags,
    add_seeds_flag,
    methods,
    pictures,
)
from patina.cli.flags import add_device_flag, add_flag
from patina.cli.results import add_json_flag, print_experiment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_flag(parser, "opt", default="DnCNN-polyu", help="configuration of the denoiser, a restoration at scale 1")
    add_learned_flag(
        parser,
        default=["LUD-VAE=LUDVAE-polyu", "LUD-VAE-detail=LUDVAE-polyu,detail=1", "DeFlow=DeFlow-polyu"],
        help="model file, run folder, or configuration (trained first if needed), with knobs; recipe, "
        "family to fit, or 'fit' for the default ones",
    )
    add_pictures_flags(parser)
    add_seeds_flag(parser, help="seeds of the denoisers")
    add_out_flag(parser, default="results/denoise")
    add_device_flag(parser)
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment and print its tables."""
    from patina.experiments.denoising import DenoisingRequest, compare_noises

    request = DenoisingRequest(
        denoiser=arguments.opt,
        methods=methods(arguments),
        pictures=pictures(arguments),
        seeds=tuple(arguments.seeds),
        out=arguments.out,
        device=arguments.device,
    )
    print_experiment(arguments, compare_noises(request), request.out)
    return 0
