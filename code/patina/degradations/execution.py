"""Execution of plans: steps that several plans share run once, models run in batches.

Inside a plan a picture is ``[H, W, 3]`` float32 RGB in [0, 1]. Engines take tensors; only this module converts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from patina.degradations.base import NOT_FINITE, Degradation
from patina.degradations.blocks import LearnedBlock
from patina.degradations.operations import OPERATIONS
from patina.degradations.plans import Plan, Step
from patina.errors import PictureError
from patina.system.typed_values import shortened

if TYPE_CHECKING:  # processes that work without models need not load torch
    import torch
    from torch import Tensor

Images = dict[Plan, np.ndarray]
"""Intermediate results by the steps already applied."""

_UNFIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, cv2.error)
"""What operations raise for parameters that they do not draw themselves."""

BATCH = 8
"""Largest number of pictures per batch."""


@dataclass(frozen=True)
class Engine:
    """Computes steps that run in batches.

    Attributes:
        models: learned degradations by the path in a step's parameters.
        device: device of steps that use torch without a model.
    """

    models: Mapping[str, Degradation] = field(default_factory=dict)
    device: torch.device | str = "cpu"


def wants_batch(step: Step) -> bool:
    """Return whether a step needs an `Engine`: a learned model, or JPEG in torch."""
    return step.op == LearnedBlock.name or step.parameters.get("codec") == "torch"


def apply_step(image: np.ndarray, step: Step) -> np.ndarray:
    """Apply one classical step.

    Raises:
        PictureError: its parameters are not what the operation draws, as in a log that somebody changed.
    """
    try:
        return OPERATIONS[step.op].apply(image, step.parameters, step.key)
    except _UNFIT as error:
        raise PictureError(
            f"{shortened(step.text, 120)} cannot be applied ({type(error).__name__}: {error})"
        ) from error


def grow(images: Images, plans: Iterable[Plan]) -> list[Plan]:
    """Run the plans of one picture until done or in need of an engine; common prefixes run once.

    Args:
        images: intermediate results of the picture, at least ``{(): picture}``; new ones are added.
        plans: the plans to run.

    Returns:
        The plans that wait for an engine, truncated after the step that needs it.

    Raises:
        PictureError: an engine gave values that are not finite.
    """
    waiting: dict[Plan, None] = {}
    for plan in plans:
        place = max(length for length in range(len(plan) + 1) if plan[:length] in images)
        if place and wants_batch(plan[place - 1]) and not np.isfinite(images[plan[:place]]).all():
            model = plan[place - 1].parameters.get("model", plan[place - 1].op)
            raise PictureError(f"{model} {NOT_FINITE}")
        while place < len(plan) and not wants_batch(plan[place]):
            images[plan[: place + 1]] = apply_step(images[plan[:place]], plan[place])
            place += 1
        if place < len(plan):
            waiting[plan[: place + 1]] = None
    return list(waiting)


def serve_waiting(pictures: Sequence[tuple[Images, Sequence[Plan]]], engine: Engine) -> None:
    """Run the steps that pictures wait for, in batches; intermediate results and plans as `grow` leaves them."""
    wanted = [(images, plan) for images, waiting in pictures for plan in waiting]
    results = _in_batches([images[plan[:-1]] for images, plan in wanted], [plan[-1] for _, plan in wanted], engine)
    for (images, plan), result in zip(wanted, results, strict=True):
        images[plan] = result


def finish(pictures: Sequence[tuple[Images, Sequence[Plan]]], engine: Engine) -> None:
    """Run the plans of several pictures to their end."""
    while any(waiting := [grow(images, plans) for images, plans in pictures]):
        serve_waiting([(images, cut) for (images, _), cut in zip(pictures, waiting, strict=True)], engine)


def _in_batches(images: Sequence[np.ndarray], steps: Sequence[Step], engine: Engine) -> list[np.ndarray]:
    """Apply one step to each picture, batching pictures of one model and one size."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, (image, step) in enumerate(zip(images, steps, strict=True)):
        groups[step.op, step.parameters.get("model"), image.shape].append(index)
    results: dict[int, np.ndarray] = {}
    for members in groups.values():
        for start in range(0, len(members), BATCH):
            batch = members[start : start + BATCH]
            degraded = _batch([as_tensor(images[i]) for i in batch], [steps[i] for i in batch], engine)
            results |= {i: as_array(result) for i, result in zip(batch, degraded, strict=True)}
    return [results[index] for index in range(len(images))]


def _batch(images: list[Tensor], steps: list[Step], engine: Engine) -> Sequence[Tensor]:
    if steps[0].op == LearnedBlock.name:
        model = engine.models[steps[0].parameters["model"]]
        return model.apply_batch(images, [step.parameters["knobs"] for step in steps], [step.key for step in steps])
    import torch

    from patina.degradations.torch_jpeg import torch_jpeg

    quality = torch.tensor([float(step.parameters["quality"]) for step in steps], device=engine.device)
    return torch_jpeg(torch.stack(images).to(engine.device), quality).unbind()


def apply_plan(image: np.ndarray, plan: Plan, engine: Engine | None = None) -> np.ndarray:
    """Apply a plan to one picture."""
    images: Images = {(): image}
    finish([(images, [plan])], engine or Engine())
    return images[plan]


def as_tensor(image: np.ndarray) -> Tensor:
    """Return ``[H, W, 3]`` as ``[3, H, W]``."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def as_array(image: Tensor) -> np.ndarray:
    """Return ``[3, H, W]`` as ``[H, W, 3]``."""
    return np.ascontiguousarray(image.detach().cpu().numpy().transpose(1, 2, 0))
