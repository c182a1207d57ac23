"""Which precision a configuration means on which device."""

import pytest
import torch
import yaml

from patina.shipped import shipped_files
from patina.specs.optimisation import chosen_precision
from small_trainings import train, write_sets, write_training

CPU = torch.device("cpu")


@pytest.mark.parametrize("is_fast", [False, True])
def test_auto_is_bf16_where_it_is_fast(monkeypatch, is_fast):
    monkeypatch.setattr("patina.layers.precision.has_fast_bf16", lambda device: is_fast)
    assert chosen_precision("auto", CPU) == ("bf16-mixed" if is_fast else "32")
    assert chosen_precision("32", CPU) == "32"
    assert chosen_precision("bf16-mixed", CPU) == "bf16-mixed"


def precisions_in(value: object) -> list[object]:
    """Return the values of all keys called precision in a training's settings."""
    if isinstance(value, list):
        return [found for inner in value for found in precisions_in(inner)]
    if not isinstance(value, dict):
        return []
    own = [value["precision"]] if "precision" in value else []
    return own + [found for inner in value.values() for found in precisions_in(inner)]


def test_no_shipped_training_asks_for_bf16_where_it_would_crawl():
    for file in shipped_files("confs"):
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
        parts = [values.get(part) for part in ("training", "stages", "smoke")]
        assert "bf16-mixed" not in precisions_in(parts), file.name


@pytest.mark.slow
def test_a_training_says_how_it_computes_and_warns_where_that_is_slow(tmp_path, capsys):
    sets = write_sets(tmp_path)
    assert train(write_training(sets, "luminance", tmp_path / "runs")) == 0
    assert "tiny: 4 steps on cpu in float32" in capsys.readouterr().err
    config = write_training(sets, "luminance", tmp_path / "slow")
    values = yaml.safe_load(config.read_text())
    values["training"]["precision"] = "bf16-mixed"
    config.write_text(yaml.safe_dump(values))
    assert train(config) == 0
    told = capsys.readouterr().err
    assert "4 steps on cpu in bf16-mixed" in told
    assert "warning: tiny: this device has no bf16 instructions" in told
