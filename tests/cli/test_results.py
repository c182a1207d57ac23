"""What commands print: results for people or as JSON, and nothing else with --quiet."""

import json
import os
import threading
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from patina.cli.commands import COMMANDS
from patina.cli.main import main, parser_of, run_command
from patina.cli.results import print_result
from patina.system.telling import is_quiet, quietly, tell
from sets import deflow_values, write_config, write_domains, write_pictures
from small_ludvae import write_model

WORDS = {
    "benchmark": ["wide", "-pictures", 1, "-side", 64, "-workers", 1],
    "completion": ["bash"],
    "configs": [],
    "convert": ["wide", "-to", "neosr", "-out", "{out}.toml"],
    "degrade": ["wide", "{in}", "{out}", "-workers", 1],
    "evaluate": ["-results", "{in}", "-truth", "{in}", "-metrics", "psnr"],
    "measure": ["{in}", "-workers", 1],
    "merge": ["{out}"],
    "noise": ["-clean", "{in}", "-degraded", "mine={in}"],
    "prepare": ["-source", "{in}", "-target", "{out}", "-scales", 1, "-workers", 1],
    "preview": ["wide", "{in}/0.png", "-side", 64, "-out", "{out}.png"],
    "recipes": ["-copy", "wide", "-to", "{out}"],
    "replay": ["{out}/log.jsonl", "-out", "{out}-again", "-workers", 1],
    "schema": ["recipe"],
    "test": ["-opt", "{config}"],
    "translate": ["-model_path", "{model}", "-source", "{in}", "-out", "{out}", "-device", "cpu"],
    "upscale": ["-model", "bicubic", "-scale", 2, "-source", "{in}", "-out", "{out}"],
    "weights": [],
}
"""Quick commands, with their arguments; `{in}` is a folder of images and `{out}` a path that is free."""

BEFORE = {
    "merge": ["degrade", "wide", "{in}", "{out}", "-workers", 1, "-shard", "1/1"],
    "replay": ["degrade", "wide", "{in}", "{out}", "-workers", 1],
}
"""What is run before a command."""

EXPERIMENTS = {
    "demo": "bundled_demo.run_demo",
    "denoise": "denoising.compare_noises",
    "fidelity": "realism_experiment.compare_realism",
    "gap": "gap_study.run_gap",
    "toy": "toy_study.run_toy",
}
"""Commands that take minutes, and the functions that do their work."""

ELSEWHERE = {
    "check-h": "tests/experiments/test_condition_search.py",
    "doctor": "tests/pipelines/test_machine_check.py",
    "export": "tests/pipelines/test_model_export.py",
    "fit": "tests/pipelines/test_recipe_fit.py",
    "interpolate": "tests/pipelines/test_model_interpolation.py",
    "report": "tests/pipelines/test_realism_report.py",
    "strength": "tests/pipelines/test_model_strength.py",
    "studio": "tests/cli/test_results.py",
    "train": "tests/cli/test_results.py",
    "validate": "tests/cli/test_results.py",
}
"""Commands whose JSON the tests of another file read."""


def printed_json(words: list[object], capsys: pytest.CaptureFixture[str]) -> object:
    """Run a command; return what its standard output holds as JSON."""
    assert main(list(map(str, words))) == 0
    return json.loads(capsys.readouterr().out)


def test_the_json_of_every_command_is_read_by_a_test():
    assert sorted([*WORDS, *EXPERIMENTS, *ELSEWHERE]) == sorted(COMMANDS)
    for command, path in ELSEWHERE.items():
        text = (Path(__file__).parents[2] / path).read_text(encoding="utf-8")
        assert "json.loads(" in text, path
        assert '"--json"' in text, path
        assert f'"{command}"' in text, (command, path)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_json(command):
    assert {"-json", "--json"} <= set(parser_of(command).known)


@pytest.mark.parametrize("command", WORDS)
def test_quick_commands_print_json_alone(command, tmp_path, capsys):
    folder = write_pictures(tmp_path / "in", 1, height=96, width=96)
    places = {"in": folder, "out": tmp_path / "out", "model": tmp_path / "model.safetensors"}
    if command == "translate":
        write_model(places["model"])
    measured = {"task": "test", "name": "tiny", "model": "nearest", "scale": 1, "out": "out", "lpips": False}
    measured["sets"] = [{"name": "one", "lq": str(folder), "gt": str(folder)}]
    places["config"] = write_config(tmp_path / "test.yml", measured)
    before, words = (
        [word.format(**places) if isinstance(word, str) else word for word in given]
        for given in (BEFORE.get(command, []), [command, *WORDS[command]])
    )
    if before:
        assert main(list(map(str, before))) == 0
        capsys.readouterr()
    assert printed_json([*words, "--json"], capsys)


def test_the_studio_prints_its_address_as_json(monkeypatch, capsys):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    monkeypatch.setattr(
        "patina.studio.studio_server.serve_studio", lambda _request, opened, with_browser: opened("http://a")
    )
    assert printed_json(["studio", "--json"], capsys) == {"address": "http://a"}


def test_the_studio_says_what_it_reaches_and_ends_without_an_error(tmp_path, monkeypatch, capsys):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")

    def ctrl_c(_address: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", ctrl_c)
    assert main(["studio", str(tmp_path), "-port", "0"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("the studio is open: http://127.0.0.1:")
    assert f"of your files, the page reads and writes only those in {tmp_path}; Ctrl-C ends the studio" in told.err
    assert told.err.endswith("the studio has ended\n")


def test_ctrl_c_as_the_address_is_printed_ends_the_studio_before_it_is_told(tmp_path, monkeypatch):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    from patina.studio import studio_server

    def ctrl_c(_address: str) -> None:
        raise KeyboardInterrupt

    def running() -> int:
        return [thread.name for thread in threading.enumerate()].count("studio")

    before, told = running(), []
    monkeypatch.setattr(studio_server, "tell", lambda line: told.append((line, running())))
    studio_server.serve_studio(studio_server.StudioRequest([tmp_path], 0), opened=ctrl_c)
    assert told == [("the studio has ended", before)]


def test_a_studio_without_its_packages_says_how_to_install_them(monkeypatch, capsys):
    monkeypatch.setattr("patina.cli.studio.find_spec", lambda name: None if name == "uvicorn" else name)
    assert main(["studio"]) == 2
    assert (
        "the studio needs uvicorn, which is not installed: pip install 'patina-sr[studio]'" in capsys.readouterr().err
    )


def test_infinite_numbers_are_null_in_json(capsys):
    print_result(Namespace(json=True), "", {"psnr": [float("inf"), 30.5], "ssim": np.float32("nan")})
    assert json.loads(capsys.readouterr().out) == {"psnr": [None, 30.5], "ssim": None}


@pytest.mark.slow
def test_a_training_and_its_sheets_as_json(tmp_path, capsys):
    write_domains(tmp_path)
    config = write_config(tmp_path / "tiny.yml", deflow_values(tmp_path))
    planned = printed_json(["train", "-opt", config, "--dry-run", "--json"], capsys)
    assert (planned["configuration"]["name"], planned["network"]) == ("tiny", "DeFlow")
    found = printed_json(["train", "-opt", config, "--json"], capsys)
    [stage] = found["stages"]
    assert found["finished"]
    assert stage["models"]["final"] == found["model"] == str(tmp_path / "runs/tiny/models/final.safetensors")
    assert stage["validation"]["step"] <= stage["steps"] == 4
    sheet = printed_json(["validate", "-opt", config, "-out", tmp_path / "out", "-pictures", 1, "--json"], capsys)
    assert (sheet["out"], sheet["made"]) == (str(tmp_path / "out"), 2)


def test_scores_as_json(tmp_path, capsys):
    folders = ["-results", write_pictures(tmp_path / "a", 2), "-truth", write_pictures(tmp_path / "b", 2)]
    found = printed_json(["evaluate", *folders, "-no_lpips", "-json"], capsys)
    assert found == json.loads((tmp_path / "a/scores.json").read_text())
    assert [row["image"] for row in found["images"]] == ["0", "1"]


def test_a_folder_job_as_json(tmp_path, capsys):
    source = write_pictures(tmp_path / "in", 2)
    (source / "broken.png").write_bytes(b"no image")
    assert main(["degrade", "wide", str(source), str(tmp_path / "out"), "-workers", "1", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["out"], found["made"]) == (str(tmp_path / "out"), 2)
    assert [Path(failure["image"]).name for failure in found["failures"]] == ["broken.png"]
    assert "broken.png" in found["failures"][0]["reason"]


def test_a_comparison_as_json(tmp_path, capsys):
    write_pictures(tmp_path / "lq", 1, height=16, width=16)
    write_pictures(tmp_path / "gt", 1, height=32, width=32)
    given = ["-model", "bicubic", "-set", "mine", tmp_path / "lq", tmp_path / "gt", "-out", tmp_path / "out"]
    found = printed_json(["evaluate", *given, "-no_lpips", "--json"], capsys)
    assert found == json.loads((tmp_path / "out/comparison.json").read_text())


def test_noises_as_json(tmp_path, capsys):
    clean, noisy = write_pictures(tmp_path / "a", 2), write_pictures(tmp_path / "b", 2, noise=9)
    found = printed_json(["noise", "-clean", clean, "-degraded", f"mine={noisy}", f"none={clean}", "--json"], capsys)
    assert all(7 < value < 11 for value in found["mine"]["std"])
    assert found["none"] == {"std": [0, 0, 0], "autocorrelation_of_green": [None, None], "correlation": [None, None]}


def test_the_speed_as_json(capsys):
    found = printed_json(["benchmark", "wide", "-pictures", 2, "-side", 64, "-workers", 1, "--json"], capsys)
    assert (found["recipe"], found["images"], found["side"]) == ("wide", 2, 64)
    assert found["images_per_second"] == pytest.approx(2 / found["seconds"])


def test_a_list_as_json(capsys):
    found = printed_json(["recipes", "--json"], capsys)
    assert {"name": "wide", "kind": "recipe"}.items() <= next(one for one in found if one["name"] == "wide").items()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_quiet(command):
    assert {"-quiet", "--quiet"} <= set(parser_of(command).known)


def test_a_quiet_command_prints_errors_only(tmp_path, capsys):
    source = write_pictures(tmp_path / "in", 2)
    words = ["degrade", "wide", source, tmp_path / "out", "-workers", 1]
    assert main([*map(str, words), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    (tmp_path / "in/0.png").write_bytes(b"no image")
    (tmp_path / "in/1.png").write_bytes(write_pictures(tmp_path / "other", 1, seed=5).joinpath("0.png").read_bytes())
    assert main([*map(str, words), "--quiet"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert told[1] == "1 of 2 images failed and were skipped"
    assert main(list(map(str, words))) == 1
    assert "all images are up to date" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_quiet_training_prints_warnings_only(tmp_path, capsys):
    write_domains(tmp_path)
    config = write_config(tmp_path / "tiny.yml", deflow_values(tmp_path))
    assert run_command("train", ["-opt", str(config), "--quiet"]) == 0
    printed = capsys.readouterr()
    assert not printed.out
    assert [line for line in printed.err.splitlines() if not line.startswith("warning: ")] == []
    assert (tmp_path / "runs/tiny/models/final.safetensors").is_file()


@pytest.mark.parametrize(("before", "after"), [(None, None), ("0", "0"), ("1", "1")])
def test_quiet_ends_with_the_command_and_is_inherited(before, after, monkeypatch, capsys):
    monkeypatch.delenv("PATINA_QUIET", raising=False)
    if before is not None:
        monkeypatch.setenv("PATINA_QUIET", before)
    with quietly(True):
        assert os.environ["PATINA_QUIET"] == "1"
        tell("unheard")
    assert os.environ.get("PATINA_QUIET") == after
    assert is_quiet() == (after == "1")
    with quietly(False):
        tell("heard")
    assert capsys.readouterr() == ("", "" if after == "1" else "heard\n")


@pytest.mark.parametrize("command", EXPERIMENTS)
def test_an_experiment_prints_the_numbers_that_it_has_written(command, tmp_path, monkeypatch, capsys):
    def run(request) -> str:
        request.out.mkdir()
        (request.out / "results.json").write_text('{"bicubic": [[25.8, 0.59]]}')
        return "| a table |"

    monkeypatch.setattr(f"patina.experiments.{EXPERIMENTS[command]}", run)
    images = ["-clean", tmp_path, "-real", tmp_path] if command in ("denoise", "fidelity") else []
    assert printed_json([command, *images, "-out", tmp_path / "a", "--json"], capsys) == {"bicubic": [[25.8, 0.59]]}
    assert main([command, *map(str, images), "-out", str(tmp_path / "b")]) == 0
    assert capsys.readouterr().out.startswith("| a table |\n")
