"""Pairs made while training: aligned, the same for any number of workers, mixed with folders by weight."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from patina.data.batches import StepBatches
from patina.data.pairs import PairedPatches
from patina.data.pairs_on_the_fly import OnTheFlyPatches, Unfinished
from patina.errors import ConfigError, PatinaError
from patina.imaging.picture_files import read_picture, write_picture
from patina.runs.run_folder import RunFolder
from patina.specs.configuration import parse_config
from patina.specs.optimisation import make_fabric
from patina.specs.restoration_spec import restoration_task
from patina.training.loop import train
from patina.training.loop_plan import LoopPlan
from sets import learned_recipe, write_config, write_deflow_model, write_pictures

SHRINK = {"scale": 2, "steps": [{"resize": {"filter": "box", "of": "target"}}]}
HARSH = {
    "scale": 2,
    "steps": [
        {"lens_blur": {"radius": [0.5, 2]}},
        {"resize": {"filter": ["box", "linear"], "of": "target"}},
        {"gaussian_noise": {"sigma": [2, 20]}},
        {"jpeg": {"quality": [40, 90]}},
    ],
}


@pytest.fixture
def truths(tmp_path):
    return write_pictures(tmp_path / "gt", 4, height=70, width=91)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_deflow_model(tmp_path_factory.mktemp("model"))


def config(truths, lq, **data):
    values = {
        "task": "restoration",
        "name": "tiny",
        "runs": str(truths.parent / "runs"),
        "model": {"architecture": "compact", "scale": 2, "features": 4, "blocks": 1},
        "data": {"lq": lq, "gt": str(truths), "patch": 32, "batch": 4, "workers": 0, **data},
        "stages": [{"name": "psnr", "steps": 3, "log_every": 1, "save_every": 3, "validate_every": 3}],
    }
    return parse_config(values, "some.yml")


def task_of(truths, lq, **data):
    made = config(truths, lq, **data)
    return restoration_task(made, made.stages[0], None, "cpu")


def shrunk(patches):
    return torch.nn.functional.avg_pool2d(patches, 2)


def test_a_recipe_makes_aligned_pairs(truths, tmp_path):
    dataset = task_of(truths, str(write_config(tmp_path / "r.yml", SHRINK))).dataset
    for step in range(1, 15):
        sample = dataset[step, 1]
        assert sample["lq"].shape == (3, 16, 16)
        assert sample["gt"].shape == (3, 32, 32)
        np.testing.assert_allclose(sample["lq"], shrunk(sample["gt"][None])[0], atol=0.51 / 255)


def test_patches_as_large_as_the_picture_are_taken_too(tmp_path):
    truths = write_pictures(tmp_path / "gt", 1, height=33, width=35)
    dataset = task_of(truths, str(write_config(tmp_path / "r.yml", SHRINK))).dataset
    np.testing.assert_allclose(dataset[1, 0]["lq"], shrunk(dataset[1, 0]["gt"][None])[0], atol=0.51 / 255)


def test_every_patch_draws_anew_and_workers_change_nothing(truths, tmp_path):
    recipe = str(write_config(tmp_path / "r.yml", HARSH))
    dataset = task_of(truths, recipe).dataset
    alone = list(DataLoader(dataset, batch_sampler=StepBatches(range(4), 1, 4), collate_fn=dataset.collate))
    again = task_of(truths, recipe).dataset
    several = list(
        DataLoader(again, batch_sampler=StepBatches(range(4), 1, 4), collate_fn=again.collate, num_workers=2)
    )
    for one, other in zip(alone, several, strict=True):
        assert torch.equal(one["lq"], other["lq"])
        assert torch.equal(one["gt"], other["gt"])
    noise = [(batch["lq"] - shrunk(batch["gt"])).std(dim=(1, 2, 3)) for batch in alone]
    assert len(set(torch.cat(noise).tolist())) == 16


def test_folders_and_recipes_are_drawn_by_weight(truths, tmp_path):
    for name, value in (("dark", 0), ("light", 255)):
        for path in truths.iterdir():
            height, width = read_picture(path).pixels.shape[:2]
            write_picture(tmp_path / name / path.name, np.full((height // 2, width // 2, 3), value, np.uint8))
            write_picture(path, read_picture(path).pixels[: height // 2 * 2, : width // 2 * 2])
    sources = [
        {"path": str(tmp_path / "dark"), "weight": 2},
        str(tmp_path / "light"),
        {"path": str(write_config(tmp_path / "r.yml", SHRINK)), "weight": 1},
    ]
    dataset = task_of(truths, sources).dataset
    assert isinstance(dataset, OnTheFlyPatches)
    means = [float(dataset[step, slot]["lq"].mean()) for step in range(1, 101) for slot in range(4)]
    shares = [sum(mean == 0 for mean in means), sum(mean == 1 for mean in means)]
    np.testing.assert_allclose(np.array(shares) / 400, [0.5, 0.25], atol=0.08)


def test_one_folder_is_read_as_before(truths, tmp_path):
    for path in truths.iterdir():
        pixels = read_picture(path).pixels[:70, :90]
        write_picture(path, pixels)
        write_picture(tmp_path / "lq" / path.name, pixels[::2, ::2])
    assert isinstance(task_of(truths, str(tmp_path / "lq")).dataset, PairedPatches)


@pytest.mark.slow
def test_learned_steps_are_finished_on_the_training_device(truths, model, tmp_path):
    task = task_of(truths, [learned_recipe(tmp_path / "learned.yml", model)])
    batch = task.collate([task.dataset[1, slot] for slot in range(4)])
    assert all(isinstance(item, Unfinished) for item in batch["lq"])
    task.setup(make_fabric("32", "cpu"))
    inputs = task._mixed(batch)["lq"]
    assert inputs.shape == (4, 3, 16, 16)
    assert torch.equal(inputs, task._mixed(batch)["lq"])
    correlation = np.corrcoef(inputs.flatten(), shrunk(batch["gt"]).flatten())[0, 1]
    assert correlation > 0.7  # the model is random and the JPEG coarse
    plan = LoopPlan(3, 1, 3, 3, 1, 1, workers=2, seed=0)
    fresh = task_of(truths, [learned_recipe(tmp_path / "learned.yml", model), _classical(tmp_path)])
    assert train(fresh, plan, RunFolder(tmp_path / "run", "tiny"), make_fabric("32", "cpu"))


def _classical(folder):
    return str(write_config(folder / "classical.yml", HARSH))


def test_bad_sources_are_refused_before_training(truths, tmp_path):
    with pytest.raises(ConfigError, match="has scale 4, expected 2"):
        task_of(truths, "confs/recipes/real-esrgan.yml")
    with pytest.raises(ConfigError, match="no such recipe"):
        task_of(truths, str(tmp_path / "nothing.yml"))
    missing = {"scale": 2, "steps": [*SHRINK["steps"], {"learned": {"model": "nothing.safetensors"}}]}
    with pytest.raises(PatinaError, match=r"nothing\.safetensors: no such model file"):
        task_of(truths, str(write_config(tmp_path / "m.yml", missing)))
    with pytest.raises(ConfigError, match="weight"):
        config(truths, [{"path": "a", "weight": 0}])
    with pytest.raises(ConfigError, match="lq"):
        config(truths, [])
