"""Compare learned degradations and recipes with real images by every property, beside baselines, over seeds."""

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
    add_learned_flag(
        parser,
        default=["LUD-VAE=LUDVAE-polyu", "DeFlow=DeFlow-polyu"],
        help="model file, run folder ({seed} stands for the seed), configuration (trained first if needed), recipe, "
        "family to fit, or 'fit' for the default ones",
    )
    add_pictures_flags(parser)
    add_seeds_flag(parser, help="seeds of trainings, noise and classifiers")
    parser.add_argument("--pgap", action="store_true", help="also train denoisers on every noise and on real pairs")
    add_flag(parser, "opt", default="DnCNN-polyu", help="configuration of the denoiser for --pgap")
    add_flag(parser, "judge_steps", type=int, default=200, help="training steps of the two-sample classifier")
    add_out_flag(parser, default="results/fidelity")
    add_device_flag(parser)
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment and print its table."""
    from patina.experiments.realism_experiment import RealismRequest, compare_realism

    request = RealismRequest(
        methods=methods(arguments),
        pictures=pictures(arguments),
        seeds=tuple(arguments.seeds),
        out=arguments.out,
        classifier_steps=arguments.judge_steps,
        denoiser=arguments.opt if arguments.pgap else None,
        device=arguments.device,
    )
    print_experiment(arguments, compare_realism(request), request.out)
    return 0
