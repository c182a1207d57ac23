"""The log of a run: a line that could not be written is written later."""

import errno

import pytest

from patina.runs import run_log
from patina.runs.run_log import RunLog, read_log


def test_lines_of_a_full_disk_are_written_with_the_next_one(tmp_path, monkeypatch):
    def full(path, lines):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    log = RunLog(tmp_path, "run", 0)
    log.write("train", 1, {"loss": 0.5})
    with monkeypatch.context() as patched:
        patched.setattr(run_log, "append_lines", full)
        with pytest.raises(OSError, match="No space left"):
            log.write("train", 2, {"loss": 0.4})
    log.close()
    again = RunLog(tmp_path, "run", 2, log.unwritten)
    again.event(2, "resumed")
    again.close()
    assert [(line["part"], line["step"]) for line in read_log(tmp_path)] == [("train", 1), ("train", 2), ("event", 2)]
    assert again.unwritten == []
