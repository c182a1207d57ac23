"""Configuration to SR3 and the task that trains it."""

from typing import Any

from patina.data.augmentation import Augmentation
from patina.data.clean_tiles import Squares
from patina.data.domains import require_size
from patina.imaging.picture_files import list_pictures
from patina.models.sr3 import SR3
from patina.seeding import derive, seed_step
from patina.specs.running import loop_plan, updater_factory
from patina.specs.sr3_settings import SquareAugmentation, SR3Config
from patina.training.loop import LoopPlan
from patina.training.sr3_task import SR3Task


def sr3_network(config: SR3Config) -> SR3:
    """Make the network with its starting weights."""
    seed_step(config.seed, "weights")
    return SR3(config.model, config.schedule)


def sr3_task(config: SR3Config, device: str = "auto") -> SR3Task:
    """Make the task that trains SR3."""
    data, settings = config.data, config.training
    dataset = Squares(
        list_pictures(data.pictures),
        side=data.side,
        scale=config.model.scale,
        batch=data.batch,
        seed=derive(config.seed, "data"),
        augment=augmentation(data.augment),
        cache_mb=data.cache_mb,
    )
    shown = list_pictures(config.validation.pictures)[: config.validation.count] if config.validation else []
    require_size(shown, data.side, "square")
    return SR3Task(
        sr3_network(config),
        dataset,
        updater_factory(settings.in_steps(dataset.epoch), compiled=settings.compile),
        loss=settings.loss,
        decay=settings.decay,
        sampling=(config.sampling.sampler, config.sampling.steps),
        shown=shown,
    )


def sr3_plan(config: SR3Config, task: SR3Task) -> LoopPlan:
    """Return the loop's plan: an epoch sees every picture once."""
    epoch = task.dataset.epoch
    return loop_plan(config.training.in_steps(epoch), config.data, config.seed, epoch)


def augmentation(settings: SquareAugmentation) -> Augmentation:
    """Return what changes squares."""
    changes: dict[str, Any] = {"flip": settings.flip}
    if colour := settings.colour:
        changes |= {"colour": colour.probability} | colour.model_dump(exclude={"probability"})
    if settings.sharpness:
        changes |= {"sharpness": settings.sharpness.probability, "sharpness_range": settings.sharpness.range}
    return Augmentation(**changes)
