"""Configurations are strict, and every error names file, key and what was expected."""

from pathlib import Path

import pytest
import yaml

from patina.errors import ConfigError
from patina.specs.configuration import dump_config, find_config, load_config, parse_config
from patina.specs.deflow_spec import DeFlowConfig
from sets import ludvae_values

CONFS = Path(__file__).parents[2] / "confs"

DEFLOW = {
    "task": "deflow",
    "name": "small",
    "model": {"scale": 4, "blocks": 1, "stacked_blocks": [0]},
    "data": {"clean": "sets/clean", "real": {"folder": "sets/real", "image_scale": 2}, "patch": 32, "batch": 2},
    "validation": {"crop": 32},
    "training": {"steps": 10},
}


def changed(**changes) -> dict:
    """Return DEFLOW with dotted keys (``training__steps``) replaced."""
    values = yaml.safe_load(yaml.safe_dump(DEFLOW))
    for key, value in changes.items():
        *blocks, last = key.split("__")
        place = values
        for block in blocks:
            place = place[block]
        place[last] = value
    return values


@pytest.mark.parametrize("path", sorted(CONFS.glob("*.yml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_loads_and_dumps_to_itself(path):
    config = load_config(path)
    assert parse_config(yaml.safe_load(dump_config(config)), path) == config


@pytest.mark.parametrize("scale", [1, 2])
def test_small_networks_on_fitted_pairs_are_trained_alike(scale):
    for smoke in (False, True):
        largest = load_config(CONFS / "compact-fitted.yml", smoke=smoke)
        config = load_config(CONFS / f"compact-fitted-x{scale}.yml", smoke=smoke)
        assert config.model == largest.model.model_copy(update={"scale": scale})
        assert config.stages == largest.stages
        own = {"lq", "gt", "patch"}
        assert config.data.model_dump(exclude=own) == largest.data.model_dump(exclude=own)
    text = (CONFS / f"compact-fitted-x{scale}.yml").read_text(encoding="utf-8")
    full, commands = yaml.safe_load(text), text.split("\ntask:")[0]
    assert f"-scale {scale} -out" in commands
    assert f"CLEAN {full['data']['lq']} -gt {full['data']['gt']}" in commands
    assert f"train -opt {full['name']}\n" in commands


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"training__stepz": 5}, "training.stepz: unknown key, did you mean steps?"),
        (
            {"training__stepz": 5, "data__pach": 8},
            "data.pach: unknown key, did you mean patch?; training.stepz: unknown key, did you mean steps?",
        ),
        (
            {"training__steps": 0, "training__log_every": 0},
            "training.steps: expected a value greater than 0, found 0; training.log_every: expected a value",
        ),
        (
            {"training__stepz": 5, "data__batch": 0},
            "training.stepz: unknown key, did you mean steps?; data.batch: expected a value greater than 0, found 0",
        ),
        ({"model__hiden": 5}, "model.hiden: unknown key, did you mean hidden?"),
        ({"data__clean": {"foldr": "x"}}, "data.clean.foldr: unknown key, did you mean folder?"),
        ({"training__steps": "many"}, "training.steps: expected a valid integer"),
        ({"training__steps": 0}, "training.steps: expected a value greater than 0, found 0"),
        ({"training__steps": True, "data__batch": False}, "data: batch: expected a number, found false"),
        ({"seed": True}, "seed: expected a number, found true"),
        ({"training__precision": "16"}, "training.precision"),
        ({"data__patch": 36}, "data.patch is 36, expected a multiple of 8"),
        ({"data__batch": 3}, "batch is 3, expected an even number"),
        ({"model__scale": 3}, "scale must be 2, 4, 8 or 16, not 3"),
        ({"model__stacked_blocks": [4]}, "stacked_blocks names block 4"),
        ({"training__init_from": "a.pth", "training__encoder_from": "b.pth"}, "init_from and encoder_from"),
        (
            {"task": "deflo"},
            "task is 'deflo', expected one of deflow, ludvae, ludif, restoration, luminance, sr3, test, evaluate",
        ),
        ({"name": "a/b"}, "name: expected only letters, digits, '.', '_' and '-', found 'a/b'"),
    ],
)
def test_a_mistake_is_named(changes, expected):
    with pytest.raises(ConfigError) as caught:
        parse_config(changed(**changes), "some.yml")
    message = str(caught.value)
    assert message.startswith("some.yml: ")
    assert expected in message
    assert "\n" not in message


def test_a_missing_key_is_named():
    values = changed()
    del values["training"]
    with pytest.raises(ConfigError, match="training: missing"):
        parse_config(values, "some.yml")


RESTORATION = {
    "task": "restoration",
    "name": "small",
    "model": {"scale": 2},
    "data": {"lq": "lq", "gt": "gt", "patch": 32, "batch": 2},
    "stages": [{"name": "psnr", "steps": 10}],
}


UNET = {"type": "gan", "discriminator": {"architecture": "unet"}}


def with_losses(losses, **stage) -> list[dict]:
    return [{"name": "a", "steps": 1, "losses": losses} | stage]


@pytest.mark.parametrize(
    ("block", "values", "expected"),
    [
        ("model", {"architecture": "compact", "growth": 32}, "model.growth: unknown key"),
        ("model", {"architecture": "swin"}, "model.architecture: unknown network 'swin', did you mean SwinIR?"),
        ("model", {"scale": 3}, "model.scale"),
        ("data", {"lq": "lq", "gt": "gt", "patch": 33}, "data.patch is 33, expected a multiple of the scale 2"),
        ("stages", [], "stages"),
        ("stages", with_losses({"pixel": 1}), "stages.0.losses: expected a list of losses, with items like"),
        ("stages", with_losses([]), "stages.0.losses"),
        ("stages", with_losses([{"type": "perceptal"}]), "loss 0 has type perceptal, did you mean perceptual?"),
        ("stages", with_losses(["l1", {"weight": 1}]), "loss 1 has type None, expected one of l1, huber"),
        ("stages", with_losses(["l1"], patch="big"), "stages.0.patch.1: expected a valid integer"),
        ("data", {"lq": "lq", "gt": "gt", "patch": {}}, "data.patch: expected at least 1 item"),
        ("stages", with_losses([{"type": "huber", "detla": 1}]), "losses.0.detla: unknown key, did you mean delta?"),
        ("stages", with_losses([{"type": "l1", "eps": 1}]), "losses.0.eps: unknown key, expected one of type, weight"),
        ("stages", with_losses([{"type": "l1"}, {"type": "l1"}]), "expected a unique `name`"),
        ("stages", with_losses([{"type": "gan"}, {"type": "gan", "name": "b"}]), "more than one gan"),
        ("stages", with_losses([{"type": "ldl"}]), "expected a decay in `ema`"),
        ("stages", with_losses([{"type": "ms_ssim"}]), "data.patch is 32, expected 176 or more for ms_ssim"),
        (
            "stages", with_losses([{"type": "ms_ssim", "scales": 3}], patch={1: 64, 9: 42}),
            "patch of stage a is 42, expected 44 or more for ms_ssim with 3 scales",
        ),
        ("stages", with_losses([{"type": "ldl", "window": 8}], ema=0.9), "window is 8, expected an odd number"),
        (
            "stages", with_losses([{"type": "ldl", "window": 31}], ema=0.9, patch={1: 32, 9: 14}),
            "patch of stage a is 14, expected 16 or more for ldl with a window of 31",
        ),
        (
            "stages", with_losses([{"type": "colour", "window": 33}]),
            "data.patch is 32, expected 33 or more for colour with a window of 33",
        ),
        (
            "stages", with_losses([{"type": "luma", "window": 40}], patch={1: 40, 5: 38}),
            "patch of stage a is 38, expected 40 or more for luma with a window of 40",
        ),
        (
            "stages", with_losses([{"type": "perceptual", "layers": {"relu1_1": 1, "conv5_4": 1}}], patch=8),
            "patch of stage a is 8, expected 16 or more for perceptual with the layer conv5_4",
        ),
        (
            "stages", with_losses([{"type": "perceptual", "layers": {"pool5": 1}}], patch=16),
            "patch of stage a is 16, expected 32 or more for perceptual with the layer pool5",
        ),
        ("stages", with_losses([UNET], patch=36), "patch of stage a is 36, expected a multiple of 8"),
        ("stages", with_losses([{"type": "gan"}], patch={1: 32, 5: 64}), "expected architecture unet"),
        ("stages", with_losses([{"type": "l1"}], patch={2: 32}), "starts at step 2, expected a size for step 1"),
        ("stages", with_losses([{"type": "l1", "sharpened": True}], patch=24), "expected more than 25"),
        ("model", {"architecture": "realplksr", "kernel": 16}, "kernel is 16, expected an odd number"),
        ("model", {"architecture": "realplksr", "kernle": 17}, "model.kernle: unknown key, did you mean kernel?"),
        ("data", {"lq": "lq", "gt": "gt", "augment": {"mixup": 0.6, "cutmix": 0.5}}, "up to 1.1, expected at most 1"),
        ("stages", [{"name": "a", "steps": 1}, {"name": "a", "steps": 1}], "expected unique names"),
    ],
)  # fmt: skip
def test_a_mistake_in_restoration_is_named(block, values, expected):
    with pytest.raises(ConfigError) as caught:
        parse_config(RESTORATION | {block: values}, "some.yml")
    assert expected in str(caught.value)


def test_precision_may_be_written_as_a_number():
    assert parse_config(changed(training__precision=32), "some.yml").training.precision == "32"
    test = {
        "task": "test",
        "name": "a",
        "model": "bicubic",
        "sets": [{"name": "a", "lq": "a"}],
        "out": "out",
        "scale": 3,
    }
    assert parse_config(test | {"precision": 32}, "some.yml").precision == "32"


def test_a_plain_path_is_a_domains_folder():
    config = parse_config(changed(), "some.yml")
    assert isinstance(config, DeFlowConfig)
    assert (config.data.clean.folder, config.data.clean.image_scale) == (Path("sets/clean"), 1)
    assert (config.data.real.folder, config.data.real.image_scale) == (Path("sets/real"), 2)


def test_paths_start_at_the_folder_that_holds_confs(tmp_path):
    for folder in (tmp_path / "confs", tmp_path / "elsewhere"):
        folder.mkdir()
        (folder / "a.yml").write_text(yaml.safe_dump(DEFLOW))
    assert load_config(tmp_path / "confs" / "a.yml").data.clean.folder == tmp_path / "sets/clean"
    assert load_config(tmp_path / "elsewhere" / "a.yml").data.clean.folder == tmp_path / "elsewhere" / "sets/clean"


@pytest.mark.parametrize("given", ["./confs/DeFlow-Our-RWSR.yml", "DeFlow-Our-RWSR.yml", "DeFlow-Our-RWSR"])
@pytest.mark.parametrize("folder", [".", "code"])
def test_names_are_looked_up_in_confs(given, folder, monkeypatch):
    monkeypatch.chdir(CONFS.parent / folder)
    assert find_config(given) == CONFS / "DeFlow-Our-RWSR.yml"


def test_a_missing_or_broken_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yml: no such configuration"):
        load_config("nowhere.yml")
    broken = tmp_path / "broken.yml"
    broken.write_text("a: [1, 2")
    with pytest.raises(ConfigError, match=r"broken\.yml: not valid YAML") as caught:
        load_config(broken)
    assert "\n" not in str(caught.value)
    broken.write_text("just text")
    with pytest.raises(ConfigError, match="expected keys and values, found str"):
        load_config(broken)


@pytest.mark.parametrize(("given", "found"), [({"noise_level": 3}, ", found 3"), ({"noise_level": [3]}, ", found [3]")])
def test_a_block_that_is_none_is_told_its_keys(given, found, tmp_path):
    with pytest.raises(ConfigError) as caught:
        parse_config(ludvae_values(tmp_path) | given, "some.yml")
    assert str(caught.value) == f"some.yml: noise_level: expected the keys clean, real{found}"


def test_a_network_that_is_no_block_is_told_its_keys():
    with pytest.raises(ConfigError, match=r"model: expected the keys scale, \w+, .*, …, found 3"):
        parse_config(DEFLOW | {"model": 3}, "some.yml")


def test_a_missing_block_is_told_its_first_keys(tmp_path):
    values = ludvae_values(tmp_path)
    del values["data"], values["noise_level"]
    with pytest.raises(ConfigError) as caught:
        parse_config(values, "some.yml")
    assert "noise_level: missing, expected the keys clean, real; data: missing" in str(caught.value)
    assert "data: missing, expected the keys clean, real, workers, cache_mb, patch, batch, …" in str(caught.value)


SMOKE = RESTORATION | {"smoke": {"model": {"blocks": 1}, "stages": {"steps": 3}, "seed": 5}}


def test_a_smoke_section_is_merged_into_the_rest():
    small = parse_config(SMOKE, "some.yml", smoke=True)
    assert (small.name, small.seed, small.model.scale, small.model.blocks) == ("small-smoke", 5, 2, 1)
    assert [(stage.name, stage.steps) for stage in small.stages] == [("psnr", 3)]
    assert parse_config(SMOKE, "some.yml") == parse_config(RESTORATION, "some.yml")


def test_a_mistake_in_a_smoke_section_is_named_even_where_it_is_not_used():
    with pytest.raises(ConfigError, match=r"some\.yml, smoke: model\.blokcs: unknown key, did you mean blocks"):
        parse_config(RESTORATION | {"smoke": {"model": {"blokcs": 1}}}, "some.yml")
    with pytest.raises(ConfigError, match="--smoke needs a section smoke"):
        parse_config(RESTORATION, "some.yml", smoke=True)
