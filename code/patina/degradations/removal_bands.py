"""The removal of noise (`patina.models.additive_diffusion`) from pictures larger than the memory.

Every step goes over the picture from the top to the bottom in the tiles of `tiled_bands`, and results are those of
whole pictures. Two files hold x_s and the estimate of the step before; each step overwrites the rows that it has
finished. So the memory holds one row of tiles, however many steps there are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from patina.degradations.learned_degradation import Rows
from patina.imaging.row_files import RowFile
from patina.imaging.tiled_bands import tiled_bands
from patina.models.additive_diffusion import Removal
from patina.models.ludif import IMAGE_CHANNELS
from patina.system.allocator import return_freed_memory
from patina.system.progress import progress_by_rows


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
    scratch: Path,
) -> Iterator[Tensor]:
    """Yield the result of `remove_noise` for one picture in bands ``[C, h, W]``, from the top to the bottom.

    Args:
        noisy: rows of x_s of the first step.
        removal: the steps.
        step_of: what a step computes; called when it begins.
        draw: noise of a step, at rows from a first one up to another: ``[C, h, W]``.
        plan: how the picture is divided.
        scratch: a folder for the files.

    Raises:
        OSError: the disk is full.
    """
    with RowFile(scratch, IMAGE_CHANNELS, plan.size) as kept, RowFile(scratch, IMAGE_CHANNELS, plan.size) as estimates:
        for step in range(removal.steps):
            rows, before = (kept, estimates) if step else (noisy, None)
            top = 0
            bands = _stepped(rows, before, removal, step, step_of(step), draw, plan)
            title = f"step {step + 1} of {removal.steps}"
            for result, estimate in progress_by_rows(bands, title, rows_of=_rows, total=plan.size[0]):
                if step == removal.steps - 1:
                    yield result
                else:
                    kept.write(top, result)
                    estimates.write(top, estimate)
                top += result.shape[1]
                del result, estimate  # nothing is held while the next band is computed
                return_freed_memory()  # bands of many sizes fragment it


def _rows(both: tuple[Tensor, Tensor]) -> int:
    return both[0].shape[1]


def _stepped(
    rows: Rows,
    before: Rows | None,
    removal: Removal,
    step: int,
    computed: RemovalStep,
    draw: Callable[[int, int, int], Tensor],
    plan: BandPlan,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield x_s' and the estimate of one step in bands ``[C, h, W]``; rows above a band's end are not read again."""
    top = 0
    for predicted in tiled_bands(
        lambda pixels, _: computed.network(pixels),
        lambda start, stop: computed.inputs(rows(start, stop), start, stop),
        plan.size, tile=plan.tile, overlap=plan.overlap, multiple=plan.multiple,
    ):  # fmt: skip
        bottom = top + predicted.shape[1]
        noise = draw(step, top, bottom)[None] if removal.draws(step) else None
        noisy, estimate = rows(top, bottom)[None], before(top, bottom)[None] if before else None
        both = removal.advance(step, noisy, predicted[None], estimate, noise)
        del predicted, noise, noisy, estimate
        yield both[0][0], both[1][0]
        del both
        top = bottom
