"""Show what each step of a recipe does to a picture: as drawn, at its mildest and strongest, and the difference."""

import argparse
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.recipe_flags import add_recipe_arguments, add_recipe_flags, recipe_choice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_recipe_arguments(parser)
    parser.add_argument("image", type=Path, help="clean picture")
    add_flag(parser, "out", type=Path, help="the sheet (default: preview-RECIPE.png)")
    add_flag(parser, "side", type=int, default=192, help="of the crop that is shown, in pixels")
    add_flag(parser, "zoom", type=int, default=1, help="shows every pixel as a square of this side")
    add_flag(parser, "seed", type=int, default=0, help="of the draws")
    add_recipe_flags(parser)
    add_device_flag(parser, "where models compute")


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
    print(f"{request.out}: {steps} steps of {arguments.recipe}{f', {variant}' if variant else ''}")
    return 0
