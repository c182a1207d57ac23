"""Large pictures computed in tiles that reproduce the whole picture's result, for functions of a known range."""

from collections.abc import Callable, Iterator

import torch

from patina.imaging.blended_tiles import Tile, even_tile, plan_axis


def apply_exact_tiles(
    function: Callable[[torch.Tensor, list[Tile]], torch.Tensor],
    image: torch.Tensor,
    *,
    tile: int,
    border: int,
    batch: int = 1,
) -> torch.Tensor:
    """Apply a picture-to-picture function tile by tile and keep only the pixels that no tile's edge can change.

    Nothing is blended: every pixel kept was computed with all of its surroundings, so the result equals the whole
    picture's up to rounding. All tiles have the same size and are no larger than their number requires.

    Args:
        function: maps ``[N, C, h, w]`` and its N tiles to ``[N, C', h, w]``; an output pixel depends on input pixels
            at most `border` rows and columns away, and may depend on its position.
        image: ``[C, H, W]``.
        tile: longest side of a tile in pixels, more than twice the border.
        border: range of `function` in pixels.
        batch: number of tiles computed together.

    Returns:
        ``[C', H, W]`` on `image`'s device. Only one batch is held in memory besides it.

    Raises:
        ValueError: the tile is too small for its border.
    """
    height, width = image.shape[-2:]
    tiles = _plan(height, width, tile, 2 * border)
    rows = _kept({window.top for window in tiles}, height, border)
    columns = _kept({window.left for window in tiles}, width, border)
    result = None
    for group in _groups(tiles, batch):
        crops = torch.stack([image[:, window.rows, window.columns] for window in group])
        outputs = function(crops, group).to(image.device)
        if result is None:
            result = outputs.new_empty(outputs.shape[1], height, width)
        for output, window in zip(outputs, group, strict=True):
            (top, bottom), (left, right) = rows[window.top], columns[window.left]
            inner = output[:, top - window.top : bottom - window.top, left - window.left : right - window.left]
            result[:, top:bottom, left:right] = inner
    assert result is not None  # there is at least one window
    return result


def exact_bands(
    function: Callable[[torch.Tensor, list[Tile]], torch.Tensor],
    rows: Callable[[int, int], torch.Tensor],
    size: tuple[int, int],
    *,
    tile: int,
    border: int,
    batch: int = 1,
) -> Iterator[torch.Tensor]:
    """Yield the result of `apply_exact_tiles` in bands ``[C', h, W]``, from the top to the bottom.

    A batch has tiles of one row only; with batches of one tile, the results are equal bit for bit.

    Args:
        function, tile, border, batch: as in `apply_exact_tiles`.
        rows: returns the rows from a first one up to another, ``[C, h, W]``.
        size: height and width of the picture.
    """
    height, width = size
    tiles = _plan(height, width, tile, 2 * border)
    kept_rows = _kept({window.top for window in tiles}, height, border)
    kept_columns = _kept({window.left for window in tiles}, width, border)
    for first in sorted(kept_rows):
        line = [window for window in tiles if window.top == first]
        strip = rows(first, first + line[0].height)
        (top, bottom), band = kept_rows[first], None
        for group in _groups(line, batch):
            outputs = function(torch.stack([strip[:, :, window.columns] for window in group]), group).to(strip.device)
            if band is None:
                band = outputs.new_empty(outputs.shape[1], bottom - top, width)
            for output, window in zip(outputs, group, strict=True):
                left, right = kept_columns[window.left]
                band[:, :, left:right] = output[
                    :, top - first : bottom - first, left - window.left : right - window.left
                ]
        assert band is not None  # there is at least one window
        yield band


def _plan(height: int, width: int, tile: int, overlap: int) -> list[Tile]:
    """Cover a picture with tiles of one size."""
    if tile <= overlap:
        raise ValueError(f"the tile ({tile}) must be larger than its overlap with the next one ({overlap})")
    tall, wide = even_tile(height, tile, overlap), even_tile(width, tile, overlap)
    return [
        Tile(top, left, min(tall, height), min(wide, width))
        for top in plan_axis(height, tall, overlap, 1)
        for left in plan_axis(width, wide, overlap, 1)
    ]


def _groups(tiles: list[Tile], size: int) -> Iterator[list[Tile]]:
    for first in range(0, len(tiles), size):
        yield tiles[first : first + size]


def _kept(starts: set[int], length: int, border: int) -> dict[int, tuple[int, int]]:
    """Return the span kept of each tile, by the tile's start; the spans cover the axis, each pixel once."""
    ordered = sorted(starts)
    edges = [0, *(start + border for start in ordered[1:]), length]
    return {start: (edges[index], edges[index + 1]) for index, start in enumerate(ordered)}
