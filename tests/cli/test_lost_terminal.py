"""A terminal that is closed, or whose connection breaks, while a command works in it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from patina.runs.run_folder import RunFolder
from patina.system.jsonl import read_lines
from sets import write_pictures
from small_trainings import write_sets, write_training

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has other terminals"),
]

IN_TERMINAL = """
import os, pty, select, sys
log, sign, *words = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.executable, [sys.executable, "-m", "patina.cli", *words])
while not os.path.exists(log) or sign not in open(log).read():
    if select.select([terminal], [], [], 0.05)[0]:
        os.read(terminal, 4096)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)
"""


def lose_terminal(log: Path, sign: str, *words: object) -> int:
    """Run a command in a terminal that is closed when a text is in its log; return the exit code."""
    return subprocess.run([sys.executable, "-c", IN_TERMINAL, str(log), sign, *map(str, words)], timeout=300).returncode


@pytest.mark.long
@pytest.mark.parametrize("workers", [0, 1])
def test_a_training_saves_its_last_step(tmp_path, workers):
    config = write_training(write_sets(tmp_path), "restoration", tmp_path / "runs", workers)
    values = yaml.safe_load(config.read_text())
    values["stages"][0] |= {"steps": 100_000, "log_every": 1, "validate_every": 100_000, "save_every": 100_000}
    config.write_text(yaml.safe_dump(values))
    run = tmp_path / "runs" / values["name"] / "gan"
    assert lose_terminal(run / "log.jsonl", '"step"', "train", "-opt", config) == 130
    steps = [line["step"] for line in read_lines(run / "log.jsonl") if "step" in line]
    assert 1 <= RunFolder(run, "run").load_last_state()["step"] == max(steps) < 100_000


def test_a_job_keeps_what_its_processes_have_finished(tmp_path):
    source, out = write_pictures(tmp_path / "in", 64, height=128, width=128), tmp_path / "out"
    job = ["degrade", "web-photo", source, out, "-variant", "blur_compressed", "--without-learned", "-workers", 2]
    assert lose_terminal(out / "log.jsonl", '"source_digest"', *job) == 130
    kept = list(out.rglob("*.png"))
    whole = tmp_path / "whole"
    assert 1 <= len(kept) < 64
    subprocess.run([sys.executable, "-m", "patina.cli", *map(str, [*job[:3], whole, *job[4:]])], check=True)
    assert all(path.read_bytes() == (whole / path.relative_to(out)).read_bytes() for path in kept)
