"""Compare the fast paths with the plain networks on this machine: ``make bench`` or ``python -m patina.bench``.

Every case runs in its own process, so that peak memory is measured per case. The table shows every path's time,
speed-up over the plain path, operations, bytes moved and peak memory, and how closely its result agrees with the plain
path's. A second table has a recipe's images per second and where their time goes, and codecs in memory against one
ffmpeg process an image, measured in turn. A third one compares upscaling by Patina, spandrel, onnxruntime and OpenVINO
(``-only upscale-engines``). The figures depend on the machine; no test relies on them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from patina.bench.cases import CASES, QUICK, Sizes
from patina.bench.engine_cases import engine_rows, engine_table
from patina.bench.figures import machine, start_up, table
from patina.bench.image_cases import image_rows, image_table
from patina.bench.measuring import measure
from patina.bench.running import measure_all
from patina.cli.flags import add_device_flag, add_flag
from patina.cli.parser import CommandParser
from patina.errors import PatinaError
from patina.system.devices import compute_device


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases, print the table and write ``bench.json``; or, with ``--case``, run one case in this process."""
    parser = CommandParser("python -m patina.bench", __doc__)
    add_flag(parser, "out", default="bench.json", help="JSON file for the figures")
    add_flag(parser, "only", help="run only the tasks whose name contains this text")
    add_flag(parser, "quick", action="store_true", help="use tiny networks: a smoke test, its ratios mean nothing")
    add_device_flag(parser)
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    given = parser.parsed(arguments)
    sizes = QUICK if given.quick else Sizes()
    try:
        device = compute_device(given.device)
    except PatinaError as error:
        parser.error(str(error))
    if given.case is not None:
        print(json.dumps(asdict(measure(CASES[given.case], sizes, Path(given.result), device))))
        return 0
    chosen = [case for case in CASES if given.only is None or given.only.lower() in case.task.lower()]
    with tempfile.TemporaryDirectory() as folder:
        rows = measure_all(chosen, sizes, Path(folder), device)
    document: dict[str, Any] = {
        "machine": machine(device),
        "sizes": asdict(sizes),
        "cases": rows,
        "start_up_seconds": start_up(),
    }
    images = document["images"] = image_rows(given.quick, given.only)
    engines = document["engines"] = engine_rows(given.quick, given.only)
    Path(given.out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(table(document))
    if images:
        print(f"\n{image_table(images)}")
    if engines:
        print(f"\n{engine_table(engines)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
