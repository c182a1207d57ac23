"""Diffusion with additive noise: x_s = x + s n, and its removal by DDIM (Song et al. 2021, arXiv 2010.02502).

The variance-preserving diffusion of Ho et al. (2020), u = √a x + √(1 − a) n, is the same with u = x_s / √(1 + s²) and
a = 1 / (1 + s²), so DDIM's step from s to s' < s, equation 12 there, becomes

    x_s' = D + √(s'² − d²) (x_s − D) / s + d n,    d = η s' √(s² − s'²) / s

where D = x_s − s e estimates x from the predicted noise e: η = 0 draws nothing, η = 1 draws as much as DDPM. Levels are
continuous, so a removal that begins at a low level needs no fine schedule.

With few steps, DDIM makes noise weaker than it should be. So D is extrapolated to the middle of the step, linearly in
log s from the step before (Lu et al. 2022, DPM-Solver++, arXiv 2211.01095), which costs nothing.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from patina.imaging.value_spaces import infinity_as_nan

Predict = Callable[[Tensor, Tensor], Tensor]
"""Predicts the noise n, ``[N, C, H, W]``, in x_s of levels s, ``[N]``."""

Draw = Callable[[int], Tensor]
"""Draws the standard-normal noise of a step, counted from 0: ``[N, C, H, W]``."""

_POWER = 1.5
"""Levels fall by this power of the remaining steps, so that steps are smaller at low levels."""

_LEAST = 1e-12


def column(values: Tensor) -> Tensor:
    """Return one value per image, ``[N]``, as ``[N, 1, 1, 1]``."""
    return values.view(-1, 1, 1, 1)


def with_noise(image: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """Return x_s of images ``[N, C, H, W]`` and levels ``[N]``."""
    return image + column(level) * noise


def ddim_step(
    noisy: Tensor, estimate: Tensor, level: Tensor, lower: Tensor, eta: float, noise: Tensor | None = None
) -> Tensor:
    """Go from one level of noise to a lower one.

    Args:
        noisy, estimate: x_s and D, ``[N, C, H, W]``.
        level, lower: s and s', ``[N]``.
        eta: η, 0 to 1.
        noise: standard-normal; not used where η or s' is 0.
    """
    drawn = eta * lower * (level**2 - lower**2).clamp(min=0).sqrt() / level.clamp(min=_LEAST)
    kept = (lower**2 - drawn**2).clamp(min=0).sqrt() / level.clamp(min=_LEAST)
    result = estimate + column(kept) * (noisy - estimate)
    return result if noise is None else result + column(drawn) * noise


class Removal:
    """The steps of a removal of noise, counted from 0.

    Args:
        level: s at the beginning, ``[N]``; at 0, images stay as they are.
        steps: number of steps.
        eta: η, 0 to 1.
    """

    def __init__(self, level: Tensor, steps: int, eta: float = 0.0):
        self.steps = steps
        self._level, self._eta = level, eta
        self._parts = [(1 - step / steps) ** _POWER for step in range(steps + 1)]

    def level(self, step: int) -> Tensor:
        """Return s before a step, ``[N]``."""
        return self._level * self._parts[step]

    def draws(self, step: int) -> bool:
        """Whether a step draws noise."""
        return bool(self._eta) and step < self.steps - 1

    def advance(
        self, step: int, noisy: Tensor, predicted: Tensor, before: Tensor | None, noise: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Take one step, pixel by pixel.

        Args:
            step: its number.
            noisy: x_s, ``[N, C, H, W]``.
            predicted: the noise predicted in it.
            before: the estimate of the step before; None in the first step.
            noise: standard-normal, if the step draws.

        Returns:
            x_s' and the estimate.
        """
        here, lower = self.level(step), self.level(step + 1)
        estimate = noisy - column(here) * infinity_as_nan(predicted)
        middle = estimate
        if before is not None and step < self.steps - 1:
            middle = estimate + _ratio(self._parts, step) / 2 * (estimate - before)
        return ddim_step(noisy, middle, here, lower, self._eta, noise), estimate


@torch.no_grad()
def remove_noise(
    predict: Predict, noisy: Tensor, level: Tensor, *, steps: int, eta: float = 0.0, draw: Draw | None = None
) -> Tensor:
    """Sample clean images from noisy ones.

    Args:
        predict: the network.
        noisy: x_s, ``[N, C, H, W]``.
        level: s, ``[N]``; at 0, the image stays as it is.
        steps: number of steps.
        eta: η, 0 to 1.
        draw: noise of each step; needed if η is above 0.

    Returns:
        ``[N, C, H, W]``, not clamped; NaN where the network's output is not finite.
    """
    before: Tensor | None = None
    removal = Removal(level, steps, eta)
    for step in range(steps):
        predicted = predict(noisy, removal.level(step))
        noise = draw(step) if draw is not None and removal.draws(step) else None
        noisy, before = removal.advance(step, noisy, predicted, before, noise)
    return noisy


def _ratio(parts: list[float], step: int) -> float:
    """Return how long a step is beside the one before, in log s."""
    last, here, lower = torch.tensor(parts[step - 1 : step + 2]).log().tolist()
    return (here - lower) / (last - here)
