"""The removal of noise (`patina.models.additive_diffusion`) from pictures larger than the memory.

Every step is computed in the tiles of `tiled_bands`, from the rows of the step before, which is a few rows of tiles
ahead of it. So the memory holds about one row of tiles for every step, and results are those of whole pictures. One
loop goes from step to step, because a thousand generators that call each other would end in a RecursionError.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from patina.degradations.learned_degradation import Rows
from patina.imaging.tiled_bands import BandRows, rows_needed, tiled_bands
from patina.models.additive_diffusion import Removal
from patina.models.ludif import IMAGE_CHANNELS


@dataclass(frozen=True)
class RemovalStep:
    """What one step of a removal computes.

    Attributes:
        inputs: returns the network's input ``[C', h, W]`` for rows of x_s ``[C, h, W]``, the first of them and the
            one behind the last.
        network: predicts the noise of tiles: ``[1, C', h, w]`` to ``[1, C, h, w]``.
    """

    inputs: Callable[[Tensor, int, int], Tensor]
    network: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class BandPlan:
    """How a picture is divided; `size` is its height and width, the others as in `tiled_bands`."""

    size: tuple[int, int]
    tile: int
    overlap: int
    multiple: int


def removed_in_bands(
    noisy: Rows,
    removal: Removal,
    step_of: Callable[[int], RemovalStep],
    draw: Callable[[int, int, int], Tensor],
    plan: BandPlan,
) -> Iterator[Tensor]:
    """Yield the result of `remove_noise` for one picture in bands ``[C, h, W]``, from the top to the bottom.

    Args:
        noisy: rows of x_s of the first step.
        removal: the steps.
        step_of: what each step computes.
        draw: noise of a step, at rows from a first one up to another: ``[C, h, W]``.
        plan: how the picture is divided.
    """
    last = removal.steps - 1
    results = [BandRows() for _ in range(last)]
    sources: list[Rows] = [noisy, *results]
    steps = [_stepped(rows, removal, step, step_of(step), draw, plan) for step, rows in enumerate(sources)]
    needed = rows_needed(plan.size[0], tile=plan.tile, overlap=plan.overlap, multiple=plan.multiple)
    made, step = [0] * removal.steps, last
    while made[last] < len(needed):
        if step and results[step - 1].end < needed[made[step]]:
            step -= 1  # whose next band is missing here
            continue
        made[step] += 1
        if step == last:
            yield next(steps[step])[:IMAGE_CHANNELS]
        else:
            results[step].add(next(steps[step]))
            step += 1


def _stepped(
    rows: Rows,
    removal: Removal,
    step: int,
    computed: RemovalStep,
    draw: Callable[[int, int, int], Tensor],
    plan: BandPlan,
) -> Iterator[Tensor]:
    """Yield x_s' and the estimate of one step in bands ``[2 C, h, W]``."""

    def inputs(start: int, stop: int) -> Tensor:
        return computed.inputs(rows(start, stop)[:IMAGE_CHANNELS], start, stop)

    top = 0
    for predicted in tiled_bands(
        lambda pixels, _: computed.network(pixels), inputs, plan.size,
        tile=plan.tile, overlap=plan.overlap, multiple=plan.multiple,
    ):  # fmt: skip
        bottom = top + predicted.shape[1]
        here = rows(top, bottom)[None]
        noise = draw(step, top, bottom)[None] if removal.draws(step) else None
        noisy, before = here[:, :IMAGE_CHANNELS], here[:, IMAGE_CHANNELS:] if step else None
        both = [torch.cat(removal.advance(step, noisy, predicted[None], before, noise), dim=1)[0]]
        del predicted, here, noise, noisy, before  # nothing is held while the next step works
        if isinstance(rows, BandRows):
            rows.release(bottom)
        yield both.pop()
        top = bottom
