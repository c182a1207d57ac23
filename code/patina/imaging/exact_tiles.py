"""Large pictures in windows that give what the whole picture gives, for functions that see a known distance."""

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
    """Apply a picture-to-picture function window by window and keep of each what no window's edge can change.

    Nothing is blended: every pixel is computed with all of its surroundings, so the result is the whole
    picture's up to rounding. All windows have the same size, and are no larger than their number needs.

    Args:
        function: maps ``[N, C, h, w]`` and its N windows to ``[N, C', h, w]``; an output pixel depends on input
            pixels at most `border` rows and columns away, and may know its place.
        image: ``[C, H, W]``.
        tile: longest side of a window in pixels, more than twice the border.
        border: how far `function` sees.
        batch: windows computed together.

    Returns:
        ``[C', H, W]`` on `image`'s device. Besides it, only one batch is held in memory.

    Raises:
        ValueError: the tile is too small for its border.
    """
    height, width = image.shape[-2:]
    windows = _plan(height, width, tile, 2 * border)
    rows = _kept({window.top for window in windows}, height, border)
    columns = _kept({window.left for window in windows}, width, border)
    result = None
    for group in _groups(windows, batch):
        outputs = function(torch.stack([_cut(image, window) for window in group]), group).to(image.device)
        if result is None:
            result = outputs.new_empty(outputs.shape[1], height, width)
        for output, window in zip(outputs, group, strict=True):
            (top, bottom), (left, right) = rows[window.top], columns[window.left]
            inner = output[:, top - window.top : bottom - window.top, left - window.left : right - window.left]
            result[:, top:bottom, left:right] = inner
    return result


def _plan(height: int, width: int, tile: int, overlap: int) -> list[Tile]:
    """Cover a picture with windows of one size."""
    if tile <= overlap:
        raise ValueError(f"the tile ({tile}) must be larger than its overlap with the next one ({overlap})")
    tall, wide = even_tile(height, tile, overlap), even_tile(width, tile, overlap)
    return [
        Tile(top, left, min(tall, height), min(wide, width))
        for top in plan_axis(height, tall, overlap, 1)
        for left in plan_axis(width, wide, overlap, 1)
    ]


def _groups(windows: list[Tile], size: int) -> Iterator[list[Tile]]:
    for first in range(0, len(windows), size):
        yield windows[first : first + size]


def _cut(image: torch.Tensor, window: Tile) -> torch.Tensor:
    return image[:, window.top : window.top + window.height, window.left : window.left + window.width]


def _kept(starts: set[int], length: int, border: int) -> dict[int, tuple[int, int]]:
    """Return the span each window is kept for, by its start; together they are the whole axis, each pixel once."""
    ordered = sorted(starts)
    edges = [0, *(start + border for start in ordered[1:]), length]
    return {start: (edges[index], edges[index + 1]) for index, start in enumerate(ordered)}
