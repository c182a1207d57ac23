"""DeFlow trained and used with maps h."""

import shutil

import numpy as np
import pytest
import torch
from torch.nn import functional

from condition_maps import DOWN, NOISE, finished, trained
from patina.cli.main import run_command
from patina.degradations.deflow_degradation import placed_noise
from patina.degradations.learned_degradation import Tiling
from patina.errors import ConfigError
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.value_spaces import to_tensor
from patina.models.model_files import load_model_file
from patina.specs.configuration import load_config, parse_config
from patina.specs.learned_spec import learned_degradation
from sets import deflow_values, picture, write_config, write_domains


@pytest.fixture(scope="module")
def domains(tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    write_domains(folder)
    return folder


class TestTraining:
    @pytest.mark.slow
    def test_the_published_list_trains_as_the_default_does(self, domains, tmp_path):
        files = [trained(domains, tmp_path, "default"), trained(domains, tmp_path, "listed", h=[DOWN, NOISE])]
        models = [load_model_file(file) for file in files]
        assert models[0].configuration == models[1].configuration
        assert models[0].configuration["condition_noise"] == 0.03
        assert all(torch.equal(value, models[1].weights[name]) for name, value in models[0].weights.items())

    @pytest.mark.slow
    def test_a_model_file_remembers_h(self, domains, tmp_path):
        steps = [
            {"median": {"size": 3}},
            {"autoencoder": {"features": 4, "steps": 2}},
            {"multiply_noise": {"sigma": 0.02}},
            {"downscale": {"factor": 4, "filter": "area"}},
            NOISE,
        ]
        file = trained(domains, tmp_path, "own", h=steps)
        config = load_config(tmp_path / "runs/own/config.yml")
        task = config.make_task()
        loaded = learned_degradation(file, device="cpu")
        pixels = picture(9)
        conditions = [finished(h, pixels, placed_noise(3)) for h in (task.objective.h, loaded.h)]
        assert torch.equal(*conditions)
        assert conditions[0].shape == (3, 12, 16)
        image = to_tensor(pixels)
        result = loaded.apply(image, {"heat": 1.0}, 1)
        assert result.shape == image.shape
        assert len(list((tmp_path / "runs/own").glob("h_autoencoder_1-*.safetensors"))) == 1
        assert run_command("train", ["-opt", str(tmp_path / "runs/own/config.yml"), "-device", "cpu"]) == 0

    def test_conditions_are_written_once_beside_the_images(self, domains):
        values = deflow_values(domains) | {"h": [{"smooth": {"sigma": 2}}, DOWN, NOISE]}
        config = parse_config(values, "some.yml")
        dataset = config.make_task().dataset
        path = dataset.domains[0].conditions[0]
        assert path.parent.name == f"1x-h-{config.condition_map().digest}"
        written = path.stat().st_mtime_ns
        expected = config.condition_map().whole(read_picture(dataset.domains[0].images[0]).pixels)
        np.testing.assert_array_equal(read_picture(path).pixels, expected)
        config.make_task()
        assert path.stat().st_mtime_ns == written
        sample = dataset[1, 0]
        assert (sample["image"].shape, sample["condition"].shape) == ((3, 32, 32), (3, 8, 8))

    def test_conditions_follow_their_images(self, tmp_path):
        write_domains(tmp_path)
        config = parse_config(deflow_values(tmp_path) | {"h": [{"smooth": {"sigma": 2}}, DOWN, NOISE]}, "some.yml")
        config.make_task()
        images = list_pictures(tmp_path / "clean/1x")
        write_picture(images[0], np.full_like(read_picture(images[0]).pixels, 250))
        images[1].unlink()
        clean = config.make_task().dataset.domains[0]
        assert [path.name for path in list_pictures(clean.conditions[0].parent)] == [images[0].name, images[2].name]
        assert (read_picture(clean.conditions[0]).pixels == 250).all()
        assert clean.condition_statistics.mean == pytest.approx(clean.image_statistics.mean, abs=0.5)

    def test_a_damaged_image_is_left_out(self, tmp_path, capsys):
        write_domains(tmp_path)
        damaged = list_pictures(tmp_path / "clean/1x")[1]
        damaged.write_bytes(damaged.read_bytes()[:200])
        config = parse_config(deflow_values(tmp_path) | {"h": [{"smooth": {"sigma": 2}}, DOWN, NOISE]}, "some.yml")
        clean = config.make_task().dataset.domains[0]
        assert damaged not in clean.images
        assert len(clean.images) == len(clean.conditions) == 2
        assert f"{damaged} is truncated" in capsys.readouterr().err

    def test_a_dry_run_writes_nothing(self, tmp_path, capsys):
        write_domains(tmp_path)
        h = [{"smooth": {"sigma": 2}}, {"autoencoder": {"features": 4, "steps": 2}}, DOWN, NOISE]
        config = write_config(tmp_path / "tiny.yml", deflow_values(tmp_path) | {"h": h})
        before = set(tmp_path.rglob("*"))
        assert run_command("train", ["-opt", str(config), "--dry-run", "-device", "cpu"]) == 0
        assert set(tmp_path.rglob("*")) == before
        shutil.rmtree(tmp_path / "real")
        assert run_command("train", ["-opt", str(config), "--dry-run", "-device", "cpu"]) == 2
        assert "does not exist" in capsys.readouterr().err

    def test_an_autoencoder_of_other_pictures_is_trained_again(self, tmp_path):
        write_domains(tmp_path)
        h = [{"autoencoder": {"features": 4, "steps": 2}}, DOWN, NOISE]
        config = parse_config(deflow_values(tmp_path) | {"h": h}, "some.yml")
        first = config.condition_map().weights()
        path = list_pictures(tmp_path / "clean/1x")[0]
        write_picture(path, 255 - read_picture(path).pixels)
        second = config.condition_map().weights()
        assert any(not torch.equal(value, second[name]) for name, value in first.items())
        assert len(list((tmp_path / "runs/tiny").glob("h_autoencoder_0-*"))) == 2

    def test_an_autoencoder_of_other_settings_is_trained_again(self, domains, tmp_path):
        weights = []
        for sigma in (5, 5, 60):
            h = [{"autoencoder": {"features": 4, "steps": 2, "sigma": sigma}}, DOWN, NOISE]
            values = deflow_values(domains) | {"runs": str(tmp_path / "runs"), "h": h}
            weights.append(parse_config(values, "some.yml").condition_map().weights())
        first, again, other = weights
        assert all(torch.equal(value, again[name]) for name, value in first.items())
        assert any(not torch.equal(value, other[name]) for name, value in first.items())

    def test_noise_before_a_filter_is_drawn_for_every_sample(self, domains):
        values = deflow_values(domains) | {"h": [{"add_gaussian": {"sigma": 0.1}}, DOWN]}
        dataset = parse_config(values, "some.yml").make_task().dataset
        sample = dataset[1, 0]
        assert sample["condition"].shape == (3, 8, 8)
        assert torch.equal(sample["condition"], dataset[1, 0]["condition"])
        small = torch.nn.functional.avg_pool2d(sample["image"], 4)
        assert 0.01 < (sample["condition"] - small).std() < 0.08

    @pytest.mark.slow
    def test_pictures_together_have_conditions_of_their_own(self, domains, tmp_path):
        file = trained(domains, tmp_path, "noisy", h=[{"multiply_noise": {"sigma": 0.1}}, DOWN, NOISE])
        image = to_tensor(picture(4, 128, 128))
        degradation = learned_degradation(file, device="cpu")
        together = degradation.apply_batch([image, image], [{"heat": 1.0}] * 2, [1, 2])
        assert torch.allclose(together[0], degradation.apply(image, {"heat": 1.0}, 1), atol=1e-5)
        assert not torch.equal(*together)

    @pytest.mark.slow
    def test_another_tiling_gives_the_same_condition(self, domains, tmp_path):
        file = trained(domains, tmp_path, "noisy", h=[{"multiply_noise": {"sigma": 0.1}}, DOWN, NOISE])
        image = to_tensor(picture(4, 128, 128))
        results = []
        for tile in (64, 128):
            degradation = learned_degradation(file, device="cpu", tiling=Tiling(tile, 32))
            degradation.network.translate = lambda pixels, condition, *_, **__: functional.interpolate(
                condition, scale_factor=4
            )
            results.append(degradation.apply(image, {"heat": 1.0}, 1))
        torch.testing.assert_close(*results)


class TestMistakes:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (
                {"h": [{"downscale": {"factor": 2}}, NOISE]},
                "h downscales by 2, expected model.scale, 4",
            ),
            ({"h": [DOWN], "condition_noise": 0.1}, "h and condition_noise are both set"),
            ({"h": [{"downscal": {"factor": 4}}]}, "h.0.downscal: unknown key, did you mean downscale?"),
            ({"h": [{**DOWN, **NOISE}]}, "expected one key in a step of h, found downscale and add_gaussian"),
            ({"h": [DOWN, {"median": {"size": 4}}]}, "size is 4, expected an odd number"),
            ({"h": [{"downscale": {"factor": 4, "filter": "nearest"}}]}, "h.0.downscale.filter"),
        ],
    )
    def test_a_wrong_h_is_one_line(self, tmp_path, values, expected):
        with pytest.raises(ConfigError, match=r"some\.yml: ") as error:
            parse_config(deflow_values(tmp_path) | values, "some.yml")
        assert expected in str(error.value)

    def test_an_autoencoder_of_another_size_is_named(self, domains, tmp_path):
        file = trained(domains, tmp_path, "default")
        values = deflow_values(domains) | {"h": [{"autoencoder": {"file": str(file)}}, DOWN, NOISE]}
        with pytest.raises(Exception, match="expected an autoencoder with the 24 features"):
            parse_config(values, "some.yml").make_task()
