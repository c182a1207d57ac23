"""The public API: the commands for pictures in memory.

A picture is an array, ``[H, W, 3]`` RGB, uint8 or uint16; results have the same dtype. The ``load`` functions return
objects that map pictures to pictures, so a model is read once for any number of pictures. Everything raises
`patina.errors.PatinaError` with a message for users.

Pipelines are imported by the functions that need them, so a classical recipe loads no torch.
"""

from patina.api.degraders import ModelDegrader, RecipeDegrader, load_degradation, load_recipe
from patina.api.enlargers import load_upscaler, upscale
from patina.api.measurement import evaluate, report
from patina.api.photo_fit import FittedRecipe, fit

__all__ = [
    "FittedRecipe",
    "ModelDegrader",
    "RecipeDegrader",
    "evaluate",
    "fit",
    "load_degradation",
    "load_recipe",
    "load_upscaler",
    "report",
    "upscale",
]
