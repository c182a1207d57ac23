"""Every optimiser trains, is clipped, is resumed exactly, and says what it lacks."""

import sys
from typing import get_args

import pytest
import torch
from test_loop import Regression, run, weights
from torch import nn

from patina.errors import ConfigError, PatinaError
from patina.specs.optimisation import OptimiserName, TrainingSettings, make_fabric, updater_factory
from patina.training.batch_parts import BatchParts
from patina.training.best_model import ComparisonPlan
from patina.training.optimisers import OPTIMISERS, is_schedule_free, optimiser_factory
from patina.training.task import Validation
from patina.training.updates import NotFinite

NAMES = list(OPTIMISERS)
FREE = [name for name, kind in OPTIMISERS.items() if kind.is_schedule_free]


def settings(name: str, **changes) -> TrainingSettings:
    values = {"steps": 12, "optimiser": name, "learning_rate": 1e-2, "weight_decay": 0.01, "clip_gradient": 1.0}
    return TrainingSettings(**(values | changes))


class Chosen(Regression):
    """Fits a line by an optimiser, with a convolution that is a matrix and a rate factor for biases."""

    def __init__(self, name, **options):
        super().__init__(**options)
        self.optimiser = name
        self.saved = []
        self.validated = []

    def setup(self, fabric):
        make = updater_factory(settings(self.optimiser), rate_factors={"bias": 0.1})
        self.updaters = [make(fabric, "line", self.network)]

    def validate(self):
        self.validated.append(weights(self))
        return Validation({"mse": float(self.network[0].weight.detach().square().sum())})

    def save_model(self, path, step):
        self.saved.append(weights(self))
        torch.save(self.network.state_dict(), path.with_suffix(".pt"))


def test_the_settings_know_every_optimiser():
    assert list(get_args(OptimiserName)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_learns(tmp_path, name):
    task = Chosen(name)
    task.setup(make_fabric("32", "cpu"))
    updater, before = task.updaters[0], weights(task)
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    losses = []
    task.network.eval()
    for step in range(1, 101):
        updater.begin()
        loss = (updater.module(x) - x.sum(1, keepdim=True)).square().mean()
        losses.append(float(loss.detach()))
        updater.add(loss, BatchParts())
        updater.finish(step)
        updater.apply(step)
    assert losses[-1] < 0.7 * losses[0]
    assert not torch.equal(weights(task), before)


@pytest.mark.parametrize("interrupt_at", [2, 7])
@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, name, interrupt_at):
    plan = {"validate_every": 2, "save_every": 4, "comparison": ComparisonPlan("mse")}
    whole, first, second = Chosen(name), Chosen(name, interrupt_at=interrupt_at), Chosen(name)
    assert run(tmp_path / "whole", whole, **plan)
    assert not run(tmp_path / "cut", first, **plan)
    assert run(tmp_path / "cut", second, **plan)
    assert torch.equal(weights(whole), weights(second))
    assert not torch.equal(weights(first), weights(second))
    models = [torch.load(tmp_path / part / "models/final.pt") for part in ("whole", "cut")]
    assert all(torch.equal(models[0][key], value) for key, value in models[1].items())
    states = [(tmp_path / part / "training_state/12.state") for part in ("whole", "cut")]
    loaded = [torch.load(path, weights_only=True) for path in states]
    assert loaded[0]["comparison"] == loaded[1]["comparison"]


@pytest.mark.parametrize("name", FREE)
def test_what_is_validated_and_saved_is_the_average(tmp_path, name):
    task = Chosen(name)
    assert run(tmp_path, task, validate_every=4, save_every=4)
    trained = weights(task)
    assert not torch.equal(task.saved[-1], trained)
    assert all(torch.equal(saved, seen) for saved, seen in zip(task.saved, task.validated, strict=True))
    updater = task.updaters[0]
    with updater.evaluated():
        assert torch.equal(weights(task), task.saved[-1])
        # By definition the trained weights lie between the average and what the plain steps have reached.
        states = updater.optimizer.optimizer.state
        plain = torch.cat([states[parameter]["z"].flatten() for parameter in task.network.parameters()])
        torch.testing.assert_close(0.9 * weights(task) + 0.1 * plain, trained, atol=1e-5, rtol=1e-4)
    assert torch.equal(weights(task), trained)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FREE])
def test_others_are_validated_as_they_are(name):
    task = Chosen(name)
    task.setup(make_fabric("32", "cpu"))
    assert not is_schedule_free(task.updaters[0].optimizer.optimizer)
    before = weights(task)
    with task.evaluated_weights():
        assert torch.equal(weights(task), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_that_is_not_finite_changes_nothing(name):
    task = Chosen(name)
    task.setup(make_fabric("32", "cpu"))
    updater, before = task.updaters[0], weights(task)
    updater.begin()
    updater.add(updater.module(torch.zeros(1, 3)).mul(0).sqrt().sum(), BatchParts())
    with pytest.raises(NotFinite):
        updater.finish(1)
    assert torch.equal(weights(task), before)


def test_muon_divides_matrices_from_all_others():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.PReLU(4), nn.Conv2d(4, 1, 1))
    task = updater_factory(settings("muon"), rate_factors={"bias": 0.5})(make_fabric("32", "cpu"), "net", network)
    groups = task.optimizer.param_groups
    found = {(group["use_muon"], group["rate_factor"]): [p.shape for p in group["params"]] for group in groups}
    assert found == {
        (True, 1.0): [network[0].weight.shape],
        (False, 1.0): [network[1].weight.shape, network[2].weight.shape],
        (False, 0.5): [network[0].bias.shape, network[2].bias.shape],
    }
    assert {group["weight_decay"] for group in groups} == {0.01}


def test_muon_moves_matrices_as_far_as_adamw_does():
    network = nn.Linear(32, 16, bias=False)
    before = network.weight.detach().clone()
    updater = updater_factory(settings("muon", weight_decay=0))(make_fabric("32", "cpu"), "net", network)
    updater.begin()
    updater.add(updater.module(torch.randn(64, 32)).square().mean(), BatchParts())
    updater.finish(1)
    updater.apply(1)
    moved = (network.weight.detach() - before).square().mean().sqrt()
    assert 0.1e-2 < float(moved) < 0.3e-2  # 0.2 of the learning rate, as AdamW's steps are in the long run


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "schedulefree", None)
    with pytest.raises(PatinaError, match=r"adamw_schedulefree needs schedulefree, .*pip install 'patina-sr\[opt") as e:
        optimiser_factory("adamw_schedulefree")
    assert len(str(e.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "adan", "betas": (0.9, 0.99)}, "2 betas, expected 3 for adan"),
        ({"name": "lion", "betas": (0.9, 0.99, 0.9)}, "3 betas, expected 2 for lion"),
        ({"name": "adamw_schedulefree", "milestones": (3,)}, "needs no schedule, expected neither milestones nor"),
        ({"name": "adam", "betas": (0.9, 1.5)}, "less than 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, expected):
    with pytest.raises((ValueError, ConfigError), match=expected):
        settings(**changes)
