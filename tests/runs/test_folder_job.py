"""Folder jobs: one bad picture does not stop the others, in one process and in several."""

import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest

from patina.errors import PatinaError, PictureError
from patina.runs.folder_job import JobReport, output_names, run_folder_job
from patina.runs.overlapping_job import run_overlapping_job
from patina.runs.worker_processes import kept_workers
from patina.system.notes import note

pytestmark = pytest.mark.usefixtures("folder_processes")


def halve(number: int) -> float:
    """Fail on odd numbers; finish the early ones last."""
    time.sleep(0.02 * (number < 2))
    if number % 2:
        raise PictureError(f"{number} is odd")
    return number / 2


def halve_with_a_note(number: int) -> float:
    note("halved")
    if number % 2:
        note("doubled")
    note("halved")
    return halve(number)


def exhaust(number: int) -> int:
    """Fail as NumPy, torch and OpenCV do without memory, each at another number."""
    if number == 1:
        np.empty(2**62, np.uint8)
    if number == 2:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    if number == 3:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    if number == 4:
        raise cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 9 bytes")
    return number


def stumble(number: int) -> int:
    if number == 1:
        raise PatinaError("the disk is full")
    return number


def crash(number: int) -> int:
    if number == 1:
        os._exit(9)
    return number


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def environment(_: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_failures_are_collected_and_results_keep_the_order(workers: int) -> None:
    report = run_folder_job([0, 1, 2, 3, 4], halve, description="halve", name=lambda n: f"n{n}", workers=workers)
    assert report.results == [0, 1, 2]
    assert report.failures == [("n1", "1 is odd"), ("n3", "3 is odd")]
    assert report.exit_code == 1


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_all_other_errors_end_the_job(workers: int) -> None:
    with pytest.raises(PatinaError, match="the disk is full"):
        run_folder_job(range(4), stumble, description="stumble", name=str, workers=workers)


@pytest.mark.slow
def test_after_ctrl_c_what_is_in_work_is_finished_and_handed_over() -> None:
    results = []

    def interrupted(result: float) -> None:
        results.append(result)
        if len(results) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_folder_job([0.0, 1.0], sleep, description="sleep", name=str, workers=2, on_result=interrupted)
    assert set(results) == {0.0, 1.0}


def test_a_dead_worker_is_explained() -> None:
    with pytest.raises(PatinaError, match="a worker process died"):
        run_folder_job(range(3), crash, description="crash", name=str, workers=2)


def test_workers_compute_on_one_thread_and_the_parent_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    report = run_folder_job(range(2), environment, description="ask", name=str, workers=2)
    assert report.results == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "5"
    assert "OPENBLAS_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("workers", [0, 2])
def test_results_are_handed_over_as_they_come(workers: int) -> None:
    seen = []
    run_folder_job(
        [0, 1, 2], halve, description="halve", name=str, workers=workers, on_result=seen.append
    )  # fmt: skip
    assert sorted(seen) == [0, 1]


def test_no_items_is_no_failure() -> None:
    report = run_folder_job([], halve, description="nothing", name=str, workers=4)
    assert (report.results, report.failures, report.exit_code) == ([], [], 0)


def test_the_summary_is_a_line_a_failure_and_a_count(capsys: pytest.CaptureFixture) -> None:
    JobReport(results=[1, 2]).print_summary()
    assert capsys.readouterr().err == ""
    JobReport(results=[1], failures=[("in/a.png", "in/a.png is empty"), ("b.png", "too small")]).print_summary()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "in/a.png is empty",
        "b.png: too small",
        "2 of 3 images failed and were skipped",
    ]


def test_of_many_failures_for_one_reason_the_first_are_told(capsys: pytest.CaptureFixture) -> None:
    failures = [(f"in/{n}.png", f"in/{n}.png is {n}x{n + 1}, smaller than 384") for n in range(10, 70)]
    failures.insert(5, ("in/broken.png", "is truncated"))
    JobReport(failures=failures).print_summary()
    assert capsys.readouterr().err.splitlines() == [
        *(f"in/{n}.png is {n}x{n + 1}, smaller than 384" for n in (10, 11, 12)),
        "the same reason for 57 more: in/13.png, in/14.png, in/15.png, …",
        "in/broken.png: is truncated",
        "61 of 61 images failed and were skipped",
    ]


@pytest.mark.parametrize("workers", [0, 2])
def test_lack_of_memory_is_one_pictures_failure(workers: int) -> None:
    report = run_folder_job(range(6), exhaust, description="exhaust", name=str, workers=workers)
    assert report.results == [0, 5]
    assert [name for name, _ in report.failures] == ["1", "2", "3", "4"]
    assert all(message.startswith("needs more memory than there is") for _, message in report.failures)


@pytest.mark.parametrize("workers", [0, 2])
def test_notes_are_counted_by_picture_and_told_in_one_line(workers: int, capsys: pytest.CaptureFixture) -> None:
    report = run_folder_job([2, 3, 4], halve_with_a_note, description="halve", name=str, workers=workers)
    assert report.notes == {"halved": 3, "doubled": 1}
    capsys.readouterr()
    report.print_summary()
    assert capsys.readouterr().err.splitlines()[0] == "3 images were halved; 1 image was doubled"


def test_notes_of_every_stage_are_kept() -> None:
    report = run_overlapping_job(
        [2, 4],
        lambda number: (note(f"read {number}"), number)[1],
        lambda _, number: (note("computed"), number)[1],
        lambda _, number: (note("written"), number)[1],
        description="stages",
        name=str,
    )
    assert report.notes == {"read 2": 1, "read 4": 1, "computed": 2, "written": 2}


def test_outputs_are_named_by_stem() -> None:
    sources = [Path("in/b.JPG"), Path("in/a.x.tif")]
    assert output_names(sources, "out") == ["b.png", "a.x.png"]
    assert output_names(sources[:1], Path("out"), ".webp") == ["b.webp"]


@pytest.mark.parametrize("second", ["a.jpg", "A.tif"])
def test_two_sources_of_one_output_are_refused(second: str) -> None:
    with pytest.raises(PatinaError) as caught:
        output_names([Path("in/a.png"), Path("in") / second], "out")
    assert "in/a.png" in str(caught.value)
    assert second in str(caught.value)


def tell_and_sleep(file: Path) -> None:
    file.with_suffix(".tmp").write_text(str(os.getpid()))
    file.with_suffix(".tmp").rename(file)
    time.sleep(600)


def process_of(_: int) -> int:
    return os.getpid()


@pytest.mark.slow
def test_jobs_share_processes_that_are_kept_also_after_an_error() -> None:
    with kept_workers(2):
        first = set(run_folder_job(range(20), process_of, description="", name=str, workers=2).results)
        with pytest.raises(PatinaError, match="the disk is full"):
            run_folder_job(range(4), stumble, description="", name=str, workers=2)
        second = set(run_folder_job(range(20), process_of, description="", name=str, workers=2).results)
    assert second <= first
    assert os.getpid() not in first
    others = run_folder_job(range(2), process_of, description="", name=str, workers=2).results
    assert not first & set(others)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_workers_end_with_a_killed_parent(tmp_path):
    files = [tmp_path / "0", tmp_path / "1"]
    options = {"description": "test", "name": str, "workers": 2}
    parent = get_context("fork").Process(target=run_folder_job, args=(files, tell_and_sleep), kwargs=options)
    parent.start()
    wait_for(lambda: all(file.exists() for file in files))
    parent.kill()
    parent.join()
    workers = [int(file.read_text()) for file in files]
    try:
        wait_for(lambda: not any(map(runs, workers)))
    finally:
        for worker in filter(runs, workers):
            os.kill(worker, signal.SIGKILL)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited for a minute"
        time.sleep(0.05)


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
