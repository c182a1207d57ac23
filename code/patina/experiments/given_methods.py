"""What the user names as a method of an experiment: a learned degradation, a recipe, or a family to fit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from patina.degradations.recipe import load_recipe
from patina.experiments.choices import FIT
from patina.fitting.family import DEFAULT_FAMILIES, has_free_numbers, load_families
from patina.settings import find_file, require_block
from patina.system.yaml_files import read_yaml

FOLDERS = ("confs/recipes", "confs/families", "confs")

Kind = Literal["learned", "recipe", "family"]


@dataclass(frozen=True)
class GivenMethod:
    """A method as the user named it.

    Attributes:
        kind: what it is.
        name: the file's name without its ending, or "fit".
        files: a recipe's file or the families' names; for a learned degradation, its configuration, if it is one.
    """

    kind: Kind
    name: str
    files: tuple[str, ...]


def given_method(given: str, scale: int | None = None) -> GivenMethod:
    """Find out what a method is.

    Recipes and families are read once, so that what is wrong with a file is said now and not after an hour.

    Args:
        given: "fit", a model file, a run folder (``{seed}`` stands for a seed), or a YAML file by its path or name.
        scale: downscaling factor of families; None is their own.

    Raises:
        PatinaError: there is no such file, or it cannot be used.
    """
    if given == FIT:
        load_families(DEFAULT_FAMILIES, scale)
        return GivenMethod("family", FIT, DEFAULT_FAMILIES)
    if Path(given).is_dir() or given.endswith(".safetensors") or "{seed}" in given:
        return GivenMethod("learned", Path(given).stem, ())
    path = find_file(given, FOLDERS, "recipe, family or configuration")
    values = require_block(read_yaml(path), path)
    if has_free_numbers(values):
        load_families((str(path),), scale)
        return GivenMethod("family", path.stem, (str(path),))
    if "task" in values:
        return GivenMethod("learned", path.stem, (str(path),))
    load_recipe(path)
    return GivenMethod("recipe", path.stem, (str(path),))
