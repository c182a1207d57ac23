"""Growth of time and memory with the size; nothing that is timed decides anything."""

import pytest

from patina.bench.sizes import Spent, growth_row, measured, size_table, slope


def test_slopes_are_powers():
    assert slope([1, 10, 100], [3, 30, 300]) == pytest.approx(1)
    assert slope([1, 10, 100], [5, 5, 5]) == pytest.approx(0)
    assert slope([2, 4], [1, 4]) == pytest.approx(2)


def test_table():
    spent = [Spent(1.0, 2.0, 10_000_000), Spent(9.0, 20.0, 10_000_000)]
    row = growth_row("degrade", "images", (10, 100), spent)
    assert size_table([row]).splitlines()[-1] == (
        "| degrade | images | 10, 100 | 2.0, 20.0 s | 1.00 | 10, 10 MB | 0.00 |"
    )


def test_a_command_is_measured_and_a_failure_is_told():
    spent = measured(["--version"])
    assert spent.seconds > 0
    assert spent.peak_bytes > 1e6
    with pytest.raises(RuntimeError, match=r"patina degrade absent\.yml.*: .*absent"):
        measured(["degrade", "absent.yml", "in", "out"])
