"""LUD-DIF's data and training: its two phases, weak pairs of either kind, and noise that is really learned."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import default_collate

from patina.cli.main import run_command
from patina.data.impulses import without_impulses
from patina.errors import ConfigError, PatinaError
from patina.fitting.photo_noise import LEAST, noise_strength, noise_strengths
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.models.additive_diffusion import column
from patina.models.compact import CompactSettings
from patina.models.dncnn import DnCNNSettings
from patina.models.generator_files import save_generator
from patina.models.model_files import load_model_file
from patina.runs.run_log import read_log
from patina.specs.configuration import parse_config
from patina.specs.optimisation import make_fabric
from sets import write_config, write_pictures
from small_ludif import ludif_values


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folders")
    write_pictures(folder / "clean", 3)
    write_pictures(folder / "real", 3, seed=50, noise=10)
    return folder


@pytest.fixture(scope="module")
def restorer(tmp_path_factory):
    path = tmp_path_factory.mktemp("restorer") / "restorer.safetensors"
    save_generator(DnCNNSettings(features=8, layers=8).build(), path)
    return path


def make_task(folders, changes=(), **data):
    values = ludif_values(folders) | dict(changes)
    values["data"] = values["data"] | data
    return parse_config(values, "some.yml").make_task()


def ready_task(folders, changes=(), **data):
    task = make_task(folders, changes, **data)
    task.setup(make_fabric("32", "cpu"))
    return task


def train(folders, tmp_path, changes=(), **training) -> int:
    values = ludif_values(folders, **training) | {"runs": str(tmp_path / "runs")} | dict(changes)
    return run_command("train", ["-opt", str(write_config(tmp_path / "tiny.yml", values)), "-device", "cpu"])


def batch_of(task, step: int) -> dict:
    return default_collate([task.dataset[step, slot] for slot in range(task.batch_size)])


class TestPhases:
    @pytest.mark.slow
    def test_clean_images_first_and_then_real_ones_every_one_once_an_epoch(self, folders):
        dataset = make_task(folders, {"training": {"steps": 9, "clean_steps": 3}}, batch=2, patch=48).dataset
        for steps in (range(1, 4), range(4, 7)):
            seen = [int(dataset[step, slot]["index"]) for step in steps for slot in range(2)]
            assert sorted(seen[:3]) == sorted(seen[3:]) == [0, 1, 2]
        whole = read_picture(list_pictures(folders / "real")[int(dataset[4, 0]["index"])]).pixels
        patch = dataset[4, 0]["image"]
        assert float(patch.mean()) == pytest.approx(whole.mean() / 255, abs=0.1)

    def test_each_network_is_trained_in_its_steps_with_a_schedule_of_its_own(self, folders, tmp_path):
        options = {"cosine": {}, "warm_up": 2, "learning_rate": 1e-3}
        assert train(folders, tmp_path, steps=8, clean_steps=4, **options) == 0
        lines = [line for line in read_log(tmp_path / "runs" / "tiny") if line["part"] == "train"]
        assert ["loss_clean" in line for line in lines] == [True] * 4 + [False] * 4
        assert [line["lr"] for line in lines[:4]] == [line["lr"] for line in lines[4:]]

    def test_the_other_network_keeps_its_weights(self, folders):
        task = ready_task(folders)
        weights = {name: [*network.parameters()] for name, network in task.networks.items()}
        for step, trained, other in ((1, "clean", "real"), (3, "real", "clean")):
            before = {name: [value.clone() for value in values] for name, values in weights.items()}
            task.training_step(batch_of(task, step), step)
            assert not all(map(torch.equal, before[trained], weights[trained]))
            assert all(map(torch.equal, before[other], weights[other]))


class KnowsGrey(nn.Module):
    """Predicts the noise in x_s exactly where x is grey."""

    def forward(self, noisy, level):
        return noisy / column(level)


class TestPairs:
    def test_partners_are_what_the_model_of_clean_images_finds(self, folders):
        task = ready_task(folders)
        task._emas["clean"].network.forward = KnowsGrey().forward
        partners = task._partners(torch.rand(2, 3, 16, 16), torch.tensor([20.0, 40.0]))
        torch.testing.assert_close(partners, torch.full_like(partners, 0.5), atol=1e-5, rtol=0)

    def test_a_restorer_makes_the_partners_and_no_model_of_clean_images_is_trained(self, folders, restorer, tmp_path):
        changes = {"pairs": {"restorer": str(restorer)}}
        task = ready_task(folders, changes)
        assert list(task.networks) == ["real"]
        images = torch.rand(2, 3, 32, 32)
        partners = task._partners(images, torch.tensor([20.0, 40.0]))
        torch.testing.assert_close(partners, task.restorer(images).clamp(0, 1))
        salted = images.clone()
        salted[:, :, 9, 9] = 1.0
        task = ready_task(folders, {"pairs": {"restorer": str(restorer), "replace_impulses": True}})
        partners = task._partners(salted, torch.tensor([20.0, 40.0]))
        torch.testing.assert_close(partners, task.restorer(without_impulses(salted)).clamp(0, 1))
        assert train(folders, tmp_path, changes) == 0
        model = load_model_file(tmp_path / "runs/tiny/models/final.safetensors")
        assert model.configuration["has_clean"] is False
        assert not [name for name in model.weights if name.startswith("clean")]

    def test_a_restorer_that_enlarges_is_refused(self, folders, tmp_path):
        path = tmp_path / "x2.safetensors"
        save_generator(CompactSettings(scale=2, features=8, blocks=1).build(), path)
        with pytest.raises(PatinaError, match=r"x2\.safetensors: a network of scale 2, expected a restoration network"):
            make_task(folders, {"pairs": {"restorer": str(path)}})

    def test_impulses_become_their_neighbours_mean(self):
        image = torch.rand(1, 3, 12, 12) * 0.5 + 0.25
        salted = image.clone()
        salted[0, 0, 5, 5], salted[0, 1, 0, 0] = 1.0, 0.0
        found = without_impulses(salted)
        around = image[0, 0, 4:7, 4:7].sum() - image[0, 0, 5, 5]
        torch.testing.assert_close(found[0, 0, 5, 5], around / 8)
        corner = (image[0, 1, 0, 1] + image[0, 1, 1, 0] + image[0, 1, 1, 1]) / 3
        torch.testing.assert_close(found[0, 1, 0, 0], corner)
        found[0, 0, 5, 5], found[0, 1, 0, 0] = image[0, 0, 5, 5], image[0, 1, 0, 0]
        assert torch.equal(found, image)
        white = torch.ones(1, 3, 12, 12)
        assert torch.equal(without_impulses(white), white)


class TestStrengths:
    @pytest.mark.parametrize("std", [5.0, 25.0])
    @pytest.mark.parametrize("side", [40, 128])
    def test_the_std_of_white_noise_is_measured(self, std, side):
        rng = np.random.default_rng(0)
        noisy = 128 + rng.normal(0, std, (side, side, 3))
        assert noise_strength(np.uint8(noisy.clip(0, 255).round())) == pytest.approx(std, rel=0.05)

    def test_channels_of_other_strengths_count_equally(self):
        rng = np.random.default_rng(0)
        stds = np.array([20.0, 5.0, 10.0])
        noisy = 128 + rng.normal(0, 1, (256, 256, 3)) * stds
        expected = np.sqrt(np.square(stds).mean())
        assert noise_strength(np.uint8(noisy.clip(0, 255).round())) == pytest.approx(expected, rel=0.05)

    def test_even_images_have_the_least_and_unreadable_ones_the_median(self, tmp_path):
        write_pictures(tmp_path, 2, noise=20)
        write_picture(tmp_path / "even.png", np.full((80, 80, 3), 99, np.uint8))
        (tmp_path / "z.png").write_bytes(b"nothing")
        found = noise_strengths(sorted(tmp_path.glob("*.png")))
        assert found[2] == LEAST
        assert found[3] == np.median(found[:3])
        with pytest.raises(PatinaError, match="none of 1 real images can be read"):
            noise_strengths([tmp_path / "z.png"])

    def test_the_texture_of_clean_images_is_taken_off_the_variance(self, tmp_path):
        """Images that differ in their noise alone: texture of std 10 on all, noise of std 20 on the real ones."""
        rng = np.random.default_rng(0)
        for number in range(3):
            for name, std in (("clean", 10), ("real", np.hypot(10, 20)), ("weak", 10)):
                noisy = 128 + rng.normal(0, std, (128, 128, 3))
                write_picture(tmp_path / name / f"{number}.png", np.uint8(noisy.clip(0, 255).round()))
        clean, real, weak = (list_pictures(tmp_path / name) for name in ("clean", "real", "weak"))
        np.testing.assert_allclose(noise_strengths(real), np.hypot(10, 20), rtol=0.05)
        np.testing.assert_allclose(noise_strengths(real, clean), 20, rtol=0.05)
        np.testing.assert_allclose(noise_strengths(weak, clean), 5, rtol=0.05)  # never less than half

    def test_the_model_file_holds_their_distribution(self, folders, tmp_path):
        assert train(folders, tmp_path) == 0
        stored = load_model_file(tmp_path / "runs/tiny/models/final.safetensors").configuration["strengths"]
        measured = noise_strengths(list_pictures(folders / "real"), list_pictures(folders / "clean"))
        np.testing.assert_allclose(stored, sorted(measured), atol=1e-3)


class TestTraining:
    def test_a_run_leaves_previews_and_numbers(self, folders, tmp_path):
        assert train(folders, tmp_path) == 0
        assert (tmp_path / "runs/tiny/previews/0000004/translations.png").is_file()
        (line, *_) = [line for line in read_log(tmp_path / "runs" / "tiny") if line["part"] == "valid"]
        assert {"loss_clean", "loss_real", "added_std", "real_std"} <= line.keys()

    @pytest.mark.slow
    def test_noise_is_learned_from_unpaired_images(self, tmp_path):
        """Even images of any colour, and others with white noise of std 16."""
        rng = np.random.default_rng(0)
        for number in range(12):
            colour = rng.uniform(70, 180, 3) * np.ones((64, 64, 3))
            noisy = colour if number < 6 else colour + rng.normal(0, 16, colour.shape)
            write_picture(tmp_path / ("clean" if number < 6 else "real") / f"{number}.png", np.uint8(noisy.round()))
        options = {"learning_rate": 4e-3, "validate_every": 160, "save_every": 160, "log_every": 40, "ema": 0.94}
        changes = {"sampling": {"steps": 8}, "noise_level": {"start": 12}}
        assert train(tmp_path, tmp_path, changes, steps=160, clean_steps=60, **options) == 0
        line = [line for line in read_log(tmp_path / "runs" / "tiny") if line["part"] == "valid"][-1]
        assert line["real_std"] == pytest.approx(16, rel=0.05)
        assert line["added_std"] == pytest.approx(16, rel=0.2)


@pytest.mark.parametrize(
    ("block", "values", "expected"),
    [
        ("model", {"chanels": 8}, "model.chanels: unknown key, did you mean channels?"),
        ("model", {"attention": [3]}, "attention is at level 3, expected levels 0 to 2"),
        ("noise_level", {"real": 0}, "noise_level.real: expected a value greater than 0"),
        ("pairs", {"restorer": "x.pth", "steps": 3}, "restorer and steps exclude each other"),
        ("sampling", {"eta": 2}, "sampling.eta: expected a value less than or equal to 1"),
        ("validation", {"crop": 33}, "validation.crop is 33, expected a multiple of 2"),
        ("training", {"steps": 5, "clean_steps": 5}, "clean_steps is 5, expected fewer than steps, 5"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(tmp_path, block, values, expected):
    with pytest.raises(ConfigError) as caught:
        parse_config(ludif_values(tmp_path) | {block: values}, "some.yml")
    assert expected in str(caught.value)


def test_clean_steps_beside_a_restorer_are_refused(tmp_path):
    values = ludif_values(tmp_path, clean_steps=2) | {"pairs": {"restorer": "x.pth"}}
    with pytest.raises(ConfigError, match=r"training\.clean_steps and pairs\.restorer exclude each other"):
        parse_config(values, "some.yml")
