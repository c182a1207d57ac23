"""Show every step of a recipe on one image: as drawn, mildest, strongest, and the amplified difference."""

import argparse
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.recipe_flags import add_recipe_arguments, add_recipe_flags, recipe_choice
from patina.cli.results import add_json_flag, print_result
from patina.errors import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_recipe_arguments(parser)
    parser.add_argument("image", type=Path, help="clean image")
    add_flag(parser, "out", type=Path, help="sheet to write (default: preview-RECIPE.png)")
    add_flag(parser, "side", type=int, default=192, help="side of the centre crop to show, in pixels")
    add_flag(parser, "zoom", type=int, default=1, help="enlargement: side of the square that shows a pixel")
    add_flag(parser, "seed", type=int, default=0, help="seed of the draws")
    add_recipe_flags(parser, variant="the one with the most blocks")
    add_device_flag(parser, "device for models")
    add_json_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the sheet of one variant."""
    from patina.pipelines.recipe_preview import PreviewRequest, preview

    request = PreviewRequest(
        recipe=recipe_choice(arguments),
        image=arguments.image,
        out=arguments.out or Path(f"preview-{Path(arguments.recipe).stem}.png"),
        side=arguments.side,
        zoom=arguments.zoom,
        seed=arguments.seed,
        device=arguments.device,
    )
    variant, steps = preview(request)
    text = f"{request.out}: {counted(steps, 'step')} of {arguments.recipe}{f', {variant}' if variant else ''}"
    values = {"sheet": str(request.out), "recipe": arguments.recipe, "variant": variant, "steps": steps}
    print_result(arguments, text, values)
    return 0
