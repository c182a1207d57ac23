"""Random numbers are functions of their purpose."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from patina.seeding import NOISE_BLOCK, derive, noise_window, numpy_rng

places = st.integers(0, 3 * NOISE_BLOCK)
sides = st.integers(1, 2 * NOISE_BLOCK)


@given(top=places, left=places, height=sides, width=sides)
def test_windows_agree_where_they_overlap(top, left, height, width):
    whole = noise_window(5, 2, 0, 0, 5 * NOISE_BLOCK, 5 * NOISE_BLOCK)
    window = noise_window(5, 2, top, left, height, width)
    assert torch.equal(window, whole[:, top : top + height, left : left + width])


def test_the_field_is_standard_normal_and_white():
    field = noise_window(7, 1, 0, 0, 512, 512)[0]
    assert abs(field.mean()) < 0.01
    assert abs(field.std() - 1) < 0.01
    for shifted in (field[1:, :] * field[:-1, :], field[:, 1:] * field[:, :-1]):
        assert abs(shifted.mean()) < 0.01
    block, neighbour = field[:NOISE_BLOCK, :NOISE_BLOCK], field[:NOISE_BLOCK, NOISE_BLOCK : 2 * NOISE_BLOCK]
    assert abs((block * neighbour).mean()) < 0.08


def test_seeds_depend_on_every_part_and_its_type():
    seeds = {derive(1, "a"), derive(1, "b"), derive(2, "a"), derive("1", "a"), derive(1), derive("1a")}
    assert len(seeds) == 6
    assert derive(1, "a") == derive(1, "a")
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert numpy_rng(1, "x").random() == numpy_rng(1, "x").random()
