"""Translating folders with a LUD-VAE: knobs, ranges, recipes and published files."""

import shutil

import numpy as np
import pytest
import torch

from patina.cli.main import run_command
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.runs.journal import read_journal
from sets import deflow_values, learned_recipe, ludvae_values, picture, write_config, write_pictures
from small_ludvae import ARCHITECTURE, FLAT, REDDISH, network, translate, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "final.safetensors")


class TestFolder:
    def test_ranges_are_drawn_per_picture_and_logged(self, model, tmp_path):
        source = write_pictures(tmp_path / "in", 3)
        options = ["-noise_level", "1:5", "-temperature", "0.5:1.5", "-seed", 4]
        for out in ("a", "b"):
            assert translate(model, source, tmp_path / out, *options) == 0
        drawn = [result.details["parameters"] for result in read_journal(tmp_path / "a/log.jsonl").results.values()]
        assert len({values["noise_level"] for values in drawn}) == len({values["temperature"] for values in drawn}) == 3
        assert all(1 <= values["noise_level"] <= 5 and 0.5 <= values["temperature"] <= 1.5 for values in drawn)
        assert (tmp_path / "a/log.jsonl").read_text() == (tmp_path / "b/log.jsonl").read_text()
        for path in list_pictures(tmp_path / "a"):
            assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()

    def test_only_what_is_missing_is_made_again_and_another_temperature_is_refused(self, model, tmp_path, capsys):
        source, out = write_pictures(tmp_path / "in", 2), tmp_path / "out"
        assert translate(model, source, out, "-temperature", "0.5:1") == 0
        times = {path.name: path.stat().st_mtime_ns for path in list_pictures(out)}
        (out / "1.png").unlink()
        assert translate(model, source, out, "-temperature", "0.5:1") == 0
        assert (out / "0.png").stat().st_mtime_ns == times["0.png"]
        assert translate(model, source, out, "-temperature", "0.5:1.1") == 2
        assert "was made with temperature [0.5, 1.0], now [0.5, 1.1]" in capsys.readouterr().err
        assert (out / "0.png").stat().st_mtime_ns == times["0.png"]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["-temperature", -1], "-temperature is -1.0, expected 0 or more"),
            (["-noise_level", "3:1"], "-noise_level is 3.0:1.0, expected the smaller number first"),
            (["-noise_level", 300], "-noise_level is 300.0, expected 0 to 255"),
            (["-heat", 1], "-heat does not apply to a ludvae model, which has -noise_level, -temperature, -detail"),
            (
                ["-overlap", 64],
                "-overlap does not apply to a ludvae model, whose tiles are exact with a border of 24 pixels",
            ),
            (["-kept_mb", 64], "-kept_mb does not apply to a ludvae model, which keeps no results"),
            (["-tile", 48], "-tile is 48, expected 64 or more"),
            (["-tile", 0], "-tile is 0, expected 64 or more"),
        ],
    )
    def test_a_wrong_flag_is_one_line(self, model, tmp_path, capsys, options, expected):
        source = write_pictures(tmp_path / "in", 1)
        assert translate(model, source, tmp_path / "out", *options) == 2
        assert capsys.readouterr().err == f"error: {expected}\n"
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("text", ["warm", "1:2:3", "", "nan", "1:"])
    def test_a_range_that_is_none_is_refused(self, model, tmp_path, capsys, text):
        with pytest.raises(SystemExit):
            translate(model, tmp_path, tmp_path / "out", "-temperature", text)
        assert "is neither a number nor a range such as 0.5:1.5" in capsys.readouterr().err

    def test_a_picture_smaller_than_the_border_is_named_and_the_others_are_done(self, model, tmp_path, capsys):
        source = write_pictures(tmp_path / "in", 2)
        write_picture(source / "small.png", picture(1, 23, 60))
        assert translate(model, source, tmp_path / "out") == 1
        assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".png"] == ["0.png", "1.png"]
        error = capsys.readouterr().err
        assert "small.png: 60x23 pixels, expected sides of at least 24 pixels for a LUD-VAE" in error

    def test_validate_shows_both_translations_and_samples(self, model, tmp_path):
        write_pictures(tmp_path / "clean", 1)
        write_pictures(tmp_path / "real", 1)
        config = write_config(tmp_path / "tiny.yml", ludvae_values(tmp_path))
        arguments = ["-opt", str(config), "-model_path", str(model), "-out_dir", str(tmp_path / "out")]
        assert run_command("validate", [*arguments, "-temperature", "0.5", "-device", "cpu"]) == 0
        for folder in ("X_to_Y", "Y_to_X", "X_sample", "Y_sample"):
            for path in list_pictures(tmp_path / "out" / folder):
                assert read_picture(path).pixels.shape == (48, 64, 3)


class TestRecipes:
    def degrade(self, model, tmp_path, **knobs) -> int:
        write_pictures(tmp_path / "clean", 2, height=96, width=128)
        recipe = learned_recipe(tmp_path / "learned.yml", model, **knobs)
        return run_command("degrade", [recipe, str(tmp_path / "clean"), str(tmp_path / "out"), "-device", "cpu"])

    def test_a_recipe_takes_its_knobs(self, model, tmp_path):
        assert self.degrade(model, tmp_path, temperature=[0.2, 0.6]) == 0
        logged = "".join(path.read_text() for path in (tmp_path / "out").rglob("*.jsonl"))
        assert '"noise_level": 12' in logged
        assert '"temperature": 0.' in logged

    def test_a_temperature_below_zero_is_refused(self, model, tmp_path, capsys):
        assert self.degrade(model, tmp_path, temperature=-1) == 2
        assert "final.safetensors: -temperature is -1.0, expected 0 or more" in capsys.readouterr().err


class TestPublishedFile:
    @pytest.fixture
    def published(self, tmp_path):
        """Write a published state dict, two folders and a configuration of its size."""
        write_pictures(tmp_path / "clean", 2)
        write_pictures(tmp_path / "real", 2, seed=50)
        values = ludvae_values(tmp_path)
        values["model"]["channels"] = ARCHITECTURE.channels
        torch.save(network().state_dict(), tmp_path / "published.pth")
        return tmp_path, values

    def run(self, folder, values, *options) -> int:
        config = write_config(folder / "tiny.yml", values)
        return translate(folder / "published.pth", folder / "clean", folder / "out", "-opt", config, *options)

    def test_it_translates_with_measured_statistics(self, published):
        folder, values = published
        assert self.run(folder, values) == 0
        assert len(list_pictures(folder / "out")) == 2

    def test_it_needs_a_configuration(self, published, capsys):
        folder, _ = published
        assert translate(folder / "published.pth", folder / "clean", folder / "out") == 2
        assert "give its configuration with -opt" in capsys.readouterr().err

    def test_missing_statistics_say_how_to_give_them(self, published, capsys):
        folder, values = published
        values["data"]["real"] = str(folder / "nowhere")
        assert self.run(folder, values) == 2
        error = capsys.readouterr().err
        assert "nowhere does not exist" in error
        assert "give mean and std of both as data.statistics" in error
        assert error.count("\n") == 1
        assert not (folder / "out").exists()

    def test_a_folder_of_other_statistics_is_refused(self, published, capsys):
        folder, values = published
        values["data"]["statistics"] = {
            "clean": {"mean": list(FLAT.mean), "std": list(FLAT.std)},
            "real": {"mean": list(REDDISH.mean), "std": list(REDDISH.std)},
        }
        assert self.run(folder, values) == 0
        assert self.run(folder, values) == 0
        values["data"]["statistics"]["real"]["mean"][0] = 150.0
        capsys.readouterr()
        assert self.run(folder, values) == 2
        assert 'out was made with statistics.real_image {"mean": [140.0, ' in capsys.readouterr().err

    @pytest.mark.slow
    def test_given_statistics_are_used(self, published):
        folder, values = published
        values["data"] |= {"real": str(folder / "nowhere"), "clean": str(folder / "nowhere_else")}
        values["data"]["statistics"] = {
            "clean": {"mean": list(FLAT.mean), "std": list(FLAT.std)},
            "real": {"mean": list(REDDISH.mean), "std": list(REDDISH.std)},
        }
        assert self.run(folder, values, "-temperature", 0, "-noise_level", 0) == 0
        given = read_picture(folder / "out" / "0.png").pixels
        values["data"] |= {"statistics": None, "match_statistics": False}
        shutil.rmtree(folder / "out")
        assert self.run(folder, values, "-temperature", 0, "-noise_level", 0) == 0
        plain = read_picture(folder / "out" / "0.png").pixels
        expected = (plain - 120.0) / 50 * np.array(REDDISH.std) + np.array(REDDISH.mean)
        assert np.abs(given - expected.clip(0, 255)).max() <= 1.2

    def test_a_published_file_of_the_other_kind_is_named(self, published, capsys):
        folder, _ = published
        config = write_config(folder / "deflow.yml", deflow_values(folder))
        assert translate(folder / "published.pth", folder / "clean", folder / "out", "-opt", config) == 2
        assert "holds a published model of kind 'ludvae', expected 'deflow'" in capsys.readouterr().err
