"""When a training tells how fast it is."""

from patina.training.pace import Pace


def lines(has_bar, heard=()):
    """Return what is told of 100 steps, two seconds each after a first one of 20."""
    told, clock = [], [0.0]
    pace = Pace("run", 100, 0, has_bar, told.append, lambda: clock[0])
    for step in range(1, 101):
        clock[0] += 20 if step == 1 else 2
        pace.after(step)
        if step in heard:
            pace.heard()
    return told


def test_the_expected_time_leaves_the_first_step_out_and_is_told_once():
    assert lines(has_bar=True) == ["run: about 3 min at 0.5 steps per second"]


def test_without_a_bar_a_line_comes_every_30_seconds_unless_others_come():
    first, second, *others = lines(has_bar=False)
    assert first == "run: about 3 min at 0.5 steps per second"
    assert second == "run, step 21 of 100, 3 min left: 0.5 steps per second"
    assert len(others) == 5
    assert lines(has_bar=False, heard=range(10, 100, 10)) == [first]
