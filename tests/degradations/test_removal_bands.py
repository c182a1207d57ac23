"""The removal of noise in bands: that of the whole picture, with as many steps as a picture in memory may take."""

import torch

from patina.degradations.removal_bands import BandPlan, RemovalStep, removed_in_bands
from patina.imaging.blended_tiles import apply_tiled
from patina.models.additive_diffusion import Removal, remove_noise

STEPS, TILE, OVERLAP = 250, 8, 2
LEVEL = torch.tensor([0.3])


def predicted(pixels: torch.Tensor) -> torch.Tensor:
    """Stand in for a network: what it gives depends on the tile's edges."""
    return torch.sin(4 * torch.nn.functional.avg_pool2d(pixels, 3, 1, 1))


def test_many_steps_in_bands_are_those_of_the_whole_picture(tmp_path):
    noisy = torch.rand(3, 19, 8, generator=torch.Generator().manual_seed(1))

    def on_tiles(pixels: torch.Tensor, _level: torch.Tensor) -> torch.Tensor:
        return apply_tiled(lambda tile, _: predicted(tile), pixels[0], tile=TILE, overlap=OVERLAP)[None]

    whole = remove_noise(on_tiles, noisy[None], LEVEL, steps=STEPS)
    bands = list(
        removed_in_bands(
            lambda start, stop: noisy[:, start:stop],
            Removal(LEVEL, STEPS),
            lambda _: RemovalStep(lambda rows, *_: rows, predicted),
            lambda *_: torch.zeros(0),  # not asked for without eta
            BandPlan((19, 8), TILE, OVERLAP, 1),
            tmp_path,
        )
    )
    assert len(bands) == 3
    assert not [*tmp_path.iterdir()]
    assert torch.equal(torch.cat(bands, dim=1), whole[0])
