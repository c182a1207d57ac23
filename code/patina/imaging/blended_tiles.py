"""Large pictures in overlapping tiles, blended so that no seam shows."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from patina.imaging.crop_and_pad import reflect_pad_to_multiple


@dataclass(frozen=True)
class Tile:
    """A window of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int


def plan_tiles(height: int, width: int, tile: int, overlap: int, multiple: int = 1) -> list[Tile]:
    """Cover a picture with tiles that overlap by at least `overlap`, row by row.

    Along an axis longer than `tile` all tiles have that length, so they can be batched; a shorter axis is one tile.

    Args:
        height, width: picture size; an axis longer than `tile` must be a multiple of `multiple`.
        tile: side of a tile, a multiple of `multiple`.
        overlap: pixels that neighbours share, at most ``tile - multiple``.
        multiple: tile positions are multiples of it.

    Raises:
        ValueError: sizes that do not fit each other.
    """
    rows = plan_axis(height, tile, overlap, multiple)
    columns = plan_axis(width, tile, overlap, multiple)
    return [
        Tile(top, left, min(tile, height), min(tile, width))
        for top in rows
        for left in columns
    ]  # fmt: skip


def plan_axis(length: int, tile: int, overlap: int, multiple: int) -> list[int]:
    """Return the tile positions along one axis; the last tile ends at the edge and may overlap more."""
    if min(length, tile, multiple) < 1 or overlap < 0:
        raise ValueError(f"length, tile and multiple must be positive, got {length}, {tile}, {multiple}; {overlap=}")
    if tile % multiple:
        raise ValueError(f"the tile ({tile}) must be a multiple of {multiple}")
    if length <= tile:
        return [0]
    step = (tile - overlap) // multiple * multiple
    if step < 1:
        raise ValueError(f"the overlap ({overlap}) must be at most tile - multiple = {tile - multiple}")
    if length % multiple:
        raise ValueError(f"the picture's side ({length}) must be a multiple of {multiple}; pad it first")
    return [*range(0, length - tile, step), length - tile]


def even_tile(length: int, tile: int, overlap: int) -> int:
    """Return the smallest tile that covers `length` with as many tiles as `tile` needs; `tile` where that is one."""
    if length <= tile:
        return tile
    count = -(-(length - overlap) // (tile - overlap))
    return -(-(length - overlap) // count) + overlap


def apply_tiled(
    function: Callable[[torch.Tensor, Tile], torch.Tensor],
    image: torch.Tensor,
    *,
    tile: int,
    overlap: int,
    multiple: int = 1,
    scale: int = 1,
) -> torch.Tensor:
    """Apply a picture-to-picture function tile by tile and blend the results.

    At borders inside the picture the outermost quarter of the overlap, where a convolution sees padding, counts
    nothing; behind it neighbours fade linearly into each other. A function whose output depends on no more than
    ``overlap // 4`` pixels around gives the same result as on the whole picture.

    Args:
        function: maps ``[1, C, h, w]`` and its window to ``[1, C', h * scale, w * scale]``; sizes and positions are
            multiples of `multiple`. The window is in the picture's coordinates and may reach beyond its bottom and
            right edges, where the picture is mirrored up to `multiple`.
        image: ``[C, H, W]``.
        tile, overlap, multiple: as in `plan_tiles`, in pixels of `image`.
        scale: size of the output relative to the input.

    Returns:
        ``[C', H * scale, W * scale]`` on `image`'s device. Besides it, only one tile is held in memory.

    Raises:
        ValueError: as in `plan_tiles`, or a result of the wrong size.
    """
    padded, (height, width) = reflect_pad_to_multiple(image, multiple)
    tiles = plan_tiles(*padded.shape[-2:], tile, overlap, multiple)
    row_weights = _blend_weights({t.top for t in tiles}, tiles[0].height, overlap, scale)
    column_weights = _blend_weights({t.left for t in tiles}, tiles[0].width, overlap, scale)
    result = None
    for window in tiles:
        rows = slice(window.top, window.top + window.height)
        columns = slice(window.left, window.left + window.width)
        output = _call(function, padded[None, :, rows, columns], window, scale).to(image.device)
        if result is None:
            result = output.new_zeros(output.shape[0], *(side * scale for side in padded.shape[-2:]))
        weights = row_weights[window.top][:, None] * column_weights[window.left]
        output = output * weights.to(output)
        result[:, _scaled(rows, scale), _scaled(columns, scale)] += output
    return result[:, : height * scale, : width * scale]


def _call(
    function: Callable[[torch.Tensor, Tile], torch.Tensor], pixels: torch.Tensor, window: Tile, scale: int
) -> torch.Tensor:
    output = function(pixels, window)
    expected = (window.height * scale, window.width * scale)
    if output.ndim != 4 or output.shape[0] != 1 or tuple(output.shape[-2:]) != expected:
        raise ValueError(f"expected a result [1, C, {expected[0]}, {expected[1]}], got {list(output.shape)}")
    return output[0]


def _scaled(window: slice, scale: int) -> slice:
    return slice(window.start * scale, window.stop * scale)


def _blend_weights(starts: set[int], length: int, overlap: int, scale: int) -> dict[int, torch.Tensor]:
    """Return each tile's weights along one axis, in output pixels; over all tiles they sum to 1 at every place.

    The tiles form a grid, so the weight of a pixel is the product of its row's and its column's.
    """
    first, last = min(starts), max(starts)
    total = torch.zeros((last + length) * scale, dtype=torch.float64)
    weights = {}
    for start in sorted(starts):
        fade = _fade(length * scale, overlap * scale)
        rising = fade if start > first else torch.ones_like(fade)
        falling = fade.flip(0) if start < last else torch.ones_like(fade)
        weights[start] = torch.minimum(rising, falling)
        total[start * scale : (start + length) * scale] += weights[start]
    return {s: w / total[s * scale : (s + length) * scale] for s, w in weights.items()}


def _fade(length: int, overlap: int) -> torch.Tensor:
    """Return weights that are 0 for a quarter of the overlap, rise linearly for two quarters and stay 1."""
    border = overlap // 4
    distance = torch.arange(length, dtype=torch.float64)
    return ((distance - border + 1) / (overlap - 2 * border + 1)).clamp(0, 1)
