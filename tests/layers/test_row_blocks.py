"""Convolutions in row blocks against convolutions of whole maps."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from patina.layers.row_blocks import convolved, gathered, overlapped, streamed

ROW_BYTES = 100


@pytest.fixture(autouse=True)
def small_row_blocks(monkeypatch):
    monkeypatch.setattr("patina.layers.row_blocks.CPU_BYTES", 3 * ROW_BYTES)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 14),
    width=st.integers(1, 5),
    count=st.integers(1, 2),
    row_bytes=st.sampled_from([1, ROW_BYTES, 3 * ROW_BYTES, 10**6]),
    layers=st.integers(1, 4),
)
def test_a_chain_of_convolutions_equals_that_of_whole_maps(height, width, count, row_bytes, layers):
    generator = torch.Generator().manual_seed(height * 100 + width)
    x = torch.randn(count, 2, height, width, generator=generator)
    expected, stream = x, streamed(x, row_bytes)
    for index in range(layers):
        weight = torch.randn(2 + index, 2 + max(0, index - 1) if index else 2, 3, 3, generator=generator) / 3
        bias = torch.randn(len(weight), generator=generator)
        expected = conv2d(expected, weight, bias, padding=1).relu()
        stream = convolved(stream, weight, bias, "relu")
    torch.testing.assert_close(gathered(stream, height), expected, atol=1e-4, rtol=1e-4)


def test_row_blocks_cover_the_map_once_by_multiples():
    blocks = list(streamed(torch.zeros(1, 1, 12, 1), ROW_BYTES, multiple=2))
    assert [(block.top, block.bottom) for block in blocks] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10), (10, 12)]
    assert [block.last for block in blocks] == [False] * 5 + [True]


def test_overlapping_row_blocks_have_their_neighbours_rows():
    x = torch.arange(7.0).view(1, 1, 7, 1) + 1
    blocks = list(overlapped(streamed(x, ROW_BYTES)))
    assert [block.rows.flatten().tolist() for block in blocks] == [[0, 1, 2, 3], [2, 3, 4, 5, 6], [5, 6, 7, 0]]
    assert [block.top for block in blocks] == [0, 2, 5]


def test_an_empty_stream_is_no_map():
    with pytest.raises(ValueError, match="no row block"):
        gathered([], 3)
