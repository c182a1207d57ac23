"""Channel statistics against numpy over all pixels, and the matching of two sets."""

import json

import numpy as np
import pytest
import torch

from patina.imaging import channel_statistics
from patina.imaging.channel_statistics import ChannelStatistics, StatisticsAccumulator, match
from patina.imaging.value_spaces import to_tensor

RNG = np.random.default_rng(3)
PICTURES = [
    RNG.integers(0, 256, (31, 17, 3)).astype(np.uint8),
    RNG.integers(0, 90, (5, 40, 3)).astype(np.uint8),
    RNG.integers(0, 65536, (13, 9, 3)).astype(np.uint16),
]


def accumulated(pictures: list[np.ndarray]) -> StatisticsAccumulator:
    accumulator = StatisticsAccumulator()
    for picture in pictures:
        accumulator.add(picture)
    return accumulator


def test_equals_numpy_over_all_pixels() -> None:
    result = accumulated(PICTURES).result()
    everything = np.concatenate([
        picture.reshape(-1, 3) / (257 if picture.dtype == np.uint16 else 1) for picture in PICTURES
    ])  # fmt: skip
    np.testing.assert_allclose(result.mean, everything.mean(0), rtol=1e-12)
    np.testing.assert_allclose(result.std, everything.std(0), rtol=1e-12)
    assert result.pixels == len(everything)


def test_order_merging_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = accumulated(PICTURES)
    parts = accumulated(PICTURES[2:])
    parts.merge(StatisticsAccumulator.from_dict(json.loads(json.dumps(accumulated(PICTURES[:2]).to_dict()))))
    assert parts.result() == whole.result()
    monkeypatch.setattr(channel_statistics, "_CHUNK", 7)
    assert accumulated(PICTURES).to_dict() == whole.to_dict()


def test_sums_are_exact_where_float32_is_not() -> None:
    pixels = np.full((1 << 20, 3), 65535, np.uint16)
    pixels[0] = 0
    assert accumulated([pixels]).sums == (((1 << 20) - 1) * 65535,) * 3
    assert accumulated([pixels]).squares == (((1 << 20) - 1) * 65535**2,) * 3


def test_flat_pictures_have_no_spread() -> None:
    assert accumulated([np.full((8, 8, 3), 201, np.uint8)]).result() == ChannelStatistics((201,) * 3, (0,) * 3, 64)


def test_nothing_and_wrong_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        StatisticsAccumulator().result()
    for wrong in (np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8)):
        with pytest.raises(TypeError):
            StatisticsAccumulator().add(wrong)


def test_statistics_survive_json() -> None:
    result = accumulated(PICTURES).result()
    assert ChannelStatistics.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    for broken in ({}, {"mean": [1, 2], "std": [1, 2, 3], "pixels": 4}, {"mean": 1, "std": 2, "pixels": 3}):
        with pytest.raises(ValueError):
            ChannelStatistics.from_dict(broken)


def test_matched_pictures_have_the_other_sets_statistics() -> None:
    source, target = accumulated(PICTURES[:1]).result(), accumulated(PICTURES[1:2]).result()
    matched = match(to_tensor(PICTURES[0]).double()[None], source, target)[0] * 255
    torch.testing.assert_close(matched.mean((1, 2)), torch.tensor(target.mean).double(), rtol=0, atol=1e-4)
    torch.testing.assert_close(matched.std((1, 2), correction=0), torch.tensor(target.std).double(), rtol=0, atol=1e-4)


def test_matching_there_and_back_changes_nothing() -> None:
    source, target = accumulated(PICTURES[:1]).result(), accumulated(PICTURES[1:]).result()
    image = to_tensor(PICTURES[0])
    torch.testing.assert_close(match(match(image, source, target), target, source), image, rtol=0, atol=1e-6)


def test_a_channel_without_spread_is_only_shifted() -> None:
    source = ChannelStatistics((10, 20, 30), (0, 1, 0), 4)
    target = ChannelStatistics((15, 20, 30), (9, 2, 0), 4)
    image = torch.full((3, 2, 2), 0.5)
    image[1, 0, 0] = 20 / 255 + 0.1
    matched = match(image, source, target)
    torch.testing.assert_close(matched[0], image[0] + 5 / 255)
    assert matched[1, 0, 0].item() == pytest.approx(20 / 255 + 0.2, abs=1e-6)
    torch.testing.assert_close(matched[2], image[2])
