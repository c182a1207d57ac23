"""Keys of other trainers in a configuration: the message names ours."""

import pytest

from patina.errors import ConfigError
from patina.settings_problems import has_place
from patina.specs.configuration import parse_config
from patina.specs.deflow_spec import DeFlowConfig
from patina.specs.foreign_keys import FOREIGN_KEYS, names_here
from patina.specs.restoration_spec import RestorationConfig

VALUES = {
    "task": "restoration",
    "name": "mine",
    "model": {"scale": 4},
    "data": {"gt": "gt", "lq": "lq"},
    "stages": [{"name": "first", "steps": 10}],
}


def message(values: object) -> str:
    with pytest.raises(ConfigError) as told:
        parse_config(values, "mine.yml")
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("key", FOREIGN_KEYS)
def test_every_place_is_one_of_ours_and_no_key_is(key):
    place = FOREIGN_KEYS[key].place.split(".")
    assert has_place(RestorationConfig, place)
    assert not has_place(RestorationConfig, [key])
    assert key in names_here(RestorationConfig)
    assert FOREIGN_KEYS[key].place in message({**VALUES, key: 1})


@pytest.mark.parametrize(
    ("place", "key", "told"),
    [
        ("data", "gt_size", "data.gt_size: unknown key, its name here is data.patch"),
        ("data", "lq_size", "data.lq_size: unknown key, its name here is data.patch (the side of a GT crop, "),
        ("model", "num_feat", "model.num_feat: unknown key, its name here is model.features"),
        ("data", "pach", "data.pach: unknown key, did you mean patch?"),
    ],
)
def test_a_key_inside_a_block(place, key, told):
    assert message({**VALUES, place: {**VALUES[place], key: 1}}).startswith(f"mine.yml: {told}")


def test_a_key_inside_a_list():
    stage = {**VALUES["stages"][0], "total_iter": 5, "losses": [{"type": "l1", "loss_weight": 1}]}
    found = message({**VALUES, "stages": [stage]})
    assert "stages.0.total_iter: unknown key, its name here is stages.steps" in found
    assert "stages.0.losses.0.loss_weight: unknown key, its name here is stages.losses.weight" in found


def test_tasks_of_one_stage_have_their_own_places():
    here = names_here(DeFlowConfig)
    assert here["total_iter"] == "training.steps"
    assert here["batch_size"] == "data.batch"
    assert "dataroot_gt" not in here


def test_a_whole_file_is_to_be_converted():
    values = {"name": "x", "model_type": "RealESRGANModel", "network_g": {}, "datasets": {}}
    assert message(values) == (
        "mine.yml: these are options of another trainer; `patina convert mine.yml` converts them"
    )
    assert "task is missing" in message({"name": "x", "train": {}})


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (["data", "patch"], True),
        (["data", "augment", "flip"], True),
        (["data", "flip"], False),
        (["steps"], False),
        (["stages", "losses", "discriminator", "architecture"], True),
        (["stages", "losses", "nothing"], False),
    ],
)
def test_places(place, expected):
    assert has_place(RestorationConfig, place) is expected
