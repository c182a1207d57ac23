"""LUD-VAE's data and training, end to end on small folders."""

import json

import numpy as np
import pytest
import torch
import yaml
from torch.utils.data import default_collate

from patina.cli.main import main, run_command
from patina.data.domains import open_images
from patina.errors import ConfigError, PatinaError
from patina.imaging.picture_files import list_pictures, read_picture
from patina.imaging.value_spaces import to_tensor
from patina.models.labels import REAL
from patina.models.ludvae import LUDVAE, LUDVAEArchitecture
from patina.models.model_files import load_model_file
from patina.pipelines.multiscale_set import prepare
from patina.runs.run_log import read_log
from patina.specs.configuration import load_config, parse_config
from patina.specs.optimisation import make_fabric
from patina.training.diagnosis import first_not_finite
from patina.training.ludvae_task import LUDVAEObjective
from patina.training.updates import NotFinite
from sets import ludvae_values, write_config, write_pictures


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folders")
    write_pictures(folder / "clean", 3)
    write_pictures(folder / "real", 3, seed=50, noise=10)
    return folder


def make_task(folders, **data):
    values = ludvae_values(folders)
    values["data"] |= data
    return parse_config(values, "some.yml").make_task()


def train(folders, tmp_path, name="tiny", **training) -> int:
    values = ludvae_values(folders, **training) | {"runs": str(tmp_path / "runs"), "name": name}
    return run_command("train", ["-opt", str(write_config(tmp_path / f"{name}.yml", values)), "-device", "cpu"])


def final_model(tmp_path, name="tiny"):
    return load_model_file(tmp_path / "runs" / name / "models" / "final.safetensors")


def logged(tmp_path, part="train", name="tiny") -> list[dict]:
    return [line for line in read_log(tmp_path / "runs" / name) if line["part"] == part]


class TestSamples:
    def test_half_of_a_batch_is_real_and_every_picture_is_seen_once_an_epoch(self, folders):
        dataset = make_task(folders).dataset
        assert [float(dataset[1, slot]["label"]) for slot in range(4)] == [0, 1, 0, 1]
        for order in dataset.orders:
            assert sorted(order(position) for position in range(3)) == [0, 1, 2]

    @pytest.mark.parametrize(("augment", "orientations"), [(True, 8), (False, 1)])
    def test_patches_are_cut_from_the_pictures_in_8_orientations(self, folders, augment, orientations):
        dataset = make_task(folders, augment=augment, patch=48).dataset
        whole = to_tensor(read_picture(dataset.domains[REAL].images[0]).pixels)
        crops = [whole[:, :, left : left + 48] for left in range(17)]
        seen = set()
        for step in range(1, 151):
            patch = dataset[step, 1]["image"]
            turned = [patch.transpose(1, 2) if swap else patch for swap in (0, 1)]
            candidates = [item.flip(axes) for item in turned for axes in ([], [1], [2], [1, 2])]
            seen |= {i for i, item in enumerate(candidates) if any(torch.equal(item, crop) for crop in crops)}
        assert len(seen) == orientations

    def test_a_picture_smaller_than_the_patch_is_named(self, folders):
        with pytest.raises(PatinaError, match=r"0\.png: 64x48 pixels, smaller than the patch of 64"):
            make_task(folders, patch=64)

    def test_one_scale_of_a_prepared_set_is_a_folder_too(self, folders, tmp_path):
        prepare(folders / "real", tmp_path / "set", [1, 2], workers=1)
        half = open_images("real", tmp_path / "set" / "2x")
        pixels = np.concatenate([read_picture(path).pixels.reshape(-1, 3) for path in half.images])
        np.testing.assert_allclose(half.image_statistics.mean, pixels.mean(0), rtol=1e-9)


class TestNormalisation:
    def test_statistics_are_measured_and_stored(self, folders, tmp_path):
        assert train(folders, tmp_path, steps=1) == 0
        stored = final_model(tmp_path).statistics
        for name in ("clean", "real"):
            pixels = np.concatenate([read_picture(path).pixels for path in list_pictures(folders / name)])
            np.testing.assert_allclose(stored[f"{name}_image"]["mean"], pixels.mean((0, 1)), rtol=1e-6)
            np.testing.assert_allclose(stored[f"{name}_image"]["std"], pixels.std((0, 1)), rtol=1e-6)

    def test_the_network_sees_real_images_in_the_clean_statistics_and_noise_added_before(self, folders):
        statistics = {
            "clean": {"mean": [100, 100, 100], "std": [40, 40, 40]},
            "real": {"mean": [120, 110, 100], "std": [80, 40, 20]},
        }
        task = make_task(folders, statistics=statistics)
        task.setup(make_fabric("32", "cpu"))
        seen = []
        task.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs))
        pixels = torch.full((2, 3, 200, 200), 0.5)
        task.probe({"image": pixels, "label": torch.tensor([0.0, 1.0])})
        image, hidden, _ = seen[0]
        moved = torch.tensor([(127.5 - 120) / 2 + 100, 117.5, (127.5 - 100) * 2 + 100]) / 255
        torch.testing.assert_close(image[0], pixels[0])
        torch.testing.assert_close(image[1], moved[:, None, None].expand(3, 200, 200), atol=1e-6, rtol=0)
        deviations = 255 * (hidden - image).std(dim=(2, 3))
        torch.testing.assert_close(deviations[0], torch.full((3,), 15.0), atol=0.3, rtol=0)
        torch.testing.assert_close(deviations[1], 10 * torch.tensor([0.5, 1.0, 2.0]), atol=0.4, rtol=0)

    def test_matching_can_be_turned_off(self, folders):
        image = torch.rand(3, 8, 8)
        statistics = make_task(folders, match_statistics=False).statistics
        torch.testing.assert_close(statistics.normalise_image(image), image)
        torch.testing.assert_close(statistics.restore_real(image), image)

    def test_statistics_that_would_not_be_used_are_refused(self, folders):
        triple = {"mean": [1, 1, 1], "std": [1, 1, 1]}
        with pytest.raises(ConfigError, match="statistics are given, but match_statistics is false"):
            make_task(folders, match_statistics=False, statistics={"clean": triple, "real": triple})


class TestTraining:
    def test_the_kl_weight_rises_to_its_end(self):
        objective = LUDVAEObjective({"clean": 1, "real": 1}, kl_rise=1e-8, kl_end=1e-4)
        assert [objective.kl_weight(step) for step in (1, 5000, 10_000, 99_999)] == [1e-8, 5e-5, 1e-4, 1e-4]

    def test_the_loss_is_error_plus_the_weighted_kl(self, folders, tmp_path):
        assert train(folders, tmp_path) == 0
        for step, line in enumerate(logged(tmp_path), 1):
            assert line["kl_weight"] == pytest.approx(1e-8 * step)
            assert line["loss"] == pytest.approx(line["reconstruction"] + line["kl_weight"] * line["kl"])

    @pytest.mark.slow
    def test_the_loss_falls(self, folders, tmp_path):
        assert train(folders, tmp_path, steps=60, learning_rate=3e-4, validate_every=100, save_every=100) == 0
        errors = [line["reconstruction"] for line in logged(tmp_path)]
        assert np.mean(errors[-10:]) < 0.7 * np.mean(errors[:10])

    @pytest.mark.slow
    def test_an_interrupted_run_equals_an_uninterrupted_one(self, folders, tmp_path):
        assert train(folders, tmp_path, "whole") == 0
        assert train(folders, tmp_path, "cut") == 0
        run = tmp_path / "runs" / "cut"
        (run / "training_state" / "4.state").unlink()
        (run / "models" / "final.safetensors").unlink()
        assert train(folders, tmp_path, "cut") == 0
        whole, cut = final_model(tmp_path, "whole").weights, final_model(tmp_path, "cut").weights
        assert all(torch.equal(whole[name], cut[name]) for name in whole)

    @pytest.mark.slow
    def test_settings_that_trained_nothing_are_not_written_down(self, folders, tmp_path, capsys):
        assert train(folders, tmp_path) == 0
        config = tmp_path / "runs" / "tiny" / "config.yml"
        before = config.read_text()
        assert train(folders, tmp_path, learning_rate=0.5) == 0
        assert config.read_text() == before
        assert "tiny: the run began with other values of training.learning_rate; to train" in capsys.readouterr().err
        assert train(folders, tmp_path, learning_rate=0.5, steps=5) == 0
        assert yaml.safe_load(config.read_text())["training"]["steps"] == 5

    def test_a_run_leaves_previews_and_a_model_that_explains_itself(self, folders, tmp_path):
        assert train(folders, tmp_path) == 0
        assert (tmp_path / "runs/tiny/previews/0000004/translations.png").is_file()
        numbers = {"reconstruction_clean", "reconstruction_real", "kl_clean", "kl_real"}
        assert numbers <= logged(tmp_path, "valid")[0].keys()
        model = final_model(tmp_path)
        assert (model.kind, model.step) == ("ludvae", 4)
        assert model.configuration == {"architecture": {"channels": 8}, "noise_level": {"clean": 15.0, "real": 10.0}}

    @pytest.mark.slow
    def test_bf16_trains_to_nearly_the_same_loss(self, folders, tmp_path):
        losses = {}
        for precision in ("32", "bf16-mixed"):
            assert train(folders, tmp_path, precision, precision=precision, steps=2) == 0
            losses[precision] = logged(tmp_path, name=precision)[0]["loss"]
        assert losses["32"] != losses["bf16-mixed"]
        assert losses["32"] == pytest.approx(losses["bf16-mixed"], rel=0.05)

    def test_the_first_layer_that_is_not_finite_is_named(self, folders):
        task = make_task(folders)
        task.setup(make_fabric("32", "cpu"))
        batch = default_collate([task.dataset[1, slot] for slot in range(4)])
        task.network.Gauconv_q_2.v.bias.data.fill_(torch.inf)
        with pytest.raises(NotFinite, match="loss of ludvae"):
            task.training_step(batch, 1)
        assert first_not_finite(task.networks, lambda: task.probe(batch)) == "ludvae.Gauconv_q_2.v (Conv2d)"

    @pytest.mark.parametrize("published", [True, pytest.param(False, marks=pytest.mark.slow)])
    def test_fine_tuning_starts_from_the_given_weights(self, folders, tmp_path, published):
        start = tmp_path / "start.pth"
        weights = LUDVAE(LUDVAEArchitecture(channels=8)).state_dict()
        if published:
            torch.save({f"module.{name}": value for name, value in weights.items()}, start)
        else:
            assert train(folders, tmp_path, "first") == 0
            start, weights = tmp_path / "runs/first/models/final.safetensors", final_model(tmp_path, "first").weights
        assert train(folders, tmp_path, "second", init_from=str(start), learning_rate=1e-12, steps=1) == 0
        tuned = final_model(tmp_path, "second").weights
        for name, value in weights.items():
            torch.testing.assert_close(tuned[name], value, atol=1e-6, rtol=0)

    @pytest.mark.slow
    def test_one_command_trains_and_one_translates(self, folders, tmp_path):
        assert train(folders, tmp_path) == 0
        arguments = ["-opt", str(tmp_path / "tiny.yml"), "-source_dir", str(folders / "clean")]
        assert run_command("translate", [*arguments, "-out_dir", str(tmp_path / "out"), "-device", "cpu"]) == 0
        line = json.loads((tmp_path / "out" / "log.jsonl").read_text().splitlines()[1])
        assert (line["parameters"]["noise_level"], line["parameters"]["temperature"]) == (15.0, 1.0)

    def test_dry_run_prints_the_configuration_and_the_size(self, folders, tmp_path, capsys):
        config = write_config(tmp_path / "tiny.yml", ludvae_values(folders))
        assert main(["train", "-opt", str(config), "--dry-run"]) == 0
        printed = capsys.readouterr().out
        parameters = sum(p.numel() for p in LUDVAE(load_config(config).model).parameters())
        assert f"LUDVAE: {parameters:,} parameters" in printed
        assert "rise: 1.0e-08" in printed
        count = len(list_pictures(folders / "clean")), len(list_pictures(folders / "real"))
        assert printed.endswith("# {} clean and {} real images, all fit; nothing is missing\n".format(*count))


@pytest.mark.parametrize(
    ("block", "values", "expected"),
    [
        ("model", {"chanels": 8}, "model.chanels: unknown key, did you mean channels?"),
        ("model", {"channels": 0}, "model.channels: expected a value greater than or equal to 1, found 0"),
        ("noise_level", {"clean": 15}, "noise_level.real: missing"),
        ("noise_level", {"clean": -1, "real": 1}, "noise_level.clean: expected a value greater than or equal to 0"),
        ("kl", {"raise": 1e-8}, "kl.raise: unknown key, did you mean rise?"),
        ("validation", {"crop": 8}, "validation.crop: expected a value greater than or equal to 24"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(tmp_path, block, values, expected):
    with pytest.raises(ConfigError) as caught:
        parse_config(ludvae_values(tmp_path) | {block: values}, "some.yml")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("name", "clean", "real"),
    [("AIM19", 15, 10), ("NTIRE20", 8, 3), ("SIDD", 40, 20), ("DND", 20, 10)],
)
def test_the_published_set_ups_are_shipped(name, clean, real):
    config = load_config(f"LUDVAE-{name}")
    assert (config.noise_level.clean, config.noise_level.real) == (clean, real)
    assert (config.kl.rise, config.kl.end) == (1e-8, 1e-4)
    assert (config.data.patch, config.data.batch, config.data.augment) == (64, 16, True)
    assert (config.model.channels, config.training.learning_rate) == (128, 1e-4)
    assert config.training.milestones == (100_000,)
