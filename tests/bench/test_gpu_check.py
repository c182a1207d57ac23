"""The check of a GPU, tried without one: what it needs, what a failing part leaves, and what it writes."""

import json
import subprocess
import time

import pytest
import torch

from patina.bench import device_rates, gpu_check
from patina.bench.cases import DEFLOW_TRANSLATION, LUDVAE_TRANSLATION, PLAIN, Case, Measured
from patina.bench.gpu_check import Check, main, outcome_table, read_report, run_parts
from patina.bench.measuring import busy_fraction, covered
from patina.bench.running import COMPARED

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
    rows = [line.strip("| ").split(" | ") for line in table[2:6]]
    assert rows[1][:2] == ["second", "ZeroDivisionError: division by zero"]
    assert rows[2][:2] + rows[2][3:] == ["third", "passed", "2.0", "50%", "75%", "1e-6"]
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


def test_rates_and_layouts_have_processes_of_their_own(tmp_path, monkeypatch, capsys):
    limits = []

    def run(command, timeout, **_settings):
        limits.append(timeout)
        return subprocess.CompletedProcess(command, device_rates.main(command[3:]), capsys.readouterr().out, "")

    monkeypatch.setattr(gpu_check.subprocess, "run", run)
    monkeypatch.setattr(gpu_check, "CASES", [])
    check = Check(CPU, tmp_path / "figures.json", time.monotonic() + 600, quick=True, only="t")
    monkeypatch.setattr(gpu_check, "run_tests", lambda *_: {})
    run_parts(check)
    assert not check.failed
    assert all(rate > 0 for rate in check.document["rates of the device"].values())
    assert {(row["layout"], row["precision"]) for row in check.document["upscaling in every layout"]} == {
        (layout, precision) for layout in ("contiguous_format", "channels_last") for precision in ("32", "bf16-mixed")
    }
    assert limits[0] <= 400  # two thirds, with two parts ahead
    monkeypatch.setattr(
        gpu_check.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", "a\nno memory\n")
    )
    run_parts(check)
    assert check.outcomes[-1][:2] == ("upscaling in every layout", "RuntimeError: no memory")


def test_what_lacks_its_plain_path_is_compared_with_nothing(tmp_path, monkeypatch):
    limits = []

    def in_process(case, _sizes, result, _device, seconds):
        limits.append(seconds)
        if case == Case(DEFLOW_TRANSLATION, PLAIN):
            raise RuntimeError("no memory")
        torch.save(torch.zeros(3), result)
        return Measured(2.0, 2.0, 4e12, 1e9, 100, warm_up=0.0, rate_fraction=0.5)

    monkeypatch.setattr(gpu_check, "in_process", in_process)
    check = Check(CPU, tmp_path / "figures.json", time.monotonic() + 600, quick=True, only="translation")
    run_parts(check)
    compared, lone = (check.document[f"{task}: fast"] for task in (LUDVAE_TRANSLATION, DEFLOW_TRANSLATION))
    assert (compared["speed_up"], compared["agreement"]) == (1.0, "0e+00")
    assert {lone[name] for name in COMPARED} == {None}
    lines = outcome_table(check).splitlines()
    assert next(line for line in lines if line.startswith("| DeFlow translation: fast |")).endswith("|  | 50% |  |  |")
    assert len(limits) == 10
    assert max(limits) < 600
    assert limits[0] <= 120  # a fifth, with nine parts ahead
