"""Clean images and photos for the generated pages, from scikit-image's photographs."""

from pathlib import Path

import numpy as np
import skimage.data

from patina.api import load_recipe
from patina.imaging.picture_files import write_picture
from patina.system.atomic import write_text
from patina.system.yaml_files import yaml_text

NAMES = ("astronaut", "coffee", "cat", "rocket", "stereo_motorcycle", "retina", "chelsea", "immunohistochemistry")
CAMERA = {
    "scale": 1,
    "steps": [
        {"gaussian_blur": {"sigma": [0.7, 1.0]}},
        {"sensor_noise": {"sigma": [5, 9], "grain": [0.6, 0.9], "gain": -0.4}},
    ],
}
"""What the photos are taken with; as files, they are JPEGs of quality 80."""


def write_bundled_images(folder: Path) -> None:
    """Write 24 crops as ``clean``, and 24 other ones through the camera as ``real``."""
    recipe = folder.with_name(f"{folder.name}-camera.yml")
    write_text(recipe, yaml_text(CAMERA))
    camera = load_recipe(recipe)
    for name in NAMES:
        pixels = getattr(skimage.data, name)()
        pixels = pixels[0] if isinstance(pixels, tuple) else pixels
        height, width = pixels.shape[:2]
        for place, left in enumerate(np.linspace(0, width // 2, 3).astype(int)):
            part = pixels[:, left : left + width // 2]
            clean, real = part[: 3 * height // 4], part[height // 4 :]
            write_picture(folder / "clean" / f"{name}_{place}.png", np.ascontiguousarray(clean))
            shot = camera(np.ascontiguousarray(real), seed=place, name=name)
            write_picture(folder / "real" / f"{name}_{place}.jpg", shot, quality=80)
    recipe.unlink()
