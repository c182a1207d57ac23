"""The best model of a training, early stopping, and how many models stay."""

import pytest
import torch
from test_loop import Regression, log_lines, run

from patina.errors import PatinaError
from patina.training.best_model import Comparison, ComparisonPlan, StoppingPlan, is_higher_better
from patina.training.task import Validation

NAN = float("nan")


def seen(comparison: Comparison, number: str, values: list[float]) -> list[int]:
    """Return the steps at which the model was kept."""
    kept = []
    for step, value in enumerate(values, 1):
        comparison.see(step, {number: value}, lambda step=step: kept.append(step))
    return kept


@pytest.mark.parametrize(
    ("number", "values", "expected"),
    [
        ("psnr", [20, 19, NAN, 21, 21, 22], [1, 4, 6]),
        ("set/ssim", [0.5, 0.6, 0.55], [1, 2]),
        ("mse", [5, 6, 4, 4], [1, 3]),
        ("nll_real", [-1, -3, -2], [1, 2]),
        ("bsd/gain", [NAN, -1, 1], [1, 2, 3]),
    ],
)
def test_the_best_is_kept_whichever_way_better_is(number, values, expected):
    assert seen(Comparison(ComparisonPlan(number)), number, values) == expected


def test_what_says_nothing_about_a_model_is_not_compared():
    for number in ("psnr_bicubic", "real_std", "added_std"):
        with pytest.raises(KeyError):
            is_higher_better(number)


def test_small_gains_are_waited_for_and_a_resumed_comparison_goes_on():
    plan = ComparisonPlan("psnr", StoppingPlan("psnr", patience=2, least_gain=0.1))
    comparison = Comparison(plan)
    assert seen(comparison, "psnr", [20.0, 20.05, 21.0, NAN]) == [1, 2, 3]
    assert not comparison.has_stopped
    again = Comparison(plan)
    again.load_state(comparison.state())
    for each in (comparison, again):
        each.see(5, {"psnr": 21.05}, lambda: None)
        assert each.has_stopped
        assert each.why_stopped == "stopped early: psnr has not improved in 2 validations, it was best at step 3: 21"
        assert each.state() == comparison.state()
    other = Comparison(ComparisonPlan("ssim", StoppingPlan("ssim", 2)))
    other.load_state(comparison.state())  # values of another number
    assert not other.has_stopped
    assert other.state() == {}


def test_a_model_that_cannot_be_kept_has_not_been_seen():
    comparison = Comparison(ComparisonPlan("psnr"))

    def full():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError):
        comparison.see(1, {"psnr": 20.0}, full)
    assert comparison.state() == {}


def test_a_number_that_was_not_measured_is_named():
    with pytest.raises(PatinaError, match="step 1: the validation measured psnr, expected ssim to compare"):
        Comparison(ComparisonPlan("ssim")).see(1, {"psnr": 20.0}, lambda: None)


class Measured(Regression):
    """Its validations measure given values."""

    values = (3.0, 1.0, 2.0, 2.0, 2.0, 2.0)
    validations = 0

    def validate(self):
        self.validations += 1
        weights = self.network[0].weight.detach()
        step = self.updaters[0].last_step or self.given
        return Validation({"mse": self.values[step // 2 - 1], "norm": float(weights.norm())})

    def load_state(self, state):
        super().load_state(state)
        self.given = int(next(iter(state["line"]["optimizer"]["state"].values()))["step"])

    def save_model(self, path, step):
        path.with_suffix(".txt").write_text(f"{step}: {self.network[0].weight.detach().norm():.9g}")


STOPS = ComparisonPlan("mse", StoppingPlan("mse", patience=3))


def models(path) -> dict[str, str]:
    return {file.stem: file.read_text() for file in (path / "models").iterdir()}


def test_the_result_is_the_best_model_and_a_stopped_training_stays_stopped(tmp_path, capsys):
    assert run(tmp_path, Measured(), validate_every=2, comparison=STOPS)
    found = models(tmp_path)
    assert found["best"].startswith("4: ")
    assert found["final"] == found["best"]
    assert found["5"] != found["best"]
    assert [line["step"] for line in log_lines(tmp_path, "valid")] == [2, 4, 6, 8, 10]
    messages = [(line["step"], line["message"]) for line in log_lines(tmp_path, "event")]
    assert messages == [
        (2, "best model so far: mse 3"),
        (4, "best model so far: mse 1, 3 at step 2 before"),
        (10, "stopped early: mse has not improved in 3 validations, it was best at step 4: 1"),
    ]
    told = capsys.readouterr().err
    assert "run, validation at step 4, the best so far: mse" in told
    assert "run: stopped early: mse has not improved in 3 validations, it was best at step 4: 1" in told
    again = Measured()
    assert run(tmp_path, again, validate_every=2, comparison=STOPS)
    assert again.validations == 0
    assert models(tmp_path) == found


@pytest.mark.parametrize("interrupt_at", [3, 5, 9])
def test_an_interrupted_run_keeps_and_stops_as_an_uninterrupted_one(tmp_path, interrupt_at):
    assert run(tmp_path / "whole", Measured(), validate_every=2, comparison=STOPS)
    assert not run(tmp_path / "cut", Measured(interrupt_at=interrupt_at), validate_every=2, comparison=STOPS)
    assert run(tmp_path / "cut", Measured(), validate_every=2, comparison=STOPS)
    for label in ("best", "final"):
        assert models(tmp_path / "cut")[label] == models(tmp_path / "whole")[label]
    states = [torch.load(tmp_path / name / "training_state/10.state") for name in ("whole", "cut")]
    assert states[0]["comparison"] == states[1]["comparison"]


def test_a_best_model_that_was_removed_is_made_anew(tmp_path):
    plan = ComparisonPlan("mse")
    assert not run(tmp_path, Measured(interrupt_at=5), validate_every=2, comparison=plan)
    (tmp_path / "models/best.txt").unlink()
    assert run(tmp_path, Measured(), validate_every=2, comparison=plan)
    assert models(tmp_path)["best"].startswith("6: ")
    assert models(tmp_path)["final"].startswith("12: ")


def test_validations_before_a_step_are_not_compared(tmp_path):
    assert run(tmp_path, Measured(), validate_every=2, comparison=ComparisonPlan("mse", after=4))
    assert models(tmp_path)["best"].startswith("6: ")


def test_only_so_many_models_of_steps_stay(tmp_path):
    assert run(tmp_path, Measured(), validate_every=2, save_every=2, keep_models=2, comparison=ComparisonPlan("mse"))
    assert sorted(models(tmp_path)) == ["10", "8", "best", "final"]


def test_only_so_many_models_of_epochs_stay(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/other.txt").write_text("of the user")
    assert not run(tmp_path, Regression(interrupt_at=9), save_every=2, keep_models=3, epoch=4)
    assert sorted(models(tmp_path)) == ["6", "9", "epoch-1", "epoch-2", "other"]  # 9 is not counted


@pytest.mark.parametrize("place", ["best", "last_gain"])
@pytest.mark.parametrize("value", [None, [], {}, {"number": "mse"}, {"number": 1, "value": "x", "step": 0}, "text"])
def test_a_state_of_other_values_is_one_line(tmp_path, place, value):
    run(tmp_path, Measured(), steps=4, validate_every=2, comparison=STOPS)
    file = tmp_path / "training_state/4.state"
    state = torch.load(file)
    state["comparison"][place] = value
    torch.save(state, file)
    with pytest.raises(PatinaError, match="does not fit this configuration") as caught:
        run(tmp_path, Measured(), steps=6, comparison=STOPS)
    assert len(str(caught.value).splitlines()) == 1
