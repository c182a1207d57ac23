"""The pool of processes that experiments train in."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from patina.runs.run_log import read_log
from sets import deflow_values, write_config, write_domains

EXPERIMENT = """
import os, signal, sys, time
from patina.experiments.parallel_training import processes

def stops_when_asked(seconds):
    '''Work as a training does, which saves its state on the signal and returns.'''
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    print(os.getpid(), flush=True)
    while not asked:
        time.sleep(seconds)

if __name__ == "__main__":
    with processes() as pool:
        for work in [pool.submit(stops_when_asked, 0.05) for _ in range(2)]:
            work.result()
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core, one process")
def test_a_killed_experiment_leaves_no_process_behind(tmp_path):
    script = tmp_path / "experiment.py"
    script.write_text(EXPERIMENT, encoding="utf-8")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as experiment:
        workers = [int(experiment.stdout.readline()) for _ in range(2)]
        experiment.send_signal(signal.SIGKILL)
    for _ in range(100):
        if not any(map(_runs, workers)):
            return
        time.sleep(0.1)
    for worker in filter(_runs, workers):
        os.kill(worker, signal.SIGKILL)
    raise AssertionError("workers outlived their experiment")


TRAININGS = """
import signal, sys
from pathlib import Path
from patina.experiments.parallel_training import train_all
from patina.specs.configuration import load_config

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in a shell's background begin without it
    config = load_config(sys.argv[1])
    train_all([config.model_copy(update={"name": f"tiny{number}"}) for number in range(8)], "cpu")
"""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for single processes")
def test_ctrl_c_saves_the_trainings_that_run_and_begins_no_other(tmp_path):
    write_domains(tmp_path)
    config = write_config(tmp_path / "tiny.yml", deflow_values(tmp_path, steps=10**6, save_every=10**6, log_every=1))
    script = tmp_path / "experiment.py"
    script.write_text(TRAININGS, encoding="utf-8")
    command = [sys.executable, script, config]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True) as experiment:
        try:
            for _ in range(1200):  # until a step is done: before the first one, Ctrl-C leaves nothing to save
                if begun := [path for path in tmp_path.glob("runs/*/log.jsonl") if _has_trained(path)]:
                    break
                time.sleep(0.1)
            os.killpg(experiment.pid, signal.SIGINT)  # as a terminal does; the pool's processes do not listen to it
            printed = experiment.communicate(timeout=120)[1]
        finally:
            experiment.kill()
    assert begun
    assert experiment.returncode == -signal.SIGINT
    assert printed.count("the same command continues") >= len(begun)
    trained = [run for run in tmp_path.glob("runs/*") if list(run.glob("log.jsonl"))]
    assert len(trained) <= os.cpu_count()
    assert all(list(run.glob("models/*")) for run in tmp_path.glob("runs/*") if run in {log.parent for log in begun})


def _has_trained(log: Path) -> bool:
    return any(line["part"] == "train" for line in read_log(log.parent))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
