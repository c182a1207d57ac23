"""The simulation of shards behind docs/scale.md: nothing is lost, and simple clusters take the time they must."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.distributed

FILE = Path(__file__).parents[2] / "docs" / "simulate_shards.py"
_spec = importlib.util.spec_from_file_location("simulate_shards", FILE)
shards = importlib.util.module_from_spec(_spec)
sys.modules["simulate_shards"] = shards  # dataclasses look their module up
_spec.loader.exec_module(shards)

EQUAL = {"speed_std": 0.0, "slow": 0.0, "start": 0.0}


@pytest.mark.parametrize("hours", [0.05, 200.0])
def test_no_image_is_lost_or_made_twice(hours):
    run = shards.simulate(10_000, 100, 2.0, shards.Cluster(20, hours_to_failure=hours))
    assert run.done == 10_000
    assert (run.failures > 0) == (hours < 1)
    assert run.seconds > run.ideal


def test_equal_workers_without_failures_take_the_ideal_time():
    run = shards.simulate(10_000, 100, 2.0, shards.Cluster(20, hours_to_failure=float("inf"), **EQUAL))
    assert run.seconds == pytest.approx(run.ideal) == pytest.approx(1000)


def test_a_slow_worker_holds_a_single_shard_up_and_many_shards_little():
    cluster = shards.Cluster(100, slow=0.1, speed_std=0.0, start=0.0, hours_to_failure=float("inf"))
    one, many = (shards.simulate(100_000, 100 * each, 1.0, cluster) for each in (1, 50))
    assert one.seconds == pytest.approx(4000)
    assert many.seconds < 1.15 * many.ideal


def test_what_a_failed_worker_had_finished_is_kept():
    often = shards.Cluster(1, hours_to_failure=1 / 36, restart=0.0, **EQUAL)  # every 100 s
    run = shards.simulate(1000, 1, 1.0, often)
    assert run.failures >= 3
    assert run.seconds < 1000 + run.failures + 1
