"""Compare what degradations add to the same clean pictures: std and correlation of the residuals."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from patina.data.matching import Match, match_by_stem
from patina.errors import PatinaError, PictureError
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.picture_files import read_picture
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_eight_bit
from patina.metrics.noise_statistics import channel_correlation, neighbour_correlation, residual_std

BLOCK, FLAT_BELOW = 32, 3.0
"""Side of a block in pixels, and the std (8-bit) of its brightness below which it is flat."""

SMALLEST = 8
"""The shortest side in pixels of a picture that can be measured."""

SHOWN, SIDE, AMPLIFIED, ZOOM = 4, 128, 4, 2

NoiseValues = dict[str, list[float | None]]
"""Measures of a noise by name; None where one is undefined, because there is no noise."""

_COLUMNS = {"std": slice(3), "autocorrelation_of_green": slice(3, 5), "correlation": slice(5, 7)}
HEADER = "| | std (8-bit) R, G, B | autocorrelation of green →, ↓ | correlation R–G, G–B |\n| --- | --- | --- | --- |"


def noise_table(clean: Path, degraded: Mapping[str, Path], *, flat: bool = False) -> str:
    """Return the values of `noise_values`, which has the same arguments and errors, as a Markdown table."""
    return table_of_noises(noise_values(clean, degraded, flat=flat))


def noise_values(clean: Path, degraded: Mapping[str, Path], *, flat: bool = False) -> dict[str, NoiseValues]:
    """Return measures of the residuals (degraded minus clean), means over the pictures of every folder, by its name.

    Args:
        clean: folder of clean pictures.
        degraded: folders of the same pictures degraded, by name; pictures match by stem.
        flat: whether to measure only blocks in which the brightness of the clean picture hardly varies, which leaves
            edges out.

    Raises:
        PatinaError: a picture has no partner, cannot be read or differs in size from its partner, or no block is flat.
    """
    return {name: _values(folder, clean, flat) for name, folder in degraded.items()}


def table_of_noises(noises: Mapping[str, NoiseValues]) -> str:
    """Return the table of noises that `noise_values` has measured."""
    return "\n".join(
        [HEADER, *(f"| {name} | {' | '.join(map(_cell, noise.values()))} |" for name, noise in noises.items())]
    )


def noise_sheet(clean: Path, degraded: Mapping[str, Path]) -> np.ndarray:
    """Show crops of the first pictures: clean, from every folder, and the residuals amplified."""
    matches = {name: match_by_stem(folder, clean)[:SHOWN] for name, folder in degraded.items()}
    rows = []
    for by_name in zip(*matches.values(), strict=True):
        residuals = [centre_crop(residual(match), SIDE) for match in by_name]
        clean_crop, *crops = (_crop(path) for path in (by_name[0].second, *(match.first for match in by_name)))
        amplified = [np.uint8(np.clip(128 + AMPLIFIED * noise, 0, 255)) for noise in residuals]
        rows.append([clean_crop, *crops, *amplified])
    titles = ["clean", *degraded, *(f"{name}, residual x{AMPLIFIED}" for name in degraded)]
    return sheet(rows, titles, zoom=ZOOM)


def residual(match: Match) -> np.ndarray:
    """Return degraded minus clean of one pair, ``[H, W, 3]`` float64 in units of 0 to 255."""
    degraded, clean = read_picture(match.first), read_picture(match.second)
    if degraded.pixels.shape != clean.pixels.shape:
        raise PictureError(f"{match.first} and {match.second} differ in size; expected the same image degraded")
    if min(degraded.height, degraded.width) < SMALLEST:
        raise PictureError(f"{match.first} is {degraded.width}x{degraded.height}; expected {SMALLEST} pixels or more")
    return 255 * (degraded.pixels / degraded.max_value - clean.pixels / clean.max_value)


def _crop(path: Path) -> np.ndarray:
    return to_eight_bit(centre_crop(read_picture(path).pixels, SIDE))


def _values(folder: Path, clean: Path, flat: bool) -> NoiseValues:
    residuals = [
        noise
        for match in match_by_stem(folder, clean)
        for noise in (_flat_blocks(match) if flat else [residual(match)])
    ]
    if not residuals:
        raise PatinaError(f"{clean}: no image has a flat block of {BLOCK}x{BLOCK} pixels; measure without -flat")
    # Without noise the correlation is undefined; such pictures are excluded from its mean.
    means = np.ma.masked_invalid([_measures(noise) for noise in residuals]).mean(axis=0).filled(np.nan)
    values = [None if np.isnan(value) else float(value) for value in means]
    return {name: values[span] for name, span in _COLUMNS.items()}


def _cell(values: list[float | None]) -> str:
    return ", ".join("-" if value is None else f"{value:.2f}" for value in values)


def _flat_blocks(match: Match) -> Iterator[np.ndarray]:
    """Yield the blocks of the residual in which the clean picture is flat."""
    noise, brightness = residual(match), to_eight_bit(read_picture(match.second).pixels).mean(axis=2)
    height, width = brightness.shape
    for top in range(0, height - BLOCK + 1, BLOCK):
        for left in range(0, width - BLOCK + 1, BLOCK):
            place = (slice(top, top + BLOCK), slice(left, left + BLOCK))
            if brightness[place].std() < FLAT_BELOW:
                yield noise[place]


def _measures(noise: np.ndarray) -> list[float]:
    neighbours = [neighbour_correlation(noise, dx, dy, channel=1) for dx, dy in ((1, 0), (0, 1))]
    channels = channel_correlation(noise)
    return [*residual_std(noise), *neighbours, channels[0, 1], channels[1, 2]]
