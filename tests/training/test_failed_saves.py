"""Errors between any two steps, also in a save: the same command ends with the files and lines of a whole run."""

import pytest
import torch
from test_loop import Regression, log_lines, run, weights

from patina.errors import PatinaError
from patina.runs import run_log
from patina.runs.run_folder import RunFolder
from patina.training import course, loop
from patina.training.best_model import Comparison, ComparisonPlan, StoppingPlan
from patina.training.meter import Meter
from patina.training.pace import Pace
from patina.training.task import Validation

PLAN = {"log_every": 4, "validate_every": 4, "comparison": ComparisonPlan("mse", StoppingPlan("mse", 9))}


class Falling(Regression):
    """Is better at every validation."""

    def validate(self):
        found = super().validate()
        return Validation({"mse": -found.scalars["norm"]}, found.pictures)


class OutOfMemory(Falling):
    """Finds no memory once, in a step between two saves."""

    def training_step(self, batch, step):
        if step == 9:
            raise MemoryError
        return super().training_step(batch, step)


def left(path) -> dict:
    """Return models, states and the lines of numbers and comparisons, without times."""
    files = {file.name: file.read_bytes() for file in (path / "models").iterdir()}
    for file in (path / "training_state").iterdir():
        state = torch.load(file)
        files[file.name] = {name: state[name] for name in ("step", "skipped", "planned", "comparison", "unwritten")}
        files[file.name] |= {"meter": {**state["meter"], "seconds": 0}, "due": state["validation_is_due"]}
    lines = [*log_lines(path, "train"), *log_lines(path, "valid"), *log_lines(path, "event")]
    lines = [{key: line[key] for key in line if key not in ("time", "steps_per_second")} for line in lines]
    return files | {"log": [line for line in lines if line.get("message") not in ("resumed", "interrupted")]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run leaves that nothing interrupts, and its weights."""
    path, task = tmp_path_factory.mktemp("whole"), Falling()
    assert run(path, task, **PLAN)
    return left(path), weights(task)


def ends_as(whole, path, **changes) -> None:
    task = Falling()
    assert run(path, task, **PLAN | changes)
    assert left(path) == whole[0]
    assert torch.equal(weights(task), whole[1])


def fails_once(monkeypatch, owner, name: str, at: int, is_done: bool, error: Exception) -> None:
    """Let the call `at` of a function raise an error, before or after it has done its work."""
    original, calls = getattr(owner, name), []

    def failing(*arguments, **named):
        calls.append(1)
        if len(calls) == at and not is_done:
            raise error
        result = original(*arguments, **named)
        if len(calls) == at:
            raise error
        return result

    monkeypatch.setattr(owner, name, failing)


@pytest.mark.parametrize(
    "keeps",
    [{}, {"keep_models": 1}, {"keep_states": 1}, {"epoch": 4}],
    ids=lambda keeps: next(iter(keeps), "all"),
)
@pytest.mark.parametrize("name", ["model_path", "save_state", "remove_between"])
def test_a_save_that_fails_leaves_nothing(tmp_path, monkeypatch, name, keeps):
    """The save after the error at step 9 fails, too: before a model, between model and state, and behind them."""
    assert run(tmp_path / "whole", Falling(), **PLAN | keeps)
    saves = {"model_path": 4, "save_state": 2, "remove_between": 2}  # models of best ones have paths, too
    with monkeypatch.context() as patched:
        fails_once(patched, RunFolder, name, saves[name], False, MemoryError())
        with pytest.raises(PatinaError, match=r"needs more memory than there is"):
            run(tmp_path / "cut", OutOfMemory(), **PLAN | keeps)
    model = tmp_path / f"cut/models/{'epoch-2' if keeps.get('epoch') else 8}.txt"
    assert model.exists() == (name != "model_path")
    assert (tmp_path / "cut/training_state/8.state").exists() == (name == "remove_between")
    ends_as((left(tmp_path / "whole"), weights_of(tmp_path / "whole")), tmp_path / "cut", **keeps)


def weights_of(path) -> torch.Tensor:
    task = Falling()
    run(path, task, **PLAN)
    state = torch.load(path / "training_state/12.state")["task"]["line"]["network"]
    task.network.load_state_dict(state)
    return weights(task)


AFTER_A_STEP = {
    "the numbers": (Meter, "add", 8),
    "the time": (Pace, "after", 8),
    "the means": (Meter, "means", 2),
    "the curve": (run_log.RunLog, "write", 3),
    "the line": (run_log, "append_lines", 3),
    "a new line": (Meter, "reset", 3),
    "words": (loop, "show_numbers", 2),
    "an image": (course, "write_picture", 2),
    "a comparison": (Comparison, "see", 2),
    "the best": (run_log, "append_lines", 4),
    "the last line": (run_log, "append_lines", 5),
    "the last best": (run_log, "append_lines", 6),
    "words of it": (loop, "tell_numbers", 2),
}
"""The functions that fail, and which of their calls is the first after step 8."""


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("place", AFTER_A_STEP)
def test_an_error_between_a_step_and_its_line_costs_neither(tmp_path, monkeypatch, whole, place, is_done):
    owner, name, at = AFTER_A_STEP[place]
    with monkeypatch.context() as patched:
        fails_once(patched, owner, name, at, is_done, KeyError("odd"))
        with pytest.raises(PatinaError, match=r"^run: KeyError: .* is saved, and the same command continues"):
            run(tmp_path, Falling(), **PLAN)
    ends_as(whole, tmp_path)


@pytest.mark.parametrize("at", [3, 6, 8, 11])
def test_a_stop_between_two_saves_leaves_no_more_than_a_whole_run(tmp_path, whole, at):
    assert not run(tmp_path, Falling(interrupt_at=at), **PLAN)
    assert (tmp_path / f"models/{at}.txt").exists()
    assert (tmp_path / f"training_state/{at}.state").exists()
    ends_as(whole, tmp_path)


def test_stops_in_a_row_leave_one_model_between_two_saves(tmp_path, whole):
    for at in (6, 7, 9):
        assert not run(tmp_path, Falling(interrupt_at=at), **PLAN)
    assert sorted(file.stem for file in (tmp_path / "models").iterdir()) == ["5", "9", "best"]
    ends_as(whole, tmp_path)


def test_a_step_that_cannot_be_reported_is_skipped_once(tmp_path, monkeypatch):
    def poisoned() -> Falling:
        return Falling(poisoned_steps=[7])

    assert run(tmp_path / "whole", poisoned(), **PLAN)
    with monkeypatch.context() as patched:
        fails_once(patched, run_log, "append_lines", 4, False, OSError(28, "No space left on device"))
        with pytest.raises(PatinaError, match="No space left"):
            run(tmp_path / "cut", poisoned(), **PLAN)
    assert run(tmp_path / "cut", poisoned(), **PLAN)
    assert left(tmp_path / "cut") == left(tmp_path / "whole")
    assert torch.load(tmp_path / "cut/training_state/12.state")["skipped"] == 1


def test_models_of_another_plan_stay(tmp_path):
    assert run(tmp_path, Falling(), save_every=3, steps=9)
    assert run(tmp_path, Falling(), save_every=7, steps=14)
    assert sorted(file.stem for file in (tmp_path / "models").iterdir()) == ["3", "6", "final"]
