"""Convolutions of nearest-upscaled maps, computed before upscaling."""

import pytest
import torch
from torch.nn.functional import conv2d, interpolate

from patina.layers.nearest import gathered_gradient, phases_of, product_kernels, upscaled


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_rows_of_a_convolution(factor):
    torch.manual_seed(0)
    source, weight, bias = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 3, 3), torch.randn(2)
    plain = conv2d(interpolate(source, scale_factor=factor), weight, bias, padding=1)
    phases = phases_of(source, product_kernels(weight), bias)
    torch.testing.assert_close(upscaled(phases, factor, 0, 4), plain)
    for top, bottom in ((0, 1), (1, 3), (3, 4)):
        rows = slice(factor * top, factor * bottom)
        torch.testing.assert_close(upscaled(phases, factor, top, bottom), plain[:, :, rows])


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_gradient_is_the_transpose(factor):
    torch.manual_seed(0)
    source, weight = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randn(2, 3, 3, 3, dtype=torch.float64)
    gradient = torch.randn(2, 2, 4 * factor, 5 * factor, dtype=torch.float64)
    kernels = product_kernels(weight)
    forwards = (
        upscaled(phases_of(source, kernels, torch.zeros_like(weight[:, 0, 0, 0])), factor, 0, 4) * gradient
    ).sum()
    torch.testing.assert_close((conv2d(source, kernels) * gathered_gradient(gradient, factor)).sum(), forwards)
