"""The check of a GPU, tried without one: what it needs, what a failing part leaves, and what it writes."""

import json
import subprocess
import time

import pytest
import torch

from patina.bench import gpu_check
from patina.bench.device_rates import device_rates, layout_rows
from patina.bench.gpu_check import Check, main, outcome_table, read_report
from patina.bench.measuring import busy_fraction, covered

CPU = torch.device("cpu")

REPORT = """<testsuites><testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>
<testcase name="c"><skipped/></testcase><testcase name="d"><error/></testcase></testsuite></testsuites>"""


def test_without_a_gpu_it_says_so_in_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["-out", str(tmp_path / "figures.json")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("no GPU: ")
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_failing_part_leaves_the_others(tmp_path):
    check = Check(CPU, tmp_path / "figures.json", time.monotonic() + 60)
    check.part("first", lambda: {"a": 1})
    check.part("second", lambda: 1 / 0)
    figures = {"rate_fraction": 0.5, "speed_up": 2.0, "busy_fraction": 0.75, "agreement": "1e-6"}
    check.part("third", lambda: figures)
    check.until = time.monotonic()
    check.part("fourth", lambda: {"b": 2})
    written = json.loads(check.out.read_text(encoding="utf-8"))
    assert (written["first"], written["third"]) == ({"a": 1}, figures)
    assert [outcome[0] for outcome in written["outcomes"]] == ["first", "second", "third", "fourth"]
    assert check.failed
    table = outcome_table(check).splitlines()
    assert table[3].startswith("| second | ZeroDivisionError: division by zero | 0 s |")
    assert table[4] == "| third | passed | 0 s | 2.0 | 50% | 75% | 1e-6 |"
    assert "no time is left" in table[5]
    assert table[-1].startswith("2 of 4 parts passed")


def test_failed_tests_fail_their_part(tmp_path, monkeypatch):
    report = tmp_path / "tests.xml"

    def run(*_arguments, **_settings):
        report.write_text(REPORT, encoding="utf-8")
        return subprocess.CompletedProcess([], 1, "", "")

    monkeypatch.setattr(gpu_check.subprocess, "run", run)
    with pytest.raises(RuntimeError, match="2 of 4 tests failed: b, d"):
        gpu_check.run_tests(Check(CPU, tmp_path / "figures.json", time.monotonic() + 60), report)
    assert read_report(report) == ({"tests": 4, "skipped": 1}, ["b", "d"])


def test_time_in_which_a_gpu_computes_counts_once():
    assert covered([(0, 4), (1, 2), (3, 6), (10, 11)]) == 7
    assert covered([]) == 0
    assert busy_fraction(lambda: None, CPU) is None


def test_rates_and_layouts():
    assert all(rate > 0 for rate in device_rates(CPU, quick=True).values())
    rows = layout_rows(CPU, quick=True)
    assert {(row["layout"], row["precision"]) for row in rows} == {
        (layout, precision) for layout in ("contiguous_format", "channels_last") for precision in ("32", "bf16-mixed")
    }
