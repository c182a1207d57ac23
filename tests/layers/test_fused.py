"""Convolutions fused with what follows them, against the separate operations."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from patina.layers.fused import conv, conv_onto


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("layout", ["channels first", "channels last"])
def test_fused_convolutions(dtype, layout):
    torch.manual_seed(0)
    x, weight, bias, other = (torch.randn(s).to(dtype) for s in ((2, 5, 6, 7), (4, 5, 3, 3), (4,), (2, 4, 6, 7)))
    if layout == "channels last":
        x, other = (item.contiguous(memory_format=torch.channels_last) for item in (x, other))
    tolerance = {"atol": 0.1 if dtype == torch.bfloat16 else 1e-5, "rtol": 0.02}
    plain = conv2d(x, weight, bias, padding=1)
    for activation, expected in (
        ("none", plain),
        ("relu", plain.relu()),
        ("leaky_relu", nn.functional.leaky_relu(plain, 0.2)),
    ):
        torch.testing.assert_close(conv(x, weight, bias, (1, 1), activation, 0.2), expected, **tolerance)
    plain = (conv2d(x, weight, padding=1) + other).relu()
    result = conv_onto(x, weight, other, (1, 1))
    torch.testing.assert_close(result, plain, **tolerance)
    assert result.data_ptr() == other.data_ptr()
