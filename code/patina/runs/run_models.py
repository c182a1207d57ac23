"""The models of a run: their folder and their labels."""

import re
from pathlib import Path

from patina.errors import PatinaError

FOLDER = "models"
"""Folder of a run's models."""

FINAL = "final"
"""Label of the last model; other models are labelled by step or epoch."""

BEST = "best"
"""Label of the best model by a number of the validations."""

_STEP_OR_EPOCH = re.compile(r"(epoch-)?([0-9]{1,15})").fullmatch


def step_of(model: Path, epoch: int | None = None) -> int | None:
    """Return the step of a model labelled by step or epoch; None for others.

    Args:
        model: its file.
        epoch: steps per epoch, if models are labelled by epoch.
    """
    if (found := _STEP_OR_EPOCH(model.stem)) is None or (found[1] and epoch is None):
        return None
    return int(found[2]) * (epoch or 1) if found[1] else int(found[2])


def label_of(model: Path) -> str:
    """Return a name for a model file that distinguishes it from others in tables and file names.

    ``RUN/models/final.safetensors`` is RUN, ``RUN/models/500.safetensors`` is RUN-500, and any other file is its stem.
    """
    folder = model.absolute().parent
    if folder.name != FOLDER or not (folder.parent / "config.yml").is_file() or not model.suffix:
        return model.stem
    return folder.parent.name if model.stem == FINAL else f"{folder.parent.name}-{model.stem}"


def newest_of(run: Path) -> Path | None:
    """Return the final model of a run's folder, else its newest model, else the best, else None."""
    models = (run / FOLDER).glob("*.safetensors")
    return max(models, key=lambda path: (path.stem == FINAL, path.stem != BEST, path.stem.zfill(12)), default=None)


def newest_model(source: Path) -> Path:
    """Return a model file: `source` itself, or the final or newest model of a run folder.

    Raises:
        PatinaError: the run has none yet.
    """
    if source.is_file():
        return source
    model = newest_of(source)
    if model is None:
        raise PatinaError(f"{source}: the run has no model yet; train it further")
    return model
