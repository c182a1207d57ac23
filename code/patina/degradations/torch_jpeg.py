"""JPEG in torch, for batches on an accelerator: the codec's lossy steps without its files.

ITU-T T.81: YCbCr, 2x2 chroma subsampling, DCT of 8x8 blocks, quantisation by the standard tables, and the inverse.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from patina.imaging.crop_and_pad import reflect_pad_to_multiple

LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""T.81 table K.1."""

CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
"""T.81 table K.2."""

_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
_FROM_YCC = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))


def torch_jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Compress pictures as JPEG 4:2:0 and decode them.

    Args:
        images: ``[N, 3, H, W]`` RGB in [0, 1], of any size; rounded to 8 bits.
        quality: ``[N]``, libjpeg's quality, 1 to 100.

    Returns:
        ``[N, 3, H, W]``, 8-bit values divided by 255; PSNR to libjpeg's result is above 41 dB.
    """
    height, width = images.shape[2:]
    pixels = torch.round(images.clamp(0, 1) * 255)
    ycc = _mix(reflect_pad_to_multiple(pixels, 16)[0], _TO_YCC) - pixels.new_tensor([128.0, 0, 0]).view(1, 3, 1, 1)
    # The codec rounds YCbCr to integers before the DCT.
    luma, chroma = torch.round(ycc[:, :1]), _halved(torch.round(ycc[:, 1:]))
    luma = _quantised(luma, LUMA_TABLE, quality)
    chroma = _doubled(_quantised(chroma, CHROMA_TABLE, quality).round().clamp(-128, 127))
    rgb = _mix(torch.cat([luma.round().clamp(-128, 127) + 128, chroma], dim=1), _FROM_YCC)
    return rgb[..., :height, :width].round().clamp(0, 255) / 255


def quantisation_table(table: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """Scale a table as libjpeg does: ``[N, 8, 8]``, integers from 1 to 255."""
    factor = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality)
    base = quality.new_tensor(table)
    return torch.floor((base * factor.view(-1, 1, 1) + 50) / 100).clamp(1, 255)


def _quantised(plane: Tensor, table: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """Transform ``[N, C, H, W]``, quantise the coefficients and transform back."""
    steps = quantisation_table(table, quality.to(plane)).view(-1, 1, 1, 1, 8, 8)
    dct = _dct(plane.device, plane.dtype)
    blocks = plane.unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).transpose(3, 4)
    coefficients = torch.round(dct @ blocks @ dct.T / steps) * steps
    return (dct.T @ coefficients @ dct).transpose(3, 4).flatten(4, 5).flatten(2, 3)


@cache
def _dct(device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the orthonormal DCT-II matrix (T.81 A.3.3)."""
    frequency, position = torch.arange(8.0).view(-1, 1), torch.arange(8.0).view(1, -1)
    matrix = torch.cos((2 * position + 1) * frequency * torch.pi / 16) / 2
    matrix[0] /= 2**0.5
    return matrix.to(device, dtype)


def _mix(images: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.einsum("ij,njhw->nihw", images.new_tensor(matrix), images)


def _halved(chroma: Tensor) -> Tensor:
    """Average 2x2 pixels; ties round down in even columns and up in odd ones, as in libjpeg."""
    total = 4 * functional.avg_pool2d(chroma, 2)
    bias = torch.arange(total.shape[3], device=total.device) % 2 + 1
    return torch.floor((total + bias) / 4)


def _doubled(chroma: Tensor) -> Tensor:
    """Upsample by libjpeg's fancy (triangle) filter: 3/4 of the nearer sample and 1/4 of the other."""
    return functional.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
