"""Choosing bf16 by itself: only where the hardware has it and the pictures stay what they are."""

from collections.abc import Callable

import torch
from torch import Tensor

from patina.degradations.learned_degradation import LearnedDegradation
from patina.layers.precision import has_fast_bf16
from patina.seeding import numpy_rng, torch_generator

FEWEST_DB = 45.0
"""PSNR to float32's result that bf16's must have: a deviation of 1.4 of 255."""

SIDE = 96
"""Of the trial picture, in pixels."""


def fastest(make: Callable[[torch.dtype], LearnedDegradation], device: torch.device) -> LearnedDegradation:
    """Return the degradation in bf16 where `device` is fast in it and it gives what float32 gives, else in float32.

    The choice is made on a picture of its own, so that it depends on model, settings and machine alone: a folder that
    is done in two runs is done in one precision.

    Args:
        make: makes the degradation with its convolutions in a dtype.
        device: where it computes.
    """
    exact = make(torch.float32)
    if not has_fast_bf16(device):
        return exact
    half = make(torch.bfloat16)
    return half if agreement(exact, half) >= FEWEST_DB else exact


def agreement(first: LearnedDegradation, second: LearnedDegradation) -> float:
    """Return the PSNR in dB between what two degradations make of the trial picture; NaN where one is not finite."""
    picture = trial_picture()
    parameters = first.draw(numpy_rng("trial"))
    return decibels(first.apply(picture, parameters, key=0), second.apply(picture, parameters, key=0))


def decibels(first: Tensor, second: Tensor) -> float:
    """Return the PSNR in dB between two pictures in [0, 1]; NaN where one is not finite."""
    return float(-10 * (first - second).square().mean().clamp(min=1e-20).log10())


def trial_picture() -> Tensor:
    """Return smooth areas, edges and texture, ``[3, SIDE, SIDE]`` in [0, 1]."""
    generator = torch_generator("trial")
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic")[0]
    edges = (smooth[:1] > 0.5) * 0.2 - 0.1
    return (smooth + edges + 0.03 * torch.randn(3, SIDE, SIDE, generator=generator)).clamp(0, 1)
