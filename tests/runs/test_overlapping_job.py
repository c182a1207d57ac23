"""Three stages that overlap: order, failures, bounded memory, and what is written after an error."""

import threading

import pytest

from patina.errors import PictureError
from patina.runs.overlapping_job import AHEAD, run_overlapping_job


def run(items, read=lambda item: item, compute=lambda item, value: value, write=lambda item, value: value):
    return run_overlapping_job(items, read, compute, write, description="test", name=lambda item: f"item {item}")


def test_results_come_in_the_order_of_the_items():
    report = run(range(20), lambda i: 10 * i, lambda i, value: value + i, lambda i, value: (i, value))
    assert report.results == [(i, 11 * i) for i in range(20)]
    assert report.exit_code == 0


@pytest.mark.parametrize("stage", ["read", "compute", "write"])
def test_a_picture_that_fails_in_any_stage_is_named_and_the_others_go_on(stage):
    def fail(item, *value):
        if item == 3:
            raise PictureError("broken")
        return item

    report = run(range(8), **{stage: fail})
    assert report.failures == [("item 3", "broken")]
    assert report.results == [0, 1, 2, 4, 5, 6, 7]


def test_the_next_picture_is_read_and_the_last_one_written_while_one_is_computed():
    read_2, wrote_0 = threading.Event(), threading.Event()

    def read(item):
        if item == 2:
            read_2.set()

    def compute(item, _value):
        if item == 1:
            assert read_2.wait(30)
            assert wrote_0.wait(30)

    report = run(range(4), read, compute, lambda item, _value: wrote_0.set())
    assert len(report.results) == 4


def test_no_more_pictures_are_held_than_ahead():
    read, written, held = [], [], []

    def compute(item, _value):
        held.append(len(read) - item)

    run(range(30), read.append, compute, lambda item, _value: written.append(item))
    assert max(held) <= AHEAD + 2
    assert written == list(range(30))


def test_an_error_ends_the_job_and_what_is_computed_is_written():
    written = []

    def compute(item, _value):
        if item == 4:
            raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        run(range(50), compute=compute, write=lambda item, _value: written.append(item))
    assert written == [0, 1, 2, 3]
