"""The charts of the report: positions of points, tick labels, and the curves of a training."""

import re

import numpy as np
import pytest

from patina.fidelity.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, chart, log_ticks, ticks
from patina.fidelity.curves import training_figures


def points(svg: str) -> list[tuple[float, float]]:
    found = re.search(r'<polyline[^>]*points="([^"]+)"', svg).group(1)
    return [tuple(map(float, point.split(","))) for point in found.split()]


def log_of(**series: list[float]) -> list[dict]:
    length = len(next(iter(series.values())))
    return [
        {"part": "train", "step": 10 * i} | {key: values[i] for key, values in series.items()} for i in range(length)
    ]


def test_points_lie_where_their_values_are():
    line = Line("one", "real", np.array([0.0, 1, 2]), np.array([0.0, np.nan, 10]))
    svg = chart("A & B", "x", "y <", [line])
    assert points(svg) == [(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, TOP)]
    assert "A &amp; B" in svg
    assert "y &lt;" in svg


def test_a_log_axis_puts_equal_ratios_at_equal_distances():
    line = Line("loss", "series0", np.arange(4.0), np.array([1e-4, 1e-3, 0.0, 1e-2]))
    svg = chart("Loss", "step", "loss", [line], log=True)
    heights = [y for _, y in points(svg)]
    assert heights == pytest.approx([HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) / 2, TOP])
    assert ">0.001<" in svg
    assert ">1e-4<" not in svg
    assert ">0.0001<" in svg


def test_a_chart_without_finite_values_is_empty():
    nothing = Line("one", "real", np.arange(3.0), np.full(3, np.nan))
    assert chart("A", "x", "y", [nothing]) == ""
    assert chart("A", "x", "y", [Line("one", "real", np.arange(2.0), np.zeros(2))], log=True) == ""


def test_tick_labels_are_short():
    for top in (7.5e-6, 7.5e-4, 3.0, 1.2e6):
        svg = chart("A", "x", "y", [Line("one", "real", np.arange(2.0), np.array([0.0, top]))])
        texts = re.findall(r'text-anchor="end">([^<]+)<', svg)
        assert all(len(text) <= 6 for text in texts), texts
        assert max(map(float, texts)) == pytest.approx(top, rel=0.35)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.2, 7.7), (1e-4, 3e-4), (5, 5), (0, 123456)])
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high)
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in found)
    assert 1 <= len(found) <= 7


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1e-5, 1e-2, [1e-5, 1e-4, 1e-3, 1e-2]), (0.03, 0.7, [0.05, 0.1, 0.2, 0.5]), (0.011, 0.012, [0.011])],
)
def test_log_ticks_are_powers_of_ten_and_more_where_they_are_few(low, high, expected):
    assert log_ticks(low, high) == pytest.approx(expected)


def test_log_ticks_over_many_decades_are_few():
    assert 4 <= len(log_ticks(1e-20, 1e10)) <= 10


class TestTraining:
    def test_a_loss_over_decades_has_a_log_axis(self):
        (loss,) = training_figures(log_of(loss=[1.0, 0.1, 0.01]))
        assert "loss (log axis)" in loss.svg
        assert [y for _, y in points(loss.svg)] == pytest.approx([TOP, (TOP + HEIGHT - BOTTOM) / 2, HEIGHT - BOTTOM])

    @pytest.mark.parametrize("values", [[3.0, 2.0, 1.0], [10.0, 1.0, -0.1]])
    def test_others_do_not(self, values):
        (figure,) = training_figures(log_of(bits=values))
        assert "log axis" not in figure.svg

    def test_weights_and_values_that_are_always_zero_are_left_out(self):
        (kl,) = training_figures(log_of(kl=[9.0, 1.0, 0.5], kl_weight=[1e-6] * 3, kl_clean=[0.0] * 3, lr=[1.0] * 3))
        assert "kl_weight" not in kl.legend
        assert "kl_clean" not in kl.legend
        assert "log axis" in kl.svg

    def test_values_that_are_never_finite_are_reported(self):
        (loss,) = training_figures(log_of(loss=[float("nan")] * 3))
        assert (loss.svg, loss.note) == ("", "Cannot be measured.")
