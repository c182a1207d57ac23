"""Pictures larger than the memory, computed in the tiles of `apply_tiled`: one row of tiles is held at a time."""

from collections.abc import Callable, Iterator

import torch

from patina.imaging.blended_tiles import Tile, blend_weights, called, plan_axis
from patina.imaging.crop_and_pad import reflected


def tiled_bands(
    function: Callable[[torch.Tensor, Tile], torch.Tensor],
    rows: Callable[[int, int], torch.Tensor],
    size: tuple[int, int],
    *,
    tile: int,
    overlap: int,
    multiple: int = 1,
    scale: int = 1,
) -> Iterator[torch.Tensor]:
    """Yield the result of `apply_tiled` in bands ``[C', h, W * scale]``, from the top to the bottom.

    The sums are those of `apply_tiled`, in the same order, so the result is equal bit for bit.

    Args:
        function, tile, overlap, multiple, scale: as in `apply_tiled`.
        rows: returns the rows from a first one up to another, ``[C, h, W]``; what lies before the first one of the
            call before is not asked for again.
        size: height and width of the picture.
    """
    height, width = size
    positions, columns = reflected(height, multiple), reflected(width, multiple)
    tall, wide = len(positions), len(columns)
    tops, lefts = plan_axis(tall, tile, overlap, multiple), plan_axis(wide, tile, overlap, multiple)
    high, broad = min(tile, tall), min(tile, wide)
    row_weights = blend_weights(set(tops), high, overlap, scale)
    column_weights = blend_weights(set(lefts), broad, overlap, scale)
    left_over: torch.Tensor | None = None
    for top, following in zip(tops, [*tops[1:], tall], strict=True):
        wanted = positions[top : top + high]
        first = min(wanted)
        strip = rows(first, max(wanted) + 1)
        if len(wanted) != strip.shape[1]:  # mirrored at the bottom
            strip = strip[:, [position - first for position in wanted]]
        band = None
        for left in lefts:
            window = Tile(top, left, high, broad)
            output = called(function, strip[None, :, :, columns[left : left + broad]], window, scale).to(strip.device)
            if band is None:
                band = output.new_zeros(output.shape[0], high * scale, wide * scale)
                if left_over is not None:
                    band[:, : left_over.shape[1]] = left_over
            weights = row_weights[top][:, None] * column_weights[left]
            band[:, :, left * scale : (left + broad) * scale] += output * weights.to(output)
        assert band is not None  # there is at least one tile
        done = (following - top) * scale
        left_over = band[:, done:].clone()
        finished = [band[:, : min(done, max(0, height - top) * scale), : width * scale].clone()]
        del strip, band, output  # nothing but what is left over is held until the next band is asked for
        yield finished.pop()
