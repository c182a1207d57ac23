"""Automatic choice of bf16: only if the hardware supports it and the results match float32's."""

from collections.abc import Callable

import torch
from torch import Tensor

from patina.degradations.learned_degradation import LearnedDegradation
from patina.layers.precision import has_fast_bf16
from patina.seeding import numpy_rng, torch_generator

LOWEST_PSNR = 45.0
"""Lowest acceptable PSNR in dB of bf16's result to float32's, an RMS error of 1.4 grey levels."""

SIDE = 96
"""Side of the trial picture in pixels."""


def fastest(make: Callable[[torch.dtype], LearnedDegradation], device: torch.device) -> LearnedDegradation:
    """Return the degradation in bf16 if `device` is fast in it and the results match float32's, else in float32.

    The trial uses a synthetic picture, so the choice depends only on model, settings and machine: a folder processed in
    two runs is processed in one precision.

    Args:
        make: makes the degradation with its convolutions in the given dtype.
        device: device to compute on.
    """
    exact = make(torch.float32)
    if not has_fast_bf16(device):
        return exact
    half = make(torch.bfloat16)
    return half if agreement(exact, half) >= LOWEST_PSNR else exact


def agreement(first: LearnedDegradation, second: LearnedDegradation) -> float:
    """Return the PSNR in dB between two degradations' results on the trial picture; NaN if one is not finite."""
    picture = trial_picture()
    parameters = first.draw(numpy_rng("trial"))
    return decibels(first.apply(picture, parameters, key=0), second.apply(picture, parameters, key=0))


def decibels(first: Tensor, second: Tensor) -> float:
    """Return the PSNR in dB between two pictures in [0, 1]; NaN if one is not finite."""
    return float(-10 * (first - second).square().mean().clamp(min=1e-20).log10())


def trial_picture() -> Tensor:
    """Return a picture with smooth areas, edges and texture, ``[3, SIDE, SIDE]`` in [0, 1]."""
    generator = torch_generator("trial")
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic")[0]
    edges = (smooth[:1] > 0.5) * 0.2 - 0.1
    return (smooth + edges + 0.03 * torch.randn(3, SIDE, SIDE, generator=generator)).clamp(0, 1)
