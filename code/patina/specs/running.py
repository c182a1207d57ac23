"""Configuration to what every training run needs: device and precision, the loop's plan, optimiser steps."""

from collections.abc import Callable

import torch
from lightning_fabric import Fabric

from patina.specs.experiment import LoaderSettings, LoopSettings, TrainingSettings
from patina.system.devices import compute_device
from patina.training.loop import LoopPlan
from patina.training.schedules import Schedule, cosine, halved_at, warmed_up
from patina.training.updates import Updater

PRECISIONS = {"32": "32-true", "bf16-mixed": "bf16-mixed"}

OPTIMISERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def make_fabric(precision: str, device: str = "auto") -> Fabric:
    """Return Lightning Fabric on one device (see `compute_device`) at a configured precision.

    Raises:
        PatinaError: this machine has no such device.
    """
    return Fabric(accelerator=compute_device(device).type, devices=1, precision=PRECISIONS[precision])


def loop_plan(settings: LoopSettings, loader: LoaderSettings, seed: int, epoch: int | None = None) -> LoopPlan:
    """Return the loop's plan; `epoch` is its steps, where models are named by it."""
    return LoopPlan(
        steps=settings.steps,
        log_every=settings.log_every,
        validate_every=settings.validate_every,
        save_every=settings.save_every,
        keep_states=settings.keep_states,
        max_not_finite=settings.max_not_finite,
        workers=loader.workers,
        seed=seed,
        epoch=epoch,
    )


def updater_factory(
    settings: TrainingSettings,
    learning_rates: dict[str, float] | None = None,
    rate_factors: dict[str, float] | None = None,
    compiled: bool = False,
) -> Callable[..., Updater]:
    """Return what makes an `Updater` for (fabric, name, network).

    `learning_rates` by network override the setting; `rate_factors` by parameter multiply it; `compiled` networks are
    called through torch.compile.
    """

    def make(fabric: Fabric, name: str, network: torch.nn.Module) -> Updater:
        rate = (learning_rates or {}).get(name, settings.learning_rate)
        return Updater(
            fabric,
            name,
            network,
            schedule=schedule_of(settings, rate),
            betas=settings.betas,
            clip_gradient=settings.clip_gradient,
            rate_factors=rate_factors,
            optimiser=OPTIMISERS[settings.optimiser],
            weight_decay=settings.weight_decay,
            compiled=compiled,
        )

    return make


def schedule_of(settings: TrainingSettings, learning_rate: float) -> Schedule:
    """Return the learning rate by step; `learning_rate` is where it starts from."""
    if settings.cosine is None:
        return warmed_up(halved_at(learning_rate, settings.milestones), settings.warm_up)
    wave = settings.cosine
    schedule = cosine(learning_rate, wave.periods or (settings.steps,), wave.restart_weights, wave.lowest)
    return warmed_up(schedule, settings.warm_up)
