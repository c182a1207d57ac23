"""Large pictures computed in overlapping tiles that are blended without visible seams."""

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

    @property
    def rows(self) -> slice:
        """The rows of the picture that it covers."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """The columns of the picture that it covers."""
        return slice(self.left, self.left + self.width)


def plan_tiles(height: int, width: int, tile: int, overlap: int, multiple: int = 1) -> list[Tile]:
    """Cover a picture, row by row, with tiles that overlap by at least `overlap`.

    Along an axis longer than `tile`, every tile is `tile` long, so tiles can be batched; a shorter axis is one tile.

    Args:
        height, width: picture size; an axis longer than `tile` must be a multiple of `multiple`.
        tile: side of a tile, a multiple of `multiple`.
        overlap: pixels shared by neighbours, at most ``tile - multiple``.
        multiple: tile positions are multiples of this.

    Raises:
        ValueError: the sizes do not fit each other.
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
        raise ValueError(f"the image's side ({length}) must be a multiple of {multiple}; pad it first")
    return [*range(0, length - tile, step), length - tile]


def even_tile(length: int, tile: int, overlap: int) -> int:
    """Return the smallest tile that covers `length` with no more tiles than `tile` does; `tile` if one tile does."""
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

    At borders inside the picture, the outermost quarter of the overlap, where a convolution sees padding, has weight
    zero; further in, neighbours fade linearly into each other. A function whose output depends on at most
    ``overlap // 4`` surrounding pixels gives the same result as on the whole picture.

    Args:
        function: maps the pixels ``[1, C, h, w]`` of a tile and the tile to ``[1, C', h * scale, w * scale]``; sizes
            and positions are multiples of `multiple`. The tile is in the picture's coordinates and may reach beyond
            the bottom and right edges, where the picture is mirrored up to a multiple.
        image: ``[C, H, W]``.
        tile, overlap, multiple: as in `plan_tiles`, in pixels of `image`.
        scale: size of the output relative to the input.

    Returns:
        ``[C', H * scale, W * scale]`` on `image`'s device. Only one tile is held in memory besides it.

    Raises:
        ValueError: as in `plan_tiles`, or a tile's result has the wrong size.
    """
    padded, (height, width) = reflect_pad_to_multiple(image, multiple)
    tall, wide = padded.shape[-2:]
    tiles = plan_tiles(tall, wide, tile, overlap, multiple)
    if len(tiles) == 1:  # with nothing to blend
        only = called(function, padded[None], tiles[0], scale).to(image.device)
        return only[:, : height * scale, : width * scale]
    row_weights = blend_weights({t.top for t in tiles}, tiles[0].height, overlap, scale)
    column_weights = blend_weights({t.left for t in tiles}, tiles[0].width, overlap, scale)
    result = None
    for window in tiles:
        rows, columns = window.rows, window.columns
        output = called(function, padded[None, :, rows, columns], window, scale).to(image.device)
        if result is None:
            result = output.new_zeros(output.shape[0], tall * scale, wide * scale)
        weights = row_weights[window.top][:, None] * column_weights[window.left]
        output = output * weights.to(output)
        result[:, _scaled(rows, scale), _scaled(columns, scale)] += output
    assert result is not None  # there is at least one tile
    return result[:, : height * scale, : width * scale]


def called(
    function: Callable[[torch.Tensor, Tile], torch.Tensor], pixels: torch.Tensor, window: Tile, scale: int
) -> torch.Tensor:
    """Apply a function to a tile and return its one result, see `apply_tiled`.

    Raises:
        ValueError: the result has the wrong size.
    """
    output = function(pixels, window)
    expected = (window.height * scale, window.width * scale)
    if output.ndim != 4 or output.shape[0] != 1 or tuple(output.shape[-2:]) != expected:
        raise ValueError(f"expected a result [1, C, {expected[0]}, {expected[1]}], got {list(output.shape)}")
    return output[0]


def _scaled(window: slice, scale: int) -> slice:
    return slice(window.start * scale, window.stop * scale)


def blend_weights(starts: set[int], length: int, overlap: int, scale: int) -> dict[int, torch.Tensor]:
    """Return the tiles' weights along one axis by tile start, in output pixels; at every pixel they sum to 1.

    The tiles form a grid, so a pixel's weight is the product of its row weight and its column weight.
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
    """Return weights that are 0 over a quarter of the overlap, rise linearly over half of it, and stay 1."""
    border = overlap // 4
    distance = torch.arange(length, dtype=torch.float64)
    return ((distance - border + 1) / (overlap - 2 * border + 1)).clamp(0, 1)
