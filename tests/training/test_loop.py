"""The loop itself, with a task small enough to see through."""

import errno
import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from patina.errors import PatinaError, PictureError
from patina.runs.run_folder import RunFolder
from patina.specs.optimisation import make_fabric
from patina.training.diagnosis import first_not_finite
from patina.training.loop import train
from patina.training.loop_plan import LoopPlan
from patina.training.schedules import multi_step
from patina.training.task import Task, Validation
from patina.training.updates import Updater

BATCH = 4


class Points:
    """Samples that are functions of (step, slot); none of `broken_step` can be read, and none of `broken_places`."""

    broken_step = None
    broken_places = ()

    def __getitem__(self, place):
        if place[0] == self.broken_step or place in self.broken_places:
            raise PictureError("a.jpg is cut off; remove it")
        generator = torch.Generator().manual_seed(place[0] * BATCH + place[1])
        x = torch.randn(3, generator=generator)
        return {"x": x, "y": x.sum(0, keepdim=True)}


class Regression(Task):
    """Fits a line with dropout, so that torch's global random numbers matter too."""

    batch_size = BATCH

    def __init__(self, poisoned_steps=(), interrupt_at=None):
        torch.manual_seed(0)
        self.dataset = Points()
        self.network = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.poisoned_steps = set(poisoned_steps)
        self.interrupt_at = interrupt_at
        self.started = 0
        self.poison = False

    def setup(self, fabric):
        self.updaters = [Updater(fabric, "line", self.network, schedule=multi_step(1e-2, [6]), clip_gradient=1.0)]

    def start(self, batch):
        self.started += 1

    def _loss(self, batch):
        x = batch["x"] * torch.inf if self.poison else batch["x"]
        return (self.updaters[0].module(x) - batch["y"]).square().mean()

    def training_step(self, batch, step):
        self.poison = step in self.poisoned_steps
        if step == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)

        def compute(part):
            loss = self._loss(part)
            return loss, {"loss": float(loss.detach())}

        return self.take_step(self.updaters[0], batch, step, compute)

    def probe(self, batch):
        self._loss(batch)

    def validate(self):
        norm = float(self.network[0].weight.detach().norm())
        return Validation({"norm": norm}, {"dot": np.zeros((4, 4, 3), np.uint8)})

    def save_model(self, path, step):
        path.with_suffix(".txt").write_text(str(step))


def plan(**changes) -> LoopPlan:
    values = {
        "steps": 12,
        "log_every": 2,
        "validate_every": 5,
        "save_every": 5,
        "keep_states": 2,
        "max_not_finite": 3,
        "workers": 0,
        "seed": 1,
    }
    return LoopPlan(**(values | changes))


def run(path, task, **changes) -> bool:
    return train(task, plan(**changes), RunFolder(path, "run"), make_fabric("32", "cpu"))


def weights(task) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in task.network.parameters()])


def log_lines(path, part) -> list[dict]:
    lines = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["part"] == part]


def test_without_a_terminal_numbers_come_in_lines(tmp_path, capsys):
    assert not run(tmp_path, Regression(interrupt_at=7))
    lines = capsys.readouterr().err.splitlines()
    told = [line.partition(":")[0] for line in lines if "loss" in line]
    assert [line.rpartition(", ")[0] for line in told] == [f"run, step {n} of 12" for n in (2, 4, 6)]
    assert all(re.search(r", \d+ s left$", line) for line in told)
    assert next(line for line in lines if "validation" in line).startswith("run, validation at step 5: norm ")
    assert run(tmp_path, Regression())
    assert "run: continues from step 7" in capsys.readouterr().err


def test_a_run_leaves_its_files(tmp_path):
    assert run(tmp_path, Regression())
    assert [path.name for path in RunFolder(tmp_path, "run").states()] == ["10.state", "12.state"]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["10.txt", "5.txt", "final.txt"]
    assert (tmp_path / "previews/0000005/dot.png").is_file()
    assert list((tmp_path / "tb/run/train").iterdir())
    assert list((tmp_path / "tb/run/valid").iterdir())
    assert [line["step"] for line in log_lines(tmp_path, "train")] == [2, 4, 6, 8, 10, 12]
    assert [line["lr"] for line in log_lines(tmp_path, "train")] == [1e-2, 1e-2, 1e-2, 5e-3, 5e-3, 5e-3]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupted_run_equals_an_uninterrupted_one(tmp_path, workers):
    whole, first, second = Regression(), Regression(interrupt_at=7), Regression()
    assert run(tmp_path / "whole", whole)
    assert not run(tmp_path / "cut", first, workers=workers)
    assert run(tmp_path / "cut", second, workers=workers)
    assert (first.started, second.started) == (1, 0)
    assert torch.equal(weights(whole), weights(second))
    assert not torch.equal(weights(first), weights(second))
    messages = [line["message"] for line in log_lines(tmp_path / "cut", "event")]
    assert messages == ["interrupted", "resumed"]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_picture_that_cannot_be_read_loses_nothing(tmp_path, workers):
    whole, first, second = Regression(), Regression(), Regression()
    assert run(tmp_path / "whole", whole)
    first.dataset.broken_step = 9
    with pytest.raises(PictureError, match=r"^a\.jpg is cut off; remove it$"):
        run(tmp_path / "cut", first, workers=workers)
    assert RunFolder(tmp_path / "cut", "run").load_last_state()["step"] == 8
    assert run(tmp_path / "cut", second, workers=workers)
    assert torch.equal(weights(whole), weights(second))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_cannot_be_read_is_left_out(tmp_path, capsys, workers):
    class Elsewhere(Points):
        """What `Points` gives where the places behind the broken ones are asked for at once."""

        def __getitem__(self, place):
            return super().__getitem__({(2, 1): (2, 1 + BATCH), (7, 3): (7, 3 + 2 * BATCH)}.get(place, place))

    expected, broken = Regression(), Regression()
    expected.dataset = Elsewhere()
    assert run(tmp_path / "expected", expected)
    broken.dataset.broken_places = ((2, 1), (7, 3), (7, 3 + BATCH))
    assert run(tmp_path / "broken", broken, workers=workers)
    assert torch.equal(weights(expected), weights(broken))
    told = capsys.readouterr().err
    assert told.count("a.jpg is cut off; remove it; training continues without it") == 1
    assert "run: skipped 1 image that could not be read" in told
    assert [line["message"] for line in log_lines(tmp_path / "broken", "event")] == [
        "skipped: a.jpg is cut off; remove it"
    ]


def test_what_was_trained_is_saved_when_the_validation_cannot_be_read(tmp_path):
    class Unreadable(Regression):
        def validate(self):
            raise PictureError("b.png is cut off; remove it")

    whole, task = Regression(), Regression()
    assert run(tmp_path / "whole", whole)
    with pytest.raises(PictureError, match=r"^b\.png"):
        run(tmp_path / "cut", Unreadable(), save_every=12)
    assert RunFolder(tmp_path / "cut", "run").load_last_state()["step"] == 5
    assert run(tmp_path / "cut", task)
    assert torch.equal(weights(whole), weights(task))


def test_a_validation_that_cannot_be_read_at_the_last_step_leaves_the_final_model(tmp_path):
    class Unreadable(Regression):
        def validate(self):
            raise PictureError("b.png is cut off; remove it")

    whole = Regression()
    assert run(tmp_path / "whole", whole)
    with pytest.raises(PictureError, match=r"^b\.png"):
        run(tmp_path / "cut", Unreadable(), validate_every=12)
    assert (tmp_path / "cut/models/final.txt").read_text() == "12"
    (tmp_path / "cut/models/final.txt").unlink()
    assert run(tmp_path / "cut", Regression(), validate_every=12)
    assert (tmp_path / "cut/models/final.txt").read_text() == "12"


def test_lines_after_the_resumed_step_are_dropped(tmp_path):
    run(tmp_path, Regression())
    (tmp_path / "training_state/12.state").unlink()
    run(tmp_path, Regression())
    assert [line["step"] for line in log_lines(tmp_path, "train")] == [2, 4, 6, 8, 10, 12]


def test_a_finished_run_is_not_trained_again(tmp_path):
    run(tmp_path, Regression())
    again = Regression()
    assert run(tmp_path, again)
    assert again.started == 0


def test_a_step_that_is_not_finite_is_skipped_and_its_layer_named(tmp_path, capsys):
    poisoned = Regression(poisoned_steps=[1])
    assert run(tmp_path, poisoned, steps=1)
    clean = Regression()
    assert torch.equal(weights(poisoned), weights(clean))
    assert "step 1: loss of line is not finite, first in line.0 (Linear)" in capsys.readouterr().err


def test_too_many_such_steps_stop_the_run(tmp_path):
    with pytest.raises(PatinaError, match="3 steps were skipped"):
        run(tmp_path, Regression(poisoned_steps=range(1, 13)))


def test_a_damaged_state_is_named(tmp_path):
    run(tmp_path, Regression())
    state = tmp_path / "training_state/12.state"
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(PatinaError, match=r"12\.state: cannot be read"):
        run(tmp_path, Regression())


def test_a_state_of_another_configuration_is_refused(tmp_path):
    run(tmp_path, Regression(), steps=5)
    other = Regression()
    other.network = nn.Linear(3, 1)
    with pytest.raises(PatinaError, match="does not fit this configuration"):
        run(tmp_path, other)


def test_a_full_disk_keeps_the_state_before(tmp_path, monkeypatch):
    run(tmp_path, Regression(), steps=5)
    kept = (tmp_path / "training_state/5.state").read_bytes()

    def full(path, data):
        with path.open("wb") as stream:
            stream.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PatinaError, match=r"10\.state cannot be written: No space left on device"):
        run(tmp_path, Regression(), validate_every=50)
    assert [path.name for path in (tmp_path / "training_state").iterdir()] == ["5.state"]
    assert (tmp_path / "training_state/5.state").read_bytes() == kept


def test_a_final_model_that_could_not_be_written_is_made_by_the_next_call(tmp_path):
    class Full(Regression):
        def save_model(self, path, step):
            if path.name == "final":
                raise PatinaError("final cannot be written: No space left on device")
            super().save_model(path, step)

    whole, again = Regression(), Regression()
    assert run(tmp_path / "whole", whole)
    with pytest.raises(PatinaError, match="No space left"):
        run(tmp_path / "cut", Full())
    assert run(tmp_path / "cut", again)
    assert (tmp_path / "cut/models/final.txt").read_text() == "12"
    assert torch.equal(weights(whole), weights(again))


def test_the_first_layer_is_the_deepest_one_that_broke():
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 2)), nn.Linear(2, 2))
    network[1][1].weight.data.fill_(torch.nan)
    assert first_not_finite({"net": network}, lambda: network(torch.ones(1, 2))) == "net.1.1 (Linear)"
    network[1][1].weight.data.fill_(1)
    assert first_not_finite({"net": network}, lambda: network(torch.ones(1, 2))) is None
