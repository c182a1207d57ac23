"""The flag `--json`, and how commands print what they found: a text for people, or the numbers for programs."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina.cli.flags import Parser

if TYPE_CHECKING:
    from patina.runs.folder_job import JobReport


def add_json_flag(parser: Parser) -> None:
    """Add ``--json``, which every command has."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else")


def print_result(arguments: argparse.Namespace, text: str, values: Any) -> None:
    """Print a text, or with ``--json`` the values it was made of, in which NaN and infinity are null."""
    if arguments.json:
        from patina.system.plain_values import plain_values

        text = json.dumps(plain_values(values), indent=1, ensure_ascii=False, allow_nan=False)
    print(text, flush=True)


def print_job(arguments: argparse.Namespace, out: Path, report: "JobReport[Any]") -> None:
    """Print the summary of a folder job; with ``--json``, how many results it made, and which images failed and why."""
    report.print_summary()
    if arguments.json:
        failures = [{"image": name, "reason": reason} for name, reason in report.failures]
        values = {"out": str(out), "made": len(report.results), "failures": failures, "notes": dict(report.notes)}
        print_result(arguments, "", values)


def print_experiment(arguments: argparse.Namespace, text: str, out: Path, remarks: str = "") -> None:
    """Print an experiment's tables with remarks, or with ``--json`` the numbers it has written to ``results.json``."""
    values = json.loads((out / "results.json").read_text(encoding="utf-8")) if arguments.json else None
    print_result(arguments, "\n".join([text, remarks]) if remarks else text, values)
