"""The scripts in `code/`, run from there as their users run them."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import InvalidStateError, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import pytest

from patina.cli import command_modules
from patina.cli import main as command_line
from patina.imaging.picture_files import list_pictures
from patina.runs import folder_job
from patina.system.termination import ENDING, HANG_UP
from patina.training.interruption import interruption
from sets import deflow_values, write_config, write_pictures

CODE = Path(__file__).parents[2] / "code"


def script(name: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, f"{name}.py", *map(str, arguments)]
    return subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.long
def test_from_pictures_to_translations(tmp_path):
    for domain, noise in (("clean", 0), ("real", 10)):
        source = write_pictures(tmp_path / f"{domain}_pictures", 2, seed=int(noise), noise=noise)
        made = script("create_DeFlow_train_dataset", "-source", source, "-target", tmp_path / domain, "-scales", 1, 4)
        assert made.returncode == 0, made.stderr
    config = write_config(tmp_path / "tiny.yml", deflow_values(tmp_path))
    trained = script("train", "-opt", config)
    assert trained.returncode == 0, trained.stderr
    model = tmp_path / "runs/tiny/models/final.safetensors"
    folders = ["-source_dir", tmp_path / "clean/1x", "-out_dir", tmp_path / "out"]
    translated = script("translate", "-opt", config, "-model_path", model, *folders)
    assert translated.returncode == 0, translated.stderr
    assert len(list_pictures(tmp_path / "out")) == 2


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["./confs/DeFlow-Our-RWSR.yml", "../confs/DeFlow-AIM-RWSR.yml", "DeFlow-polyu"])
def test_shipped_configurations_are_found_from_code(opt, monkeypatch, capsys):
    monkeypatch.chdir(CODE)
    command_line.run_command("train", ["-opt", opt, "--dry-run"])  # its pictures may be missing
    assert "parameters" in capsys.readouterr().out


def test_a_misspelt_configuration_is_guessed(monkeypatch, capsys):
    monkeypatch.chdir(CODE)
    assert command_line.run_command("train", ["-opt", "DeFlow-Our-RWS", "--dry-run"]) == 2
    assert capsys.readouterr().err.strip().endswith("nor in confs/; did you mean DeFlow-Our-RWSR?")


FIRST = """
import importlib, os, sys, torch
for module in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(f"patina.{module}")
        import patina.models.spandrel_network
        os._exit(0)
    assert os.wait()[1] == 0, module
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
def test_a_command_starts_in_a_fresh_process():
    """Whatever is imported first, torchvision is repaired before spandrel imports it."""
    modules = ["pipelines.network_upscalers", "pipelines.model_comparison", "experiments.bundled_demo"]
    command = [sys.executable, "-c", FIRST, *modules]
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (OSError(28, "No space left on device", "/disk/a.png"), 2, "error: /disk/a.png cannot be used: No space left"),
        (OSError(28, "No space left on device"), 2, "error: a file cannot be used: No space left on device; fix this"),
        (ModuleNotFoundError("no torch", name="torch"), 2, "error: the package torch is missing; install Patina again"),
        (KeyboardInterrupt(), 130, "interrupted; "),
    ],
)
def test_what_stops_a_command_is_one_line(error, code, told, monkeypatch, capsys):
    def stop(_: str) -> None:
        raise error

    monkeypatch.setattr(command_modules, "importlib", SimpleNamespace(import_module=stop))
    assert command_line.run_command("train", []) == code
    printed = capsys.readouterr().err
    assert printed.startswith(told)
    assert printed.count("\n") == 1


@pytest.fixture
def no_handlers():
    """As in a process that runs one command; torch's launcher, which other tests run here, leaves some."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("no_handlers")
@pytest.mark.parametrize("number", ENDING)
def test_what_ends_a_command_as_ctrl_c_does(monkeypatch, capsys, number):
    ended = []

    def work(_):
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), number)  # schedulers send several
            ended.append("cleanly")

    monkeypatch.setattr(command_line, "module_of", lambda command: SimpleNamespace(run=work))
    assert command_line.run_command("doctor", []) == 130
    assert ended == ["cleanly"]
    assert capsys.readouterr().err.startswith("interrupted; to go on, run the same command again")
    assert signal.getsignal(number) == signal.SIG_DFL


@pytest.mark.usefixtures("no_handlers")
@pytest.mark.skipif(HANG_UP is None, reason="Windows has other terminals")
def test_nohup_lets_a_command_outlive_its_terminal(monkeypatch):
    signal.signal(HANG_UP, signal.SIG_IGN)
    monkeypatch.setattr(
        command_line, "module_of", lambda _: SimpleNamespace(run=lambda _: signal.raise_signal(HANG_UP))
    )
    assert not command_line.run_command("doctor", [])
    with interruption(alone=True) as interrupted:
        signal.raise_signal(HANG_UP)
    assert not interrupted


@pytest.mark.usefixtures("no_handlers")
def test_workers_that_sigterm_ends_before_the_command_are_no_lack_of_memory(tmp_path, monkeypatch, capsys):
    """Schedulers send it to all processes of a job, in any order."""

    class Ended(ThreadPoolExecutor):
        def submit(self, *_):
            return super().submit(fail)

    def fail():
        raise BrokenProcessPool

    def end_too(_):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(folder_job, "worker_pool", lambda workers: Ended(1))
    monkeypatch.setattr(folder_job, "time", SimpleNamespace(sleep=end_too))
    source, out = write_pictures(tmp_path / "in", 2, height=16, width=16), tmp_path / "out"
    words = ["-source", source, "-target", out, "-scales", 1, "-workers", 2]
    assert command_line.run_command("prepare", list(map(str, words))) == 130
    assert "memory" not in capsys.readouterr().err


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), InvalidStateError("CANCELLED")])
def test_threads_say_nothing_of_what_the_command_reports(error, capsys):
    command_line._thread_failed(threading.ExceptHookArgs((type(error), error, None, None)))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, "2000"), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "active"}, None)],
)
def test_threads_spin_briefly_unless_the_user_wants_otherwise(given, expected):
    """Threads that spin for long make training ten times as slow on a machine that others use."""
    probe = """
import os, sys
from patina.cli.main import main
try:
    main(["upscale", "--help"])
finally:
    print("torch" in sys.modules, os.environ.get("GOMP_SPINCOUNT"), file=sys.stderr)
"""
    kept = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    command = [sys.executable, "-c", probe]
    done = subprocess.run(command, env=kept | given, cwd=CODE, capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["False", str(expected)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["degrade", "--help"],
        pytest.param(["measure", "in"], marks=pytest.mark.slow),
        pytest.param(["measure", "in", "2>&1"], marks=pytest.mark.slow),
    ],
)
def test_a_command_whose_output_nobody_reads_ends_quietly(arguments, tmp_path):
    write_pictures(tmp_path / "in", 2, height=96, width=96)
    together = arguments[-1] == "2>&1"
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "patina.cli", *arguments[: -1 if together else None]]
    to = writing if together else subprocess.PIPE
    environment = os.environ | {"PYTHONPATH": str(CODE), "PYTHONUNBUFFERED": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=writing, stderr=to, text=True, check=False)
    os.close(writing)
    assert done.returncode == 141
    assert together or not done.stderr
