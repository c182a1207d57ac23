"""What long jobs say of themselves."""

import pytest

from patina.system.progress import time_left


@pytest.mark.parametrize(
    ("steps", "per_second", "told"),
    [(0, 5, "0 s"), (100, 2.5, "40 s"), (600, 1, "10 min"), (5990, 1, "1 h 40 min"), (100_000, 4, "6 h 57 min")],
)
def test_the_time_left_is_told_in_the_unit_that_fits(steps, per_second, told):
    assert time_left(steps, per_second) == told
