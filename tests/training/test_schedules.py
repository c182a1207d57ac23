"""Learning rates against torch's own schedulers."""

import pytest
import torch
from torch import nn

from patina.specs.optimisation import TrainingSettings, schedule_of
from patina.training.schedules import cosine, multi_step, warmed_up


def torch_rates(scheduler, steps: int, rate: float = 2e-4, **options) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=rate)
    schedule = scheduler(optimizer, **options)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def test_cosine_is_torchs():
    ours = [cosine(2e-4, [20], lowest=1e-6)(step) for step in range(1, 21)]
    assert ours == pytest.approx(torch_rates(torch.optim.lr_scheduler.CosineAnnealingLR, 20, T_max=20, eta_min=1e-6))


def test_restarts_are_torchs():
    ours = [cosine(2e-4, [4, 8, 16], lowest=1e-6)(step) for step in range(1, 29)]
    torchs = torch_rates(torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, 28, T_0=4, T_mult=2, eta_min=1e-6)
    assert ours == pytest.approx(torchs)


def test_restart_weights_and_the_end():
    schedule = cosine(1.0, [10, 10], [1.0, 0.5])
    assert (schedule(1), schedule(11)) == (1.0, 0.5)
    assert schedule(30) == pytest.approx(0, abs=1e-12)


def test_warm_up_rises_in_proportion_and_ends():
    schedule = warmed_up(multi_step(1.0, [20]), 10)
    assert [schedule(step) for step in (1, 5, 10, 20, 21)] == [0.1, 0.5, 1.0, 1.0, 0.5]


def test_a_cosine_without_periods_lasts_as_long_as_the_training():
    schedule = schedule_of(TrainingSettings(steps=100, cosine={"lowest": 0.1}), 1.0)
    assert schedule(51) == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"milestones": [3], "cosine": {}}, "both set"),
        ({"cosine": {"periods": [4, 5]}}, "end at step 9, expected 10"),
        ({"cosine": {"periods": [10], "restart_weights": [1, 1]}}, "one per period"),
    ],
)
def test_schedules_that_do_not_fit_are_refused(values, expected):
    with pytest.raises(ValueError, match=expected):
        TrainingSettings(steps=10, **values)
