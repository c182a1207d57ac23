"""Named validation sets, the best model and early stopping of restoration, as a user trains it."""

import pytest
import yaml
from test_restoration_task import pairs, stage, train, values  # noqa: F401 - a fixture is used by its name

from patina.cli.main import run_command
from patina.runs.run_log import read_log
from patina.runs.run_models import label_of, newest_of
from patina.specs.configuration import dump_config, load_config
from patina.specs.subjects import config_classes
from patina.training.best_model import is_higher_better
from small_trainings import TASKS, write_sets, write_training


def named(pairs, tmp_path, **changes) -> dict:  # noqa: F811
    config = values(pairs, tmp_path, stages=[stage("net", steps=4, validate_every=1, save_every=1, **changes)])
    folders = config["validation"]
    return config | {"validation": {"first": folders, "second": folders | {"pictures": 2}}}


def test_every_set_is_measured_by_its_name(pairs, tmp_path):  # noqa: F811
    config = named(pairs, tmp_path, keep={"best": "second/psnr", "last": 1})
    assert train(tmp_path, config) == 0
    run = tmp_path / "runs/tiny/net"
    lines = [line for line in read_log(run) if line["part"] == "valid"]
    assert lines[0].keys() >= {"first/psnr", "first/ssim", "first/mse", "second/psnr"}
    assert all(line["first/psnr"] == line["second/psnr"] for line in lines)
    assert {path.name for path in (run / "previews/0000001").iterdir()} == {
        "results-first.png",
        "results-second.png",
    }
    assert sorted(path.stem for path in (run / "models").iterdir()) == ["3", "best", "final"]
    best = max(lines, key=lambda line: line["second/psnr"])
    events = [line for line in read_log(run) if line["part"] == "event"]
    assert events[-1]["step"] == best["step"]
    assert newest_of(run).stem == "final"
    assert label_of(run / "models/best.safetensors") == "net-best"


def test_a_stage_that_stops_hands_its_best_model_to_the_next(pairs, tmp_path, capsys):  # noqa: F811
    config = named(pairs, tmp_path, learning_rate=1.0, early_stopping={"metric": "first/mse", "patience": 1})
    config["stages"].append(stage("after", learning_rate=1e-12))
    assert train(tmp_path, config) == 0
    run = tmp_path / "runs/tiny"
    message = next(line["message"] for line in read_log(run / "net") if "stopped early" in line.get("message", ""))
    assert message.startswith("stopped early: first/mse has not improved in 1 validations")
    assert message in capsys.readouterr().err
    models = run / "net/models"
    assert (models / "final.safetensors").read_bytes() == (models / "best.safetensors").read_bytes()
    assert (run / "after/models/final.safetensors").is_file()


def test_a_resolved_configuration_is_one_again(pairs, tmp_path):  # noqa: F811
    for name, config in (("one", values(pairs, tmp_path)), ("two", named(pairs, tmp_path))):
        path = tmp_path / f"{name}.yml"
        path.write_text(yaml.safe_dump(config))
        before = load_config(path)
        text = dump_config(before)
        path.write_text(text)
        assert load_config(path) == before
        assert ("first" in text) == (name == "two")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"keep": {"best": "psnr"}},
            "stages.0.keep.best is psnr, expected one of first/psnr, first/mse, first/s",
        ),
        (
            {"early_stopping": {"metric": "lpips"}},
            "stages.0.early_stopping.metric is lpips, expected one of",
        ),
        ({"keep": {"last": 0}}, "stages.0.keep.last: expected a value greater than 0, found 0"),
        ({"keep": {"bets": "psnr"}}, "stages.0.keep.bets: unknown key, did you mean best"),
    ],
)
def test_what_is_not_measured_cannot_be_compared(pairs, tmp_path, capsys, changes, expected):  # noqa: F811
    assert train(tmp_path, named(pairs, tmp_path, **changes)) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("validation", "expected"),
    [
        ({"lq": "a", "gd": "b"}, "validation.gd: unknown key, expected one of lq, gt, pictures, template, recursive\n"),
        ({"lq": "a"}, "validation.gt: missing"),
        ({"first": {"lq": "a", "gd": "b"}}, "validation.first.gd: unknown key, expected one of lq,"),
        ({"first": {"lq": "a", "gt": "b"}, "second": {"lq": "a"}}, "validation.second.gt: missing"),
        ({"a/b": {"lq": "a", "gt": "b"}}, "validation.a/b"),
    ],
)
def test_mistakes_in_sets_are_named(pairs, tmp_path, capsys, validation, expected):  # noqa: F811
    assert train(tmp_path, values(pairs, tmp_path) | {"validation": validation}) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.splitlines()) == 1


def test_without_validation_nothing_can_be_compared(pairs, tmp_path, capsys):  # noqa: F811
    config = values(pairs, tmp_path) | {"validation": None}
    config["stages"][0] |= {"early_stopping": {}}
    assert train(tmp_path, config) == 2
    assert "stages.0.early_stopping needs a validation set; add `validation`" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_task_keeps_its_best_model(tmp_path, task):
    config = load_config(write_training(write_sets(tmp_path), task, tmp_path / "runs"))
    numbers = config.validated_numbers()
    assert numbers
    assert all(is_higher_better(number) in (True, False) for number in numbers)
    assert isinstance(config, config_classes()[task])
    file = tmp_path / "runs.yml"
    whole = yaml.safe_load(file.read_text())
    block = whole["stages"][0] if task == "restoration" else whole["training"]
    block |= {"keep": {"best": numbers[-1]}, "early_stopping": {"patience": 5}}
    file.write_text(yaml.safe_dump(whole))
    assert run_command("train", ["-opt", str(file), "-device", "cpu"]) == 0
    [best] = (tmp_path / "runs").rglob("models/best.safetensors")
    assert best.read_bytes() == best.with_name("final.safetensors").read_bytes()
