"""Diffusion with additive noise: x_s = x + s n, and its removal by DDIM (Song et al. 2021, arXiv 2010.02502).

The variance-preserving diffusion of Ho et al. (2020), u = √a x + √(1 − a) n, is the same with u = x_s / √(1 + s²) and
a = 1 / (1 + s²), so DDIM's step from s to s' < s, equation 12 there, becomes

    x_s' = (x_s − s e) + √(s'² − d²) e + d n,    d = η s' √(s² − s'²) / s

where e is the predicted noise: η = 0 draws nothing, η = 1 draws as much as DDPM. Levels are continuous, so a removal
that begins at a low level needs no fine schedule.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from patina.imaging.value_spaces import infinity_as_nan

Predict = Callable[[Tensor, Tensor], Tensor]
"""Predicts the noise n, ``[N, C, H, W]``, in x_s of levels s, ``[N]``."""

Draw = Callable[[int], Tensor]
"""Draws the standard-normal noise of a step, counted from 0: ``[N, C, H, W]``."""


def column(values: Tensor) -> Tensor:
    """Return one value per image, ``[N]``, as ``[N, 1, 1, 1]``."""
    return values.view(-1, 1, 1, 1)


def with_noise(image: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """Return x_s of images ``[N, C, H, W]`` and levels ``[N]``."""
    return image + column(level) * noise


def ddim_step(
    noisy: Tensor, predicted: Tensor, level: Tensor, lower: Tensor, eta: float, noise: Tensor | None = None
) -> Tensor:
    """Go from one level of noise to a lower one.

    Args:
        noisy, predicted: x_s and the noise predicted in it, ``[N, C, H, W]``.
        level, lower: s and s', ``[N]``; s is positive.
        eta: η, 0 to 1.
        noise: standard-normal; not used where η or s' is 0.
    """
    drawn = eta * lower * (level**2 - lower**2).clamp(min=0).sqrt() / level
    kept = (lower**2 - drawn**2).clamp(min=0).sqrt()
    result = noisy + column(kept - level) * predicted
    return result if noise is None else result + column(drawn) * noise


@torch.no_grad()
def remove_noise(
    predict: Predict, noisy: Tensor, level: Tensor, *, steps: int, eta: float = 0.0, draw: Draw | None = None
) -> Tensor:
    """Sample clean images from noisy ones, in steps of equal size from their level to 0.

    Args:
        predict: the network.
        noisy: x_s, ``[N, C, H, W]``.
        level: s, ``[N]``.
        steps: number of steps.
        eta: η, 0 to 1.
        draw: noise of each step; needed if η is above 0.

    Returns:
        ``[N, C, H, W]``, not clamped; NaN where the network's output is not finite.
    """
    for step in range(steps):
        here, lower = (level * (1 - number / steps) for number in (step, step + 1))
        noise = draw(step) if eta and draw is not None and step < steps - 1 else None
        noisy = ddim_step(noisy, infinity_as_nan(predict(noisy, here)), here, lower, eta, noise)
    return noisy
