"""Training states that anybody may have written: named in one line, and never run."""

import os

import pytest
import torch
from test_loop import Regression, run

from patina.errors import PatinaError

ODD = [None, [], {}, "text", -1, 1.5, [None], {"a": 1}, torch.zeros(2)]


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("place", [(), ("step",), ("skipped",), ("task",), ("task", "network"), ("task", "optimizer")])
def test_a_state_of_other_values_is_named(tmp_path, place, value):
    run(tmp_path, Regression(), steps=5)
    file = tmp_path / "training_state/5.state"
    state = torch.load(file)
    if not place:
        state = value
    elif len(place) == 1:
        state[place[0]] = value
    else:
        part = next(part for part in state["task"].values() if isinstance(part, dict) and place[1] in part)
        part[place[1]] = value
    torch.save(state, file)
    with pytest.raises(
        PatinaError, match=r"cannot be read as a training state|does not fit this configuration"
    ) as caught:
        run(tmp_path, Regression(), steps=6)
    assert len(str(caught.value).splitlines()) == 1


def test_files_beside_the_states_are_passed_over(tmp_path):
    run(tmp_path, Regression(), steps=5)
    (tmp_path / "training_state/9x.state").write_bytes(b"")
    (tmp_path / f"training_state/{'9' * 200}.state").write_bytes(b"")
    run(tmp_path, Regression(), steps=6)
    assert (tmp_path / "training_state/6.state").exists()


def test_a_state_runs_nothing(tmp_path, monkeypatch):
    run(tmp_path, Regression(), steps=5)
    monkeypatch.chdir(tmp_path)

    class Dangerous:
        def __reduce__(self):
            return os.mkdir, ("ran",)

    torch.save({"step": 5, "skipped": 0, "task": Dangerous()}, tmp_path / "training_state/5.state")
    with pytest.raises(PatinaError, match=r"5\.state: cannot be read"):
        run(tmp_path, Regression(), steps=6)
    assert not (tmp_path / "ran").exists()
