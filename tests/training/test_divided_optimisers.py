"""Two processes end at the weights of one with other optimisers than Adam, too, and keep the same best model."""

from pathlib import Path

import pytest
import yaml
from test_divided_batches import RANKS, last_weights, require_alike, train_all, write_divided, write_start

from patina.models.generator_files import load_generator
from patina.training.launching import run_on_devices
from small_trainings import train, write_sets

pytestmark = pytest.mark.distributed

NAMES = ["adan", "muon", "adamw_schedulefree"]  # SOAP's eigenbases make rounding visible


def write_chosen(sets: Path, name: str, runs: Path) -> str:
    config = write_divided(sets, "luminance", runs)
    values = yaml.safe_load(config.read_text())
    values["training"] |= {"optimiser": name, "learning_rate": 1e-3, "keep": {"best": "psnr"}}
    config.write_text(yaml.safe_dump(values))
    return str(config)


@pytest.mark.slow
@pytest.mark.long
def test_two_processes_equal_one(tmp_path):
    sets = write_sets(tmp_path)
    assert train(write_start(sets, "luminance", tmp_path / "start")) == 0
    for name in NAMES:
        assert train(Path(write_chosen(sets, name, tmp_path / name))) == 0
    divided = [write_chosen(sets, name, tmp_path / f"{name}-divided") for name in NAMES]
    assert run_on_devices(train_all, divided, RANKS, "cpu")
    for name in NAMES:
        one, two = tmp_path / name, tmp_path / f"{name}-divided"
        require_alike(one, two, tmp_path / "start")
        best = [load_generator(runs / "tiny/models/best.safetensors").model.state_dict() for runs in (one, two)]
        way = (last_weights(one) - last_weights(tmp_path / "start")).norm()
        difference = sum(float((best[0][key] - value).square().sum()) for key, value in best[1].items()) ** 0.5
        assert difference < 0.01 * way
