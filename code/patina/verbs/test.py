"""Upscale folders with a trained model and, where there is ground truth, measure the results."""

import argparse
from pathlib import Path

from patina.config.files import load_config
from patina.config.upscaling import TestSet, UpscaleTestConfig
from patina.errors import ConfigError
from patina.imaging.files import list_pictures
from patina.imaging.sources import list_sources
from patina.verbs.arguments import add_device_flag, add_flag
from patina.verbs.scores import evaluate_folders
from patina.verbs.upscale import upscale_pictures
from patina.verbs.upscalers import Upscaler, open_upscaler


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "opt", required=True, help="configuration, a path or a name in confs/")
    add_device_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Upscale and measure every set of the configuration."""
    config = load_config(arguments.opt)
    if not isinstance(config, UpscaleTestConfig):
        raise ConfigError(f"{arguments.opt}: task is {config.task}, expected test")
    upscaler = open_upscaler(
        config.model, scale=config.scale, tile=config.tile, device=arguments.device, precision=config.precision
    )
    return max(_test_set(upscaler, config, test_set, arguments.device) for test_set in config.sets)


def _test_set(upscaler: Upscaler, config: UpscaleTestConfig, test_set: TestSet, device: str) -> int:
    """Upscale one set into ``out/NAME/`` and measure it; return the exit code."""
    results = config.out / test_set.name
    upscaled = upscale_pictures(upscaler, test_set.lq, results, replace="otherwise")
    upscaled.print_summary()
    if test_set.gt is None:
        return upscaled.exit_code
    present = {each.stem for each in list_sources(test_set.lq)}
    gone = {path.stem for path in list_pictures(results)} - present  # results of an earlier call
    evaluation = evaluate_folders(
        results,
        test_set.gt,
        crop=config.crop_border,
        space=config.space,
        lpips=config.lpips,
        device=device,
        without={Path(name).stem for name, _ in upscaled.failures} | gone,
    )
    evaluation.write(results)
    print(f"{test_set.name}\n{evaluation.table()}")
    evaluation.report.print_summary()
    return max(upscaled.exit_code, evaluation.report.exit_code)
