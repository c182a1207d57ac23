"""Make the images of docs/gallery.md: four draws of every classical recipe that comes with Patina.

python docs/make_gallery.py
"""

from pathlib import Path

import numpy as np
from skimage import data

from patina.api import load_recipe
from patina.imaging.picture_files import write_picture
from patina.imaging.sheets import sheet
from patina.shipped import shipped_files

HERE = Path(__file__).resolve().parent / "gallery"
SIDE = 192
"""Side in pixels of what is shown."""

DRAWS = 4

LEARNED = "deflow"
"""A recipe of nothing but a model, of which none comes with Patina."""


def main() -> None:
    """Write a sheet of every recipe."""
    face = data.astronaut()[:384, 64:448]
    shown = np.ascontiguousarray(face[30 : 30 + SIDE, 60 : 60 + SIDE])
    for path in shipped_files("confs/recipes"):
        if path.stem == LEARNED:
            continue
        recipe = load_recipe(path, without_learned=True)
        variant = max(recipe.variants, key=lambda name: len(recipe.recipe.sequence(name)), default=None)
        cells = [shown]
        for seed in range(DRAWS):
            lq = recipe(face, seed, variant, name="astronaut.png")
            large = lq.repeat(recipe.scale, 0).repeat(recipe.scale, 1)
            cells.append(large[30 : 30 + SIDE, 60 : 60 + SIDE])
        columns = ["clean", *(f"draw {seed + 1}" for seed in range(DRAWS))]
        write_picture(HERE / f"{path.stem}.webp", sheet([cells], columns, [f"x{recipe.scale}"]), quality=80)


if __name__ == "__main__":
    main()
