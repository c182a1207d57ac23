"""Everything that can be checked on a GPU, by one command: ``make check-gpu`` or ``python -m patina.bench.gpu_check``.

It needs a clone with its tests. Each part is tried by itself, and the figures are written after each, so that whatever
fails or takes too long leaves the rest. Parts: the device's rates; the tests that compute on a device (fast paths and
plain ones, whole jobs, a training of every task); the benchmark's cases, with the share of the device's rate and how
much of the time it is busy; and networks that upscale, in every precision and layout.

Ends with 0 if all parts passed, 1 if one failed, and 2 without a GPU.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import torch

from patina.bench.cases import CASES, PLAIN, QUICK, Case, Measured, Sizes
from patina.bench.figures import machine, shown
from patina.bench.running import case_row, in_process
from patina.cli.flags import add_flag
from patina.cli.parser import CommandParser

NO_DEVICE = 2
"""Exit code without a GPU."""

MINUTES = 8.0
TESTS_SHARE = 0.5
"""Part of the time that the tests may take."""


@dataclass
class Check:
    """A check in progress.

    Attributes:
        device: "cuda", or "cpu" to try the check itself.
        out: JSON file for the figures.
        until: when it must end, by `time.monotonic`.
        quick: whether sizes are tiny.
        only: run only parts whose name contains this text.
        ahead: number of parts that have not begun.
        document: the figures, by part.
        outcomes: name, "passed" or why not, and seconds of every part.
    """

    device: torch.device
    out: Path
    until: float
    quick: bool = False
    only: str | None = None
    ahead: int = 0
    document: dict[str, Any] = field(default_factory=dict)
    outcomes: list[tuple[str, str, float]] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Seconds left, at least one."""
        return max(1.0, self.until - time.monotonic())

    @property
    def share(self) -> float:
        """Seconds that the part in progress may take: twice its share of those left, as most parts take less."""
        return self.left * min(1.0, 2 / (1 + self.ahead))

    def takes(self, name: str) -> bool:
        """Whether the part of this name is to run."""
        return self.only is None or self.only.lower() in name.lower()

    def part(self, name: str, work: Callable[[], Any]) -> None:
        """Do a part, whatever happens in it, and write down what came of it."""
        self.ahead = max(0, self.ahead - 1)
        print(f"{name} …", file=sys.stderr, flush=True)
        began, outcome = time.monotonic(), "passed"
        try:
            if self.until - time.monotonic() < 5:
                raise TimeoutError("no time is left; give more -minutes")
            self.document[name] = work()
        except Exception as error:  # each part stands alone
            outcome = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
            self.document[name] = {"failed": traceback.format_exc().splitlines()[-12:]}
        self.outcomes.append((name, outcome, time.monotonic() - began))
        written = {"machine": self.document.get("machine"), "outcomes": self.outcomes, **self.document}
        self.out.write_text(json.dumps(written, indent=1, default=str) + "\n", encoding="utf-8")

    @property
    def failed(self) -> bool:
        """Whether a part did not pass."""
        return any(outcome != "passed" for _, outcome, _ in self.outcomes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all parts, print what passed and write ``check-gpu.json``."""
    parser = CommandParser("python -m patina.bench.gpu_check", __doc__)
    add_flag(parser, "out", default="check-gpu.json", help="JSON file for the figures")
    add_flag(parser, "only", help="run only the parts whose name contains this text")
    add_flag(parser, "minutes", type=float, default=MINUTES, help="time for everything")
    add_flag(parser, "device", default="cuda", choices=["cuda", "cpu"], help="cpu: to try the check without a GPU")
    add_flag(parser, "quick", action="store_true", help="use tiny networks: a smoke test, its figures mean nothing")
    given = parser.parsed(arguments)
    if given.device == "cuda" and not torch.cuda.is_available():
        print("no GPU: torch sees no CUDA device; `patina doctor` says why, nothing was checked", file=sys.stderr)
        return NO_DEVICE
    until = time.monotonic() + 60 * given.minutes
    check = Check(torch.device(given.device), Path(given.out), until, given.quick, given.only)
    run_parts(check)
    print(outcome_table(check))
    return 1 if check.failed else 0


def run_parts(check: Check) -> None:
    """Run the parts one after the other; figures first, which are lost if the tests take all the time."""
    plain: dict[str, tuple[Measured, Path]] = {}
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], Any]] = {
            "machine": lambda: machine(check.device),
            "rates of the device": partial(_by_itself, check, "rates"),
            "tests": lambda: run_tests(check, Path(folder) / "tests.xml"),
        }
        for case in CASES:
            parts[f"{case.task}: {case.path}"] = partial(_case_figures, check, case, plain, Path(folder))
        parts["upscaling in every layout"] = partial(_by_itself, check, "layouts")
        chosen = {name: work for name, work in parts.items() if check.takes(name)}
        check.ahead = len(chosen)
        for name, work in chosen.items():
            check.part(name, work)


def _case_figures(check: Check, case: Case, plain: dict[str, tuple[Measured, Path]], folder: Path) -> dict[str, Any]:
    sizes, result = QUICK if check.quick else Sizes(), folder / f"{CASES.index(case)}.pt"
    measured = in_process(case, sizes, result, check.device, check.share)
    if case.path == PLAIN:
        plain[case.task] = measured, result
    return case_row(case, measured, result, plain.get(case.task), check.device)


def _by_itself(check: Check, figures: str) -> Any:
    """Return figures of `patina.bench.device_rates`, from a process that can be ended when its time is up.

    Raises:
        RuntimeError: it failed; with the last line that it printed.
        subprocess.TimeoutExpired: it took too long.
    """
    command = [sys.executable, "-m", "patina.bench.device_rates", figures, "-device", check.device.type]
    finished = subprocess.run(
        [*command, *(["--quick"] if check.quick else [])], timeout=check.share, capture_output=True, text=True
    )
    if finished.returncode:
        raise RuntimeError(finished.stderr.strip().rpartition("\n")[2] or f"exit code {finished.returncode}")
    return json.loads(finished.stdout)


def run_tests(check: Check, report: Path) -> dict[str, Any]:
    """Run the tests that are marked `device`; return their counts.

    Raises:
        RuntimeError: a test failed, or none ran; names the first few.
        subprocess.TimeoutExpired: they took too long.
    """
    chosen = device_tests(Path("tests/models" if check.quick else "tests"))
    if not chosen:
        raise RuntimeError("no tests are here; expected to run in a clone's folder")
    # One process after the other would import torch again; two on one GPU would disturb each other's memory.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-m", "device", "--junitxml", str(report)]
    finished = subprocess.run(
        [*command, f"--device={check.device.type}", *map(str, chosen)],
        timeout=TESTS_SHARE * check.left, capture_output=True, text=True,
    )  # fmt: skip
    if not report.is_file():
        raise RuntimeError(f"pytest wrote no report: {(finished.stdout + finished.stderr).strip()[-150:]}")
    counts, failures = read_report(report)
    if failures or not counts["tests"]:
        raise RuntimeError(f"{len(failures)} of {counts['tests']} tests failed: {', '.join(failures[:5])}")
    return counts


def device_tests(folder: Path) -> list[Path]:
    """Return the files of tests that take the fixture `device`; to import all others would take a minute."""
    taking = re.compile(r"^def test_\w+\([^)]*\bdevice\b", re.MULTILINE)
    return sorted(path for path in folder.rglob("test_*.py") if taking.search(path.read_text(encoding="utf-8")))


def read_report(report: Path) -> tuple[dict[str, int], list[str]]:
    """Return the counts of a JUnit report (tests, skipped), and the names of the tests that failed."""
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {"tests": len(cases), "skipped": skipped}, [str(case.get("name")) for case in bad]


def outcome_table(check: Check) -> str:
    """Return what came of every part as a Markdown table, the cases with their figures."""
    lines = ["| part | outcome | took | speed-up | of the rate | busy | agreement |", "| --- | --- |" + " ---: |" * 5]
    for name, outcome, seconds in check.outcomes:
        figures = check.document.get(name)
        row = figures if isinstance(figures, dict) and "rate_fraction" in figures else {}
        cells = [name, outcome, f"{seconds:.0f} s"]
        cells += [
            shown(row.get("speed_up"), ".1f"),
            shown(row.get("rate_fraction"), ".0%"),
            shown(row.get("busy_fraction"), ".0%"),
        ]
        cells.append(row.get("agreement") or "")
        lines.append("| " + " | ".join(cells) + " |")
    passed = sum(outcome == "passed" for _, outcome, _ in check.outcomes)
    return "\n".join([*lines, "", f"{passed} of {len(check.outcomes)} parts passed; figures: {check.out}"])


if __name__ == "__main__":
    sys.exit(main())
