"""The pool of processes that experiments train in."""

import os
import signal
import subprocess
import sys
import time

import pytest

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


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
