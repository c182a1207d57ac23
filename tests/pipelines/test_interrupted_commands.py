"""Commands that are killed, or started twice at once: no byte of the result depends on it."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest

from patina.cli.main import run_command
from sets import contents, write_config, write_deflow_model, write_pictures

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals and does not fork")

PICTURES = 20
COMMANDS = ["degrade", "upscale", "translate"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_deflow_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def arguments(tmp_path, model) -> Callable[[str, Path], list[str]]:
    """Return what gives a command's arguments for an output folder."""
    source = write_pictures(tmp_path / "in", PICTURES)
    steps = [{"gaussian_noise": {"sigma": [2, 20]}}, {"resize": {"filter": "box", "of": "target"}}]
    recipe = write_config(tmp_path / "r.yml", {"scale": 2, "steps": steps})

    def arguments_of(verb: str, out: Path) -> list[str]:
        given = {
            "degrade": [recipe, source, out, "-gt", out / "gt", "-workers", 1],
            "upscale": ["-model", "bicubic", "-scale", 4, "-source", source, "-out", out],
            "translate": ["-model_path", model, "-source", source, "-out", out, "-device", "cpu"],
        }
        return [str(value) for value in given[verb]]

    return arguments_of


def started(verb: str, arguments: list[str]):
    """Start a command in a process of its own, where every file takes a while, so that there is time to kill it."""

    def slowly() -> None:
        replace = os.replace

        def replace_slowly(*paths: Path) -> None:
            time.sleep(0.02)
            replace(*paths)
            time.sleep(0.02)

        os.replace = replace_slowly
        sys.exit(run_command(verb, arguments))

    process = get_context("fork").Process(target=slowly)
    process.start()
    return process


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a process has come far enough."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "the process does not come far enough"
        time.sleep(0.001)


@pytest.mark.slow
@pytest.mark.parametrize("verb", COMMANDS)
def test_a_killed_command_given_again_leaves_the_same_bytes(arguments, tmp_path, verb):
    whole, out, rng = tmp_path / "whole", tmp_path / "out", random.Random(verb)
    assert run_command(verb, arguments(verb, whole)) == 0
    for _ in range(3):
        process, before = started(verb, arguments(verb, out)), len(list(out.glob("**/*.png")))
        enough = before + rng.randint(0, 3)
        wait_for(lambda enough=enough: len(list(out.glob("**/*.png"))) >= enough)
        time.sleep(rng.uniform(0, 0.04))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert run_command(verb, arguments(verb, out)) == 0
    assert contents(out) == contents(whole)


@pytest.mark.slow
@pytest.mark.parametrize("verb", COMMANDS)
def test_two_commands_do_not_write_into_one_folder(arguments, tmp_path, verb, capfd):
    out = tmp_path / "out"
    first = started(verb, arguments(verb, out))
    wait_for((out / ".patina" / "holder.json").exists)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        assert run_command(verb, arguments(verb, out)) == 2
    finally:
        os.kill(first.pid, signal.SIGCONT)
    told = capfd.readouterr().err.splitlines()[-1]
    assert told.startswith(f"error: {out} is being written by process {first.pid} on ")
    assert f"`patina {verb}`" in told
    first.join()
    assert first.exitcode == 0
    assert run_command(verb, arguments(verb, tmp_path / "alone")) == 0
    assert contents(out) == contents(tmp_path / "alone")
