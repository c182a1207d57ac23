"""Commands started twice at once: the second is refused in one line that names the first, or both results are whole."""

import os
import signal
import sys
import threading
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from patina.errors import PatinaError
from patina.runs.folder_lock import HIDDEN, file_lock, folder_lock
from patina.system.atomic import atomic_path, write_text
from sets import contents, write_config, write_pictures

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")


@pytest.fixture
def top(tmp_path) -> Path:
    write_pictures(tmp_path / "in", 4, height=32, width=32)
    write_pictures(tmp_path / "results", 4, noise=5, height=32, width=32)
    write_config(tmp_path / "noise.yml", {"scale": 1, "steps": [{"gaussian_noise": {"sigma": [2, 20]}}]})
    return tmp_path


COMMANDS = {
    "prepare": lambda top, out: ["-source", top / "in", "-target", out, "-workers", 1],
    "prepare tiles": lambda top, out: ["-source", top / "in", "-target", out, "-mode", "tiles", "-side", 16],
    "prepare noise-framed": lambda top, out: ["-source", top / "in", "-target", out, "-mode", "noise-framed"],
    "prepare categories": lambda top, out: ["-source", top / "in", "-target", out, "-mode", "categories"],
    "degrade": lambda top, out: [top / "noise.yml", top / "in", out, "-workers", 1],
    "upscale": lambda top, out: ["-model", "bicubic", "-scale", 2, "-source", top / "in", "-out", out],
    "evaluate": lambda top, out: ["-results", top / "results", "-gt", top / "in", "-out", out, "-no_lpips"],
    "evaluate models": lambda top, out: [
        "-model", "bicubic", "-set", "some", top / "in", top / "in", "-out", out, "-no_lpips"
    ],
    "validate": lambda top, out: ["-opt", top / "any.yml", "-model_path", top / "any", "-out_dir", out],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_is_being_written_is_refused_by_every_command(top, name, capfd):
    from patina.cli.main import run_command

    verb, out = name.split()[0], top / "out"
    with folder_lock(out, "degrade"):
        before = contents(out)
        assert run_command(verb, list(map(str, COMMANDS[name](top, out)))) == 2
        assert contents(out) == before
    told = capfd.readouterr().err.splitlines()[-1]
    assert told.startswith(f"error: {out} is being written by process {os.getpid()} on ")
    assert "`patina degrade`" in told
    assert told.endswith("; wait until it ends, or choose another folder")
    assert not out.exists()


def test_a_recipe_that_is_being_fitted_is_refused_and_another_beside_it_is_not(top, capfd):
    from patina.cli.main import run_command

    with file_lock(top / "fitted.yml", "fit"):
        arguments = ["fit", top / "in", top / "in", "-out"]
        assert run_command(*_split([*arguments, top / "fitted.yml"])) == 2
        told = capfd.readouterr().err.splitlines()[-1]
        assert told.startswith(f"error: {top / 'fitted.yml'} is being written by process {os.getpid()} on ")
        assert told.endswith("`, since " + told.rpartition("since ")[2])
        with file_lock(top / "other.yml", "fit"):
            assert len(list((top / HIDDEN).iterdir())) == 4
    assert not (top / HIDDEN).exists()


def _split(arguments: list) -> tuple[str, list[str]]:
    return str(arguments[0]), [str(value) for value in arguments[1:]]


LIMIT = 120
"""Seconds after which a process of a test ends by itself."""


def write_often(path: Path, letter: str, ends) -> None:
    """Write a file again and again until `ends` is set, a value without a lock, which a kill could leave locked."""
    last = time.monotonic() + LIMIT
    while not ends.value and time.monotonic() < last:
        try:
            write_text(path, letter * 100_000)
        except PatinaError as error:
            assert "is being written by another process; wait until it ends" in str(error)  # noqa: PT017


@pytest.mark.slow
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_file_that_two_processes_write_is_whole(tmp_path, is_killed):
    path, context = tmp_path / "file.txt", get_context("fork")
    ends = context.RawValue("b", 0)
    writers = [context.Process(target=write_often, args=(path, letter, ends)) for letter in "ab"]
    for writer in writers:
        writer.start()
    count, last = 0, time.monotonic() + LIMIT
    while count < 2000 and time.monotonic() < last:
        if path.exists():
            count += 1
            assert path.read_text() in ("a" * 100_000, "b" * 100_000)
    if is_killed:
        os.kill(writers[0].pid, signal.SIGKILL)
        writers[0].join()
    ends.value = 1
    for writer in writers:
        writer.join()
    assert count == 2000
    assert [writer.exitcode for writer in writers] == [-signal.SIGKILL if is_killed else 0, 0]
    write_text(path, "c")
    assert contents(tmp_path) == {"file.txt": b"c"}


def test_the_file_of_another_thread_is_left_alone(tmp_path):
    began, ends = threading.Event(), threading.Event()

    def write() -> None:
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("first")
            began.set()
            ends.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    began.wait(30)
    with pytest.raises(PatinaError, match=r"a\.txt is being written by another process"):
        write_text(tmp_path / "a.txt", "second")
    ends.set()
    thread.join()
    assert contents(tmp_path) == {"a.txt": b"first"}


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_in_place_of_the_temporary_file_is_not_followed(tmp_path, link):
    (tmp_path / "precious.txt").write_text("mine")
    (tmp_path / "out").mkdir()
    link(tmp_path / "precious.txt", tmp_path / "out/.part-a.txt")
    write_text(tmp_path / "out/a.txt", "new")
    assert (tmp_path / "precious.txt").read_text() == "mine"
    assert contents(tmp_path / "out") == {"a.txt": b"new"}
