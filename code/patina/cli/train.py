"""Train from a configuration: a learned degradation, or a restoration network in stages."""

import argparse

from patina.cli.flags import add_device_flag, add_flag
from patina.errors import ConfigError
from patina.pipelines.smoke_pictures import ensure_smoke_pictures
from patina.pipelines.training_run import INTERRUPTED, SMOKE_PICTURES, _require, _size, train_config
from patina.specs.configuration import base_folder, dump_config, find_config, load_config
from patina.specs.restoration_settings import RestorationConfig
from patina.specs.trained import TRAINED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "opt", required=True, help="configuration, a path or a name in confs/")
    add_device_flag(parser)
    parser.add_argument(
        "--smoke", action="store_true", help="a small size, to see in about a minute that everything works"
    )
    parser.add_argument(
        "--dry-run", action="store_true",
        help="print the resolved configuration and the model's size, and look for what the training needs",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Train, or print what would be trained."""
    config = load_config(arguments.opt, arguments.smoke)
    if not (config.task in TRAINED or isinstance(config, RestorationConfig)):
        trained = ", ".join([*TRAINED, "restoration"])
        raise ConfigError(f"{arguments.opt}: task is {config.task}, expected one that trains: {trained}")
    if arguments.dry_run:
        print(dump_config(config), end="")
        print(f"# {_size(config)}")
        _require(config, arguments.device, pictures=not arguments.smoke)
        return 0
    if arguments.smoke:
        ensure_smoke_pictures(base_folder(find_config(arguments.opt)) / SMOKE_PICTURES)
    return 0 if train_config(config, arguments.device) else INTERRUPTED
