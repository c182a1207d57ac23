"""bf16 is taken where the hardware has it and the pictures stay what they are, and only there."""

from types import SimpleNamespace

import pytest
import torch

from patina.degradations.trial import LOWEST_PSNR, agreement, decibels, fastest, trial_picture
from patina.layers.precision import has_fast_bf16

CPU = torch.device("cpu")


def made(error: float):
    """Return a factory of degradations whose bf16 differs from float32 by `error`, and the dtypes it got."""
    asked = []

    def make(dtype):
        asked.append(dtype)
        offset = error if dtype == torch.bfloat16 else 0.0
        return SimpleNamespace(
            precision=dtype, draw=lambda rng: {}, apply=lambda picture, parameters, key: picture + offset
        )

    return make, asked


@pytest.mark.parametrize(
    ("error", "expected"),
    [(0.005, torch.bfloat16), (0.006, torch.float32), (float("nan"), torch.float32), (0.0, torch.bfloat16)],
)
def test_bf16_must_stay_within_45_db(monkeypatch, error, expected):
    monkeypatch.setattr("patina.degradations.trial.has_fast_bf16", lambda device: True)
    make, _ = made(error)
    assert fastest(make, CPU).precision == expected


def test_without_the_instructions_bf16_is_not_even_made(monkeypatch):
    monkeypatch.setattr("patina.degradations.trial.has_fast_bf16", lambda device: False)
    make, asked = made(0.0)
    assert fastest(make, CPU).precision == torch.float32
    assert asked == [torch.float32]


def test_decibels():
    first = torch.zeros(3, 4, 4)
    assert decibels(first, first + 0.1) == pytest.approx(20, abs=1e-4)
    assert agreement(made(0.01)[0](torch.float32), made(0.01)[0](torch.bfloat16)) == pytest.approx(40, abs=1e-3)
    assert LOWEST_PSNR == 45


def test_the_trial_picture_is_a_picture_and_always_the_same():
    picture = trial_picture()
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert picture.std() > 0.1
    assert torch.equal(picture, trial_picture())


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [([], False), (["_is_amx_tile_supported"], True), (["_is_avx512_bf16_supported"], True)],
)
def test_which_processors_are_fast_in_bf16(monkeypatch, instructions, expected):
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    monkeypatch.setattr("patina.layers.precision.BF16_CHECKS", checks)
    for name in checks:
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name in instructions, raising=False)
    assert has_fast_bf16(CPU) == expected
    assert not has_fast_bf16(torch.device("mps"))
