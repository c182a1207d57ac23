"""Measure how many images per second a recipe degrades on this machine."""

import argparse

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.recipe_flags import add_recipe_arguments, add_recipe_flags, recipe_choice
from patina.cli.results import add_json_flag, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_recipe_arguments(parser)
    add_flag(parser, "pictures", type=int, default=600, help="number of images")
    add_flag(parser, "side", type=int, default=512, help="side of the clean images in pixels")
    add_recipe_flags(parser, variant="the one with the most blocks")
    add_flag(parser, "workers", type=int, help="number of processes (default: one per core)")
    add_device_flag(parser, "device for models")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make the clean images, degrade them, and print the speed."""
    from patina.pipelines.recipe_speed import SpeedRequest, measure_speed

    request = SpeedRequest(
        recipe=recipe_choice(arguments),
        pictures=arguments.pictures,
        side=arguments.side,
        workers=arguments.workers,
        device=arguments.device,
    )
    speed = measure_speed(request)
    speed.report.print_summary()
    if speed.made:
        text = (
            f"{arguments.recipe} {speed.variants}: {speed.made} images of {request.side}x{request.side} in "
            f"{speed.seconds:.2f} s with {speed.workers} workers, start included: {speed.made / speed.seconds:.1f} per "
            f"second, {1000 * speed.busy_seconds / speed.made:.1f} ms of processor time each"
        )
        print_result(arguments, text, {"recipe": arguments.recipe, "side": request.side} | speed.values)
    return speed.report.exit_code
