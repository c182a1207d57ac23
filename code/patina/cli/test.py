"""Upscale folders with a trained model and, where there is ground truth, measure the results."""

import argparse

from patina.cli.flags import add_device_flag, add_flag
from patina.errors import ConfigError
from patina.pipelines.configured_test import _test_set
from patina.pipelines.upscalers import open_upscaler
from patina.specs.configuration import load_config
from patina.specs.upscale_test_spec import UpscaleTestConfig


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
