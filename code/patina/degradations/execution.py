"""Doing what was drawn: plans over pictures, what they have in common once, learned steps in batches.

Inside a plan a picture is ``[H, W, 3]`` float32 RGB in [0, 1]. Learned models take tensors; that is converted here and
nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from patina.degradations.base import Degradation
from patina.degradations.operations import OPERATIONS
from patina.degradations.recipe import LEARNED, Plan, Step

if TYPE_CHECKING:  # processes that work without models need not load torch
    from torch import Tensor

Images = dict[Plan, np.ndarray]
"""Pictures by what has been done to them."""

Models = Mapping[str, Degradation]
"""Learned degradations by the path in a step's parameters."""

BATCH = 8
"""Pictures that a model is given at a time."""


def from_pixels(pixels: np.ndarray) -> np.ndarray:
    """Turn uint8 or uint16 pixels into the values that plans work on."""
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def into_pixels(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Turn values in [0, 1] into pixels, rounded half to even."""
    return np.rint(image.clip(0, 1) * np.float32(np.iinfo(dtype).max)).astype(dtype)


def apply_step(image: np.ndarray, step: Step) -> np.ndarray:
    """Do one classical step."""
    return OPERATIONS[step.op].apply(image, step.parameters, step.key)


def grow(images: Images, plans: Iterable[Plan]) -> list[Plan]:
    """Do all classical steps of the plans for one picture, those that several plans begin with only once.

    Args:
        images: what has been made of the picture, at least ``{(): picture}``; the results are added.
        plans: what to make of it.

    Returns:
        The plans, cut behind their next learned step, that cannot go on without it.
    """
    waiting: dict[Plan, None] = {}
    for plan in plans:
        place = max(length for length in range(len(plan) + 1) if plan[:length] in images)
        while place < len(plan) and plan[place].op != LEARNED:
            images[plan[: place + 1]] = apply_step(images[plan[:place]], plan[place])
            place += 1
        if place < len(plan):
            waiting[plan[: place + 1]] = None
    return list(waiting)


def learn_waiting(pictures: Sequence[tuple[Images, Sequence[Plan]]], models: Models) -> None:
    """Do the learned steps that several pictures wait for, in batches; `images` and plans as `grow` leaves them."""
    wanted = [(images, plan) for images, waiting in pictures for plan in waiting]
    results = learn([images[plan[:-1]] for images, plan in wanted], [plan[-1] for _, plan in wanted], models)
    for (images, plan), result in zip(wanted, results, strict=True):
        images[plan] = result


def finish(pictures: Sequence[tuple[Images, Sequence[Plan]]], models: Models) -> None:
    """Do all that is left of the plans of several pictures."""
    while any(waiting := [grow(images, plans) for images, plans in pictures]):
        learn_waiting([(images, cut) for (images, _), cut in zip(pictures, waiting, strict=True)], models)


def learn(images: Sequence[np.ndarray], steps: Sequence[Step], models: Models) -> list[np.ndarray]:
    """Do one learned step for each picture, those of one model and one size together."""
    groups: dict[tuple, list[int]] = defaultdict(list)
    for index, (image, step) in enumerate(zip(images, steps, strict=True)):
        groups[step.parameters["model"], image.shape].append(index)
    results: dict[int, np.ndarray] = {}
    for (model, _), members in groups.items():
        for start in range(0, len(members), BATCH):
            batch = members[start : start + BATCH]
            degraded = models[model].apply_batch(
                [_tensor(images[i]) for i in batch],
                [steps[i].parameters["knobs"] for i in batch],
                [steps[i].key for i in batch],
            )
            results |= {i: _array(result) for i, result in zip(batch, degraded, strict=True)}
    return [results[index] for index in range(len(images))]


def apply_plan(image: np.ndarray, plan: Plan, models: Models | None = None) -> np.ndarray:
    """Do a whole plan to one picture."""
    images: Images = {(): image}
    finish([(images, [plan])], models or {})
    return images[plan]


def _tensor(image: np.ndarray) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def _array(image: Tensor) -> np.ndarray:
    return np.ascontiguousarray(image.detach().cpu().numpy().transpose(1, 2, 0))
