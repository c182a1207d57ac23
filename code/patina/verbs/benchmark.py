"""Measure how many pictures a second a recipe makes on this machine."""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from patina.degradations.recipe import require_models
from patina.errors import require_range
from patina.imaging.files import write_picture
from patina.verbs.arguments import add_device_flag, add_flag, checked_workers
from patina.verbs.degrade import (
    Outputs,
    add_recipe_flags,
    chosen_outputs,
    chosen_recipe,
    degrade,
    longest_variant,
)

DIFFERENT = 12
"""Different clean pictures; more are copies, because their content does not change the time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("recipe", help="recipe, a path or a name in confs/recipes/")
    add_flag(parser, "pictures", type=int, default=600, help="how many")
    add_flag(parser, "side", type=int, default=512, help="of the clean pictures, in pixels")
    add_recipe_flags(parser)
    add_flag(parser, "workers", type=int, help="processes (default: one a core)")
    add_device_flag(parser, "where models compute")


def run(arguments: argparse.Namespace) -> int:
    """Make the clean pictures, degrade them, and print the speed."""
    recipe = chosen_recipe(arguments)
    require_models(recipe)
    require_range("pictures", arguments.pictures, 1)
    require_range("side", arguments.side, recipe.scale)
    workers = checked_workers(arguments.workers)
    outputs = (
        chosen_outputs(recipe, arguments.variant)
        if arguments.variant
        else Outputs((longest_variant(recipe),), mixed=False)
    )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "clean"
        make_pictures(source, arguments.pictures, arguments.side)
        began, busy = time.perf_counter(), _processor_seconds()
        report = degrade(
            recipe, source, Path(folder) / "out", name=arguments.recipe, outputs=outputs,
            workers=workers, device=arguments.device,
        )  # fmt: skip
        seconds, busy = time.perf_counter() - began, _processor_seconds() - busy
    report.print_summary()
    if not report.results:
        return report.exit_code
    variant = ", ".join([*outputs.variants, *(["mixed"] if outputs.mixed else [])])
    made = len(report.results)
    print(
        f"{arguments.recipe} {variant}: {made} pictures of {arguments.side}x{arguments.side} in {seconds:.2f} s with "
        f"{workers} workers: {made / seconds:.1f} a second, {1000 * busy / made:.1f} ms of a core each, start included"
    )
    return report.exit_code


def _processor_seconds() -> float:
    """Return the processor time of this process and its finished children: it does not count what others take."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def make_pictures(folder: Path, count: int, side: int) -> None:
    """Write crops of photographs that come with scikit-image, with a little noise as cameras have."""
    from skimage import data

    scenes = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    rng = np.random.default_rng(0)
    files: list[bytes] = []
    for index in range(count):
        path = folder / f"{index:05d}.png"
        if index < DIFFERENT:
            write_picture(path, _scene(scenes[index % len(scenes)], side, rng))
            files.append(path.read_bytes())
        else:
            path.write_bytes(files[index % DIFFERENT])


def _scene(picture: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a square out of a picture, mirrored as often as it needs to be large enough."""
    rows, columns = (-(-side // length) + 1 for length in picture.shape[:2])
    tall = np.concatenate([picture[:: -1 if row % 2 else 1] for row in range(rows)])
    wide = np.concatenate([tall[:, :: -1 if column % 2 else 1] for column in range(columns)], axis=1)
    top, left = (int(rng.integers(length - side + 1)) for length in wide.shape[:2])
    cut = wide[top : top + side, left : left + side] + rng.normal(0, 2, (side, side, 3))
    return np.rint(cut).clip(0, 255).astype(np.uint8)
