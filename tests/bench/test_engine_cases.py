"""The comparison of what computes networks: every path gives the same images."""

import pytest

from patina.bench.engine_cases import PLAIN, engine_rows, engine_table


def test_other_tasks_measure_nothing():
    assert engine_rows(True, "deflow") == []


@pytest.mark.slow
def test_every_path_gives_the_same_images():
    rows = engine_rows(True, "upscale-engines")
    assert {row["what"] for row in rows} == {"one image", "a folder"}
    paths = {row["path"] for row in rows}
    assert {PLAIN, "onnxruntime, a plain loop", "openvino, a plain loop", "Patina, 32 (openvino)"} <= paths
    for row in rows:
        assert row["path"] == PLAIN or row["psnr"] > (40 if "bf16" in row["path"] else 60), row
    printed = engine_table(rows).splitlines()
    assert len(printed) == len(rows) + 2
    assert printed[2].startswith(f"| Compact | one image | {PLAIN} | ")
    assert "| 1.00 |  |" in printed[2]
