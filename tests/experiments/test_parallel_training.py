"""The pool of processes that experiments train in."""

import os
import signal
import subprocess
import sys
import time

import pytest

from sets import deflow_values, write_config, write_domains

EXPERIMENT = """
import os, sys, time
from patina.experiments.parallel_training import processes

if __name__ == "__main__":
    with processes() as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


@pytest.mark.slow
def test_a_killed_experiment_leaves_no_process_behind(tmp_path):
    script = tmp_path / "experiment.py"
    script.write_text(EXPERIMENT, encoding="utf-8")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as experiment:
        worker = int(experiment.stdout.readline())
        experiment.send_signal(signal.SIGKILL)
    for _ in range(100):
        if not _runs(worker):
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    raise AssertionError("the worker outlived its experiment")


TRAININGS = """
import sys
from pathlib import Path
from patina.experiments.parallel_training import train_all
from patina.specs.configuration import load_config

if __name__ == "__main__":
    config = load_config(sys.argv[1])
    train_all([config.model_copy(update={"name": f"tiny{number}"}) for number in range(8)], "cpu")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for single processes")
@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["the experiment", "all processes"])
def test_ctrl_c_saves_the_trainings_that_run_and_begins_no_other(send, tmp_path):
    write_domains(tmp_path)
    config = write_config(tmp_path / "tiny.yml", deflow_values(tmp_path, steps=10**6, save_every=10**6, log_every=1))
    script = tmp_path / "experiment.py"
    script.write_text(TRAININGS, encoding="utf-8")
    command = [sys.executable, script, config]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True) as experiment:
        try:
            for _ in range(600):
                if begun := list(tmp_path.glob("runs/*/log.jsonl")):
                    break
                time.sleep(0.1)
            time.sleep(1)
            send(experiment.pid, signal.SIGINT)
            printed = experiment.communicate(timeout=60)[1]
        finally:
            experiment.kill()
    assert begun
    assert experiment.returncode == -signal.SIGINT
    assert printed.count("the same command continues") >= len(begun)
    trained = [run for run in tmp_path.glob("runs/*") if list(run.glob("log.jsonl"))]
    assert len(trained) <= os.cpu_count()
    assert all(list(run.glob("models/*")) for run in tmp_path.glob("runs/*") if run in {log.parent for log in begun})


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
