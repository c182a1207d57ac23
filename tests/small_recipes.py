"""Recipes that the tests draw and run, and the picture that they run on."""

import numpy as np

from patina.degradations.recipe import Recipe, parse_recipe
from patina.imaging.resize_filters import resize

END = {"resize": {"filter": "area", "of": "target"}}
HALF = {"resize": {"filter": "box", "factor": 0.5}}


def photo(height: int = 40, width: int = 48) -> np.ndarray:
    rng = np.random.default_rng(0)
    return resize(rng.random((6, 7, 3), np.float32), (height, width), "catmull_rom")


def recipe(*steps, scale: int = 2, **keys) -> Recipe:
    return parse_recipe({"scale": scale, **({"steps": list(steps)} if steps else {}), **keys}, "some.yml")


def variants() -> Recipe:
    return recipe(
        blocks={
            "blur": {"lens_blur": {"radius": [1, 3]}},
            "shrink": END,
            "compress": {"one_of": {"choices": [{"jpeg": {"quality": [5, 90]}}, {"webp": {"quality": [5, 90]}}]}},
        },
        variants={"plain": ["shrink"], "blur": ["blur", "shrink"], "twice": ["blur", "shrink", "compress", "compress"]},
        mixed="round_robin",
    )
