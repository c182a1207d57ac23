"""The lock on a folder: one command at a time, whoever holds it is named, and the dead hold nothing."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from patina.errors import PatinaError
from patina.runs.folder_lock import HIDDEN, HOLDER_NAME, folder_lock

HOLDS_UNTIL_TOLD = """
import sys
from pathlib import Path
from patina.runs.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1]), "degrade"):
    print("held", flush=True)
    sys.stdin.readline()
"""

COUNTS = """
import sys
from pathlib import Path
from patina.runs.folder_lock import folder_lock
count = Path(sys.argv[2])
for _ in range(10):
    with folder_lock(Path(sys.argv[1]), "degrade", wait=True):
        count.write_text(str(int(count.read_text()) + 1))
"""


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds the lock of ``out`` until it gets a line."""
    command = [sys.executable, "-c", HOLDS_UNTIL_TOLD, str(tmp_path / "out")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_living_process_is_named_and_nothing_is_touched(tmp_path, holder):
    before = contents(tmp_path)
    with pytest.raises(PatinaError) as caught, folder_lock(tmp_path / "out", "translate"):
        pass
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'out'} is being written by process {holder.pid} on ")
    assert "`patina degrade`, since 20" in message
    assert "\n" not in message
    assert contents(tmp_path) == before
    holder.communicate("go on\n", timeout=30)
    with folder_lock(tmp_path / "out", "translate"):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(30)
    left = tmp_path / "out" / HIDDEN / HOLDER_NAME
    assert json.loads(left.read_text())["pid"] == holder.pid
    with folder_lock(tmp_path / "out", "translate"):
        assert json.loads(left.read_text()) | {"since": "", "host": ""} == {
            "pid": os.getpid(), "host": "", "command": "translate", "since": "",
        }  # fmt: skip


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_second_place_in_the_same_process_is_refused(tmp_path, in_thread):
    refusals = []

    def second():
        try:
            with folder_lock(tmp_path / "out", "degrade"):
                refusals.append("")
        except PatinaError as error:
            refusals.append(str(error))

    with folder_lock(tmp_path / "out", "degrade"):
        if in_thread:
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        else:
            second()
    second()
    assert f"process {os.getpid()} " in refusals[0]
    assert refusals[1] == ""


def test_whoever_waits_says_so_and_goes_on(tmp_path, holder, capsys):
    timer = threading.Timer(0.5, lambda: holder.communicate("go on\n"))
    timer.start()
    with folder_lock(tmp_path / "out", "conditions", wait=True):
        timer.join()
        assert holder.returncode == 0
    told = capsys.readouterr().err
    assert f"is being written by process {holder.pid} on " in told
    assert told.endswith("; waiting until it ends\n")
    assert told.count("\n") == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_errors_and_ctrl_c_release_the_lock_and_leave_nothing(tmp_path, error):
    with pytest.raises(error), folder_lock(tmp_path / "new", "degrade"):
        raise error
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty").mkdir()
    with folder_lock(tmp_path / "empty", "degrade"):
        pass
    assert contents(tmp_path) == {"empty"}


def test_a_folder_that_cannot_be_locked_is_explained(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(PatinaError, match=r"file cannot be locked: Not a directory; choose a folder"):
        folder_lock(tmp_path / "file", "degrade").__enter__()

    def read_only(*_arguments, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(PatinaError, match=r"out cannot be locked: Read-only file system; choose a folder that can be"):
        folder_lock(tmp_path / "out", "degrade").__enter__()


def test_processes_that_wait_take_turns(tmp_path):
    command = [sys.executable, "-c", COUNTS, str(tmp_path / "out"), str(tmp_path / "count")]
    (tmp_path / "count").write_text("0")
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "30"
