"""Training restoration networks with lists of losses, averaged weights, mixed batches and growing patches."""

import re
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from patina.cli.main import run_command
from patina.imaging.picture_files import read_picture
from patina.losses.gan import GAN_LOSSES
from patina.losses.perceptual import WEIGHTS
from patina.models.generator_files import load_generator
from patina.pipelines.multiscale_set import prepare
from patina.runs.run_log import read_log
from patina.specs import losses_spec
from patina.specs.configuration import parse_config
from patina.specs.losses_spec import LOSS_TYPES
from patina.specs.optimisation import make_fabric
from patina.specs.restoration_spec import restoration_task
from patina.training.diagnosis import first_not_finite
from patina.training.restoration_task import RestorationTask
from patina.training.updates import NotFinite
from sets import write_config, write_pictures

PROJECT = Path(__file__).parents[2]
UNET = {"architecture": "unet", "features": 4}
L1 = {"type": "l1"}
FREE = [{"type": name} for name in LOSS_TYPES if name not in ("ms_ssim", "perceptual", "dists", "gan")]
"""The losses that need neither published weights nor settings."""

EVERY = [*FREE, {"type": "ms_ssim", "scales": 2}, {"type": "gan", "game": "vanilla", "discriminator": UNET}]


WITH_WEIGHTS = [{"type": "perceptual", "layers": {"conv1_1": 1.0, "conv1_2": 0.5}}, {"type": "dists"}]
"""The losses that need published weights; in the tests they have random ones."""

ALL = [*EVERY, *WITH_WEIGHTS]


@pytest.fixture
def published_weights(hub, vgg16):
    """Random weights in place of VGG16's, and of VGG19's layers that the tests use."""
    torch.manual_seed(0)
    layers = {0: nn.Conv2d(3, 64, 3), 2: nn.Conv2d(64, 64, 3)}
    weights = {
        f"features.{i}.{name}": value for i, layer in layers.items() for name, value in layer.state_dict().items()
    }
    torch.save(weights, hub / WEIGHTS)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    prepare(write_pictures(folder / "pictures", 2, height=64, width=80), folder, [1, 2], workers=1)
    return folder


def values(pairs, tmp_path, **stage) -> dict:
    return {
        "task": "restoration",
        "name": "tiny",
        "runs": str(tmp_path / "runs"),
        "model": {"architecture": "compact", "scale": 2, "features": 8, "blocks": 1},
        "data": {"lq": str(pairs / "2x"), "gt": str(pairs / "1x"), "patch": 32, "batch": 2, "workers": 0},
        "validation": {"lq": str(pairs / "2x"), "gt": str(pairs / "1x"), "pictures": 2},
        "stages": [{"name": "only", "steps": 4, "log_every": 1, "validate_every": 2, "save_every": 2} | stage],
    }


def train(tmp_path, config: dict) -> Path:
    """Train as a user does; return the run's folder."""
    path = write_config(tmp_path / "tiny.yml", config)
    assert run_command("train", ["-opt", str(path), "-device", "cpu"]) == 0
    return tmp_path / "runs" / config["name"] / "only"


def log(run: Path, part: str) -> list[dict]:
    return [line for line in read_log(run) if line["part"] == part]


@pytest.mark.slow
@pytest.mark.usefixtures("published_weights")
def test_every_loss_is_logged_by_name_with_its_weight(pairs, tmp_path):
    assert {loss["type"] for loss in ALL} == set(LOSS_TYPES)
    losses = [
        *ALL,
        {"type": "l1", "name": "twice", "weight": 2.0},
        {"type": "l1", "name": "sharp", "sharpened": True},
    ]
    run = train(tmp_path, values(pairs, tmp_path, losses=losses, ema=0.9, steps=1, validate_every=1))
    line = log(run, "train")[0]
    for loss in losses:
        assert line[loss.get("name", loss["type"])] >= 0
    assert line["twice"] == pytest.approx(2 * line["l1"])
    assert line["sharp"] > line["l1"]


def test_the_smallest_patches_that_are_taken_train(pairs, tmp_path):
    windows = {"ldl": 31, "colour": 16, "luma": 16}
    losses = [{"type": name, "window": window} for name, window in windows.items()]
    losses.append({"type": "ms_ssim", "scales": 2})
    run = train(tmp_path, values(pairs, tmp_path, losses=losses, ema=0.9, patch=16, steps=1))
    assert log(run, "train")[0].keys() >= {"ms_ssim", *windows}


@pytest.mark.slow
@pytest.mark.usefixtures("published_weights")
@pytest.mark.parametrize("name", [loss["type"] for loss in ALL])
def test_a_loss_that_is_not_finite_is_named(pairs, tmp_path, monkeypatch, name):
    def broken(*arguments):
        return arguments[-1].mean() * torch.nan

    if name == "gan":
        monkeypatch.setitem(losses_spec.GAN_LOSSES, "vanilla", type(GAN_LOSSES["vanilla"])(broken, broken))
    else:
        monkeypatch.setattr(LOSS_TYPES[name], "build", lambda _settings: broken)
    run = train(tmp_path, values(pairs, tmp_path, losses=ALL, ema=0.9, steps=1, validate_every=1))
    assert log(run, "event")[0]["message"].startswith(f"step 1: {name} loss is not finite")


@pytest.mark.usefixtures("published_weights")
def test_every_loss_of_a_result_that_is_not_finite_is_named(pairs, tmp_path):
    task = task_of(values(pairs, tmp_path, losses=ALL, ema=0.9))
    next(iter(task.generator.parameters())).data.fill_(torch.nan)
    with pytest.raises(NotFinite) as caught:
        task.training_step(batch_of(task), 1)
    assert set(caught.value.sources) == {f"{loss['type']} loss" for loss in ALL}
    assert str(caught.value).startswith("l1 loss, huber loss, ")
    assert str(caught.value).endswith("are not finite")


NOT_FINITE = {
    "result": (None, "l1 loss, gan loss are not finite"),
    "discriminator's loss": (lambda real, fake: fake.mean() * torch.inf, "loss of discriminator is not finite"),
    "discriminator's gradient": (lambda real, fake: (fake * 0).sqrt().sum(), "gradient of discriminator"),
}


@pytest.mark.parametrize("architecture", ["unet", "vgg"])
@pytest.mark.parametrize("broken", NOT_FINITE)
def test_a_skipped_step_changes_nothing(pairs, tmp_path, monkeypatch, architecture, broken):
    discriminator = {"architecture": architecture, "features": 4}
    gan = {"type": "gan", "game": "vanilla", "discriminator": discriminator}
    task = task_of(values(pairs, tmp_path, losses=[L1, gan], ema=0.9, clip_gradient=1.0))
    batch = batch_of(task)
    task.training_step(batch, 1)
    before = deepcopy(task.state())
    assert before.keys() == {"generator", "discriminator", "ema"}

    loss, expected = NOT_FINITE[broken]
    game = GAN_LOSSES["vanilla"]
    if loss:
        task.adversary = replace(task.adversary, game=type(game)(game.generator, loss))
    bad = batch if loss else batch | {"lq": batch["lq"] * torch.nan}
    with pytest.raises(NotFinite, match=expected):
        task.training_step(bad, 2)
    first_not_finite(task.networks, lambda: task.probe(bad))
    torch.testing.assert_close(task.state(), before, rtol=0, atol=0)

    task.adversary = replace(task.adversary, game=game)
    task.training_step(batch, 3)
    assert not torch.equal(flat(task.state()["generator"]["network"]), flat(before["generator"]["network"]))


def flat(weights: dict) -> torch.Tensor:
    return torch.cat([value.flatten() for value in weights.values()])


@pytest.mark.parametrize("game", ["vanilla", "lsgan", "hinge", "ragan"])
def test_every_game_moves_both_sides(pairs, tmp_path, game):
    task = task_of(values(pairs, tmp_path, losses=[{"type": "gan", "game": game, "discriminator": UNET}]))
    before = {name: next(iter(network.parameters())).clone() for name, network in task.networks.items()}
    logged = task.training_step(batch_of(task), 1)
    assert logged.keys() >= {"gan", "discriminator", "logit_real", "logit_fake"}
    for name, network in task.networks.items():
        assert not torch.equal(before[name], next(iter(network.parameters())))
        assert all(parameter.requires_grad for parameter in network.parameters())


def task_of(config: dict) -> RestorationTask:
    """Make the task of the only stage, ready to train."""
    config = parse_config(config, "some.yml")
    task = restoration_task(config, config.stages[0], None, "cpu")
    task.setup(make_fabric("32", "cpu"))
    return task


def batch_of(task) -> dict:
    samples = [task.dataset[1, slot] for slot in range(task.batch_size)]
    return {key: torch.stack([sample[key] for sample in samples]) for key in ("lq", "gt")}


def test_averaged_weights_are_validated_and_saved(pairs, tmp_path):
    task = task_of(values(pairs, tmp_path, ema=0.9, learning_rate=1e-2))
    for step in range(1, 6):
        task.training_step(batch_of(task), step)
    task.save_model(tmp_path / "model", 5)
    saved = load_generator(tmp_path / "model.safetensors").model.state_dict()
    averaged, trained = task.ema.network.state_dict(), task.generator.state_dict()
    assert all(torch.equal(saved[name], averaged[name]) for name in saved)
    assert not all(torch.equal(saved[name], trained[name]) for name in saved)
    measured = task.validate().scalars["psnr"]
    task.generator.load_state_dict({name: torch.zeros_like(value) for name, value in trained.items()})
    assert task.validate().scalars["psnr"] == measured


@pytest.mark.slow
def test_an_interrupted_run_equals_an_uninterrupted_one(pairs, tmp_path):
    finals = []
    for name in ("whole", "cut"):
        config = values(
            pairs, tmp_path, losses=EVERY, ema=0.9, steps=6, patch={1: 32, 4: 48}, optimiser="adamw", warm_up=3,
            cosine={"periods": [4, 2]},
        ) | {"name": name}  # fmt: skip
        config["data"]["augment"] = {"mixup": 0.25, "cutmix": 0.25, "resizemix": 0.25, "cutblur": 0.25}
        run = train(tmp_path, config)
        if name == "cut":
            (run / "training_state/6.state").unlink()
            (run / "models/final.safetensors").unlink()
            train(tmp_path, config)
            assert log(run, "event")[0]["message"] == "resumed"
        finals.append(load_generator(run / "models/final.safetensors").model.state_dict())
    assert all(torch.equal(finals[0][name], value) for name, value in finals[1].items())


def test_sheets_show_input_result_and_truth_with_their_scores(pairs, tmp_path):
    run = train(tmp_path, values(pairs, tmp_path, steps=2))
    sheet = read_picture(run / "previews/0000002/results.png").pixels
    assert sheet.shape[0] > 2 * 64
    assert sheet.shape[1] > 3 * 80 + 100  # the scores stand left of the pictures
    assert len(list((run / "tb/tiny-only/valid").iterdir())) == 1
    assert log(run, "valid")[0].keys() >= {"psnr", "ssim"}


def test_a_start_of_another_scale_is_refused_or_taken_in_part(pairs, tmp_path, capsys):
    run = train(tmp_path, values(pairs, tmp_path, steps=1))
    config = values(pairs, tmp_path, steps=1, init_from=str(run / "models/final.safetensors")) | {"name": "next"}
    config["model"]["features"] = 8
    config["model"]["blocks"] = 2
    path = write_config(tmp_path / "next.yml", config)
    assert run_command("train", ["-opt", str(path), "-device", "cpu"]) == 2
    told = capsys.readouterr().err
    assert "weights do not fit:\nbody.5.weight is not in the file\n" in told
    assert "`init_strict: false`" in told.splitlines()[-1]
    config["stages"][0]["init_strict"] = False
    write_config(path, config)
    assert run_command("train", ["-opt", str(path), "-device", "cpu"]) == 0
    assert "weights that do not fit:\nbody.5.weight is not in the file\n" in capsys.readouterr().err


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project folder with a copy of the configurations, whose small sizes take half their steps."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT / "confs", folder / "confs")
    for path in (folder / "confs").glob("Real*.yml"):
        whole, smoke = path.read_text().split("\nsmoke:")
        half = re.sub(r"\b(steps|validate_every|save_every): (6|10)\b", lambda m: f"{m[1]}: {int(m[2]) // 2}", smoke)
        path.write_text(f"{whole}\nsmoke:{half}")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (PROJECT / "confs").glob("Real*.yml")))
def test_smoke_sizes_train_to_the_end(project, name):
    path = project / "confs" / f"{name}.yml"
    assert run_command("train", ["-opt", str(path), "--smoke", "-device", "cpu"]) == 0
    assert (project / "datasets/smoke/1x/chelsea.png").is_file()
    for run in (project / "trained_models" / f"{name}-smoke").iterdir():
        assert load_generator(run / "models/final.safetensors").scale == 4
        assert log(run, "valid")[-1]["psnr"] > 5
