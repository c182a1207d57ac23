"""What the stages of a restoration training need, looked for before the first one begins."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from patina.errors import PatinaError
from patina.models.generators import load_generator_weights
from patina.specs.loss_objects import adversary, loss_terms
from patina.specs.restoration_objects import fresh_generator, patches_of, validation_pairs
from patina.specs.restoration_settings import RestorationConfig, RestorationStage, patch_sides


def require_stages(
    config: RestorationConfig, folders: Sequence[Path], device: str = "auto", *, pictures: bool = True
) -> None:
    """Make sure that no stage will lack a file: to start from, for its losses, or of the data.

    Args:
        config: of the training.
        folders: each stage's run; what an earlier stage is to write there may still be missing.
        device: where models of a recipe are put.
        pictures: whether to look at the data, too.

    Raises:
        PatinaError: something is missing or does not fit; names all of it, and the stage where it is a stage's own.
    """
    problems: list[str] = []
    if pictures:
        largest = max(side for stage in config.stages for side in patch_sides(config, stage).values())
        with _noted(problems):
            patches_of(config, {1: largest}, seed=0, device=device)
        with _noted(problems):
            validation_pairs(config)
    for number, stage in enumerate(config.stages):
        with _noted(problems, f"stage {stage.name}: "):
            _require_start(config, stage, folders[:number])
        with _noted(problems, f"stage {stage.name}: "):
            loss_terms(stage.losses)
            adversary(stage.gan, patch_sides(config, stage)[1])
    if problems:
        raise PatinaError("; ".join(dict.fromkeys(problems)))


@contextmanager
def _noted(problems: list[str], prefix: str = "") -> Iterator[None]:
    """Note what is refused in the block, and go on behind it."""
    try:
        yield
    except PatinaError as error:
        problems.append(f"{prefix}{error}")


def _require_start(config: RestorationConfig, stage: RestorationStage, earlier: Sequence[Path]) -> None:
    start = stage.init_from
    made_before = start is not None and any(start.is_relative_to(folder) for folder in earlier)
    if start is not None and (start.exists() or not made_before):
        load_generator_weights(fresh_generator(config.model), start, stage.init_strict)
