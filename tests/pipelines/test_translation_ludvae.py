"""A trained LUD-VAE on whole pictures: exact tiles, bounded memory, noise by place and two knobs."""

import shutil
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import nn

from patina.cli.main import run_command
from patina.degradations.learned_degradation import Knob, LearnedDegradation, Tiling
from patina.degradations.ludvae_degradation import LUDVAEDegradation
from patina.imaging.channel_statistics import ChannelStatistics
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.value_spaces import to_tensor
from patina.models.labels import CLEAN, REAL
from patina.models.ludvae import BORDER, LUDVAE, LUDVAEArchitecture
from patina.models.model_files import ModelFile, save_model_file
from patina.runs.journal import read_journal
from patina.specs import subjects
from patina.specs.learned_spec import LearnedConfig, learned_degradation
from sets import deflow_values, learned_recipe, ludvae_values, picture, write_config, write_pictures

ARCHITECTURE = LUDVAEArchitecture(channels=6)
FLAT = ChannelStatistics((120.0, 120.0, 120.0), (50.0, 50.0, 50.0), 1)
REDDISH = ChannelStatistics((140.0, 110.0, 120.0), (60.0, 40.0, 50.0), 1)
STATISTICS = {"clean_image": FLAT.to_dict(), "real_image": REDDISH.to_dict()}
MODEL = ModelFile("ludvae", {"architecture": asdict(ARCHITECTURE), "noise_level": {"clean": 12, "real": 7}}, {})
PLAIN = {"noise_level": 10.0, "temperature": 1.0, "detail": 0.0}


def network() -> LUDVAE:
    """Return a network whose pixels depend on all that its convolutions reach, mostly within [0, 1]."""
    torch.manual_seed(1)
    network = LUDVAE(ARCHITECTURE)
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter)
        if ".v." in name:
            parameter.data *= 0.1
    nn.init.normal_(network.outconv.weight, std=0.02)
    nn.init.constant_(network.outconv.bias, 0.5)
    return network


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "final.safetensors"
    save_model_file(path, ModelFile(MODEL.kind, MODEL.configuration, network().state_dict(), STATISTICS, step=7))
    return path


def degradation(model, **options) -> LUDVAEDegradation:
    return learned_degradation(model, device="cpu", **options)


def translate(model, source, out, *options) -> int:
    arguments = ["-model_path", str(model), "-source_dir", str(source), "-out_dir", str(out), "-device", "cpu"]
    return run_command("translate", [*arguments, *map(str, options)])


class TestDegradation:
    @pytest.mark.parametrize("size", [(BORDER, BORDER), (25, 90), (131, 70), (64, 64)])
    @pytest.mark.parametrize("source", [CLEAN, REAL])
    def test_any_size_keeps_its_size(self, model, size, source):
        result = degradation(model, source=source, tiling=Tiling(64)).apply(torch.rand(3, *size), PLAIN, key=1)
        assert result.shape == (3, *size)
        assert 0 <= result.min() < result.max() <= 1

    @pytest.mark.slow
    @pytest.mark.parametrize("source", [CLEAN, REAL])
    @pytest.mark.parametrize("precision", ["32", "bf16-mixed"])
    def test_tiles_equal_the_whole_everywhere(self, model, source, precision):
        image = to_tensor(picture(1, 150, 171))
        options = {"source": source, "precision": precision}
        whole = degradation(model, tiling=Tiling(256), **options).apply(image, PLAIN, key=5)
        tiled = degradation(model, tiling=Tiling(64), **options).apply(image, PLAIN, key=5)
        assert (whole - tiled).abs().max() < (1e-4 if precision == "32" else 1 / 255)

    @pytest.mark.slow
    def test_a_batch_of_tiles_equals_one_by_one(self, model):
        image = to_tensor(picture(2, 100, 120))
        results = []
        for batch in (1, 4):
            tiled = degradation(model, tiling=Tiling(64))
            tiled.batch = batch
            results.append(tiled.apply(image, PLAIN, key=5))
        torch.testing.assert_close(*results, atol=1e-5, rtol=0)

    @pytest.mark.parametrize("tile", [64, 256])
    def test_pictures_together_equal_one_by_one(self, model, tile):
        images = [to_tensor(picture(seed)) for seed in range(5)]
        parameters = [PLAIN | {"noise_level": 2.0 * i, "temperature": 0.3 * i, "detail": 0.2 * i} for i in range(5)]
        chosen = degradation(model, tiling=Tiling(tile))
        together = chosen.apply_batch(images, parameters, range(5))
        for key, result in enumerate(together):
            torch.testing.assert_close(result, chosen.apply(images[key], parameters[key], key), atol=1e-5, rtol=0)

    def test_the_noise_belongs_to_the_place_and_the_key(self, model):
        image = torch.full((3, 100, 100), 0.5)
        apply = degradation(model).apply
        assert torch.equal(apply(image, PLAIN, 1), apply(image, PLAIN, 1))
        assert not torch.equal(apply(image, PLAIN, 1), apply(image, PLAIN, 2))
        whole, part = apply(image, PLAIN, 1), apply(image[:, :70, :80], PLAIN, 1)
        inside = (slice(None), slice(0, 70 - BORDER), slice(0, 80 - BORDER))
        torch.testing.assert_close(whole[inside], part[inside], atol=1e-5, rtol=0)

    def test_temperature_is_the_amount_of_noise_and_0_draws_none(self, model):
        image = torch.full((3, 64, 64), 0.5)
        apply = degradation(model).apply

        def spread(temperature: float) -> float:
            parameters = PLAIN | {"noise_level": 0.0, "temperature": temperature}
            return float((apply(image, parameters, 1) - apply(image, parameters, 2)).std())

        spreads = [spread(temperature) for temperature in (0.0, 0.5, 1.0)]
        assert spreads[0] == 0
        assert 0 < spreads[1] < spreads[2]

    def test_real_to_clean_depends_on_the_hiding_noise_alone(self, model):
        image = to_tensor(picture(3))
        apply = degradation(model, source=REAL).apply
        still = PLAIN | {"noise_level": 0.0}
        assert torch.equal(apply(image, still, 1), apply(image, still, 2))
        assert not torch.equal(apply(image, PLAIN, 1), apply(image, PLAIN, 2))

    def test_translation_moves_the_statistics(self, model):
        image = to_tensor(picture(4, 64, 64))
        plain = PLAIN | {"noise_level": 0.0, "temperature": 0.0}
        to_real = degradation(model).apply(image, plain, 1)
        reconstruction = degradation(model).sample(image, CLEAN, 1)
        matched = degradation(model).statistics.restore_real(
            degradation(model, knobs={"noise_level": 0.0}).sample(image, CLEAN, 1)
        )
        torch.testing.assert_close(to_real, matched.clamp(0, 1), atol=1e-5, rtol=0)
        assert reconstruction.shape == image.shape

    @pytest.mark.parametrize("source", [CLEAN, REAL])
    def test_detail_puts_back_what_temperature_0_loses(self, model, source):
        image = 0.4 + 0.2 * to_tensor(picture(6, 60, 60))
        chosen = degradation(model, source=source)
        statistics = chosen.statistics
        moved = statistics.restore_real(image) if source == CLEAN else statistics.normalise_noisy(image)
        kept = chosen.apply(image, PLAIN | {"temperature": 0.0, "detail": 1.0}, 3)
        torch.testing.assert_close(kept, moved.clamp(0, 1), atol=1e-5, rtol=0)
        assert (chosen.apply(image, PLAIN | {"temperature": 0.0}, 3) - kept).abs().mean() > 0.01

    def test_a_real_sample_of_a_clean_picture_is_its_translation(self, model):
        image = to_tensor(picture(5))
        chosen = degradation(model)
        parameters = PLAIN | {"noise_level": 12}
        assert torch.equal(chosen.sample(image, REAL, 3), chosen.apply(image, parameters, 3))

    @pytest.mark.parametrize(("source", "level"), [(CLEAN, 12), (REAL, 7)])
    def test_the_noise_level_comes_from_the_model_file(self, model, source, level):
        rng = np.random.default_rng(0)
        assert degradation(model, source=source).draw(rng) == PLAIN | {"noise_level": level}
        assert degradation(model, source=source, knobs={"noise_level": 3.0}).draw(rng)["noise_level"] == 3.0

    def test_bf16_stays_close(self, model):
        image = to_tensor(picture(7))
        exact = degradation(model).apply(image, PLAIN, 1)
        quick = degradation(model, precision="bf16-mixed").apply(image, PLAIN, 1)
        assert not torch.equal(exact, quick)
        assert 10 * torch.log10(1 / (exact - quick).square().mean()) > 40


MEMORY_PROBE = """
import resource, sys
from pathlib import Path
import numpy as np
import torch
from patina.degradations import ludvae_degradation as ludvae
from patina.imaging.picture_files import write_picture
from patina.models.fast_ludvae import FastLUDVAE
from patina.pipelines.translation import TranslationRequest, translate

full, calls = FastLUDVAE.translate, []

def one_tile_only(self, hidden, label, noise, temperature):
    calls.append(hidden.shape)
    return full(self, hidden, label, noise, temperature) if len(calls) == 2 else hidden

def latents_alone(key, channels, top, left, height, width):
    draw = noise_window if channels > 3 else lambda *_: torch.zeros(channels, height, width)
    return draw(key, channels, top, left, height, width)

noise_window, ludvae.noise_window, FastLUDVAE.translate = ludvae.noise_window, latents_alone, one_tile_only
folder = Path(sys.argv[1])
write_picture(folder / "in" / "large.jpg", np.zeros((4000, 6000, 3), np.uint8))
report = translate(
    TranslationRequest(folder / "in", folder / "out", folder / "model.safetensors", device="cpu", precision="32")
)
assert report.exit_code == 0 and len(calls) > 300, (report, len(calls))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
def test_24_megapixels_at_full_width_stay_within_4_gib(tmp_path):
    """One tile goes through the network, the others are passed on: the memory is the same and the time bearable."""
    published = LUDVAE(LUDVAEArchitecture())
    configuration = {"architecture": {"channels": 128}, "noise_level": {"clean": 15, "real": 10}}
    save_model_file(
        tmp_path / "model.safetensors", ModelFile("ludvae", configuration, published.state_dict(), STATISTICS)
    )
    probe = subprocess.run(
        [sys.executable, "-c", MEMORY_PROBE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert probe.returncode == 0, probe.stderr
    assert int(probe.stdout) * 1024 < 4 * 2**30


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


class TestKinds:
    def test_a_model_of_the_other_kind_is_named(self, model, tmp_path, capsys):
        config = write_config(tmp_path / "deflow.yml", deflow_values(tmp_path))
        assert translate(model, write_pictures(tmp_path / "in", 1), tmp_path / "out", "-opt", config) == 2
        assert "final.safetensors: holds a model of kind 'ludvae', expected 'deflow'" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_an_unknown_kind_is_named(self, tmp_path, capsys):
        path = tmp_path / "other.safetensors"
        save_model_file(path, ModelFile("other", {}, {"a": torch.zeros(1)}))
        assert translate(path, write_pictures(tmp_path / "in", 1), tmp_path / "out") == 2
        assert "holds a model of kind 'other', expected one of deflow, ludvae" in capsys.readouterr().err

    def test_a_third_kind_is_one_line_in_the_table_of_subjects(self, tmp_path, monkeypatch):
        monkeypatch.setitem(subjects.SUBJECTS, "darker", f"{__name__}:DarkerConfig")
        path = tmp_path / "darker.safetensors"
        save_model_file(path, ModelFile("darker", {}, {"gain": torch.tensor(0.5)}))
        source = write_pictures(tmp_path / "in", 1)
        assert translate(path, source, tmp_path / "out", "-depth", "0.5:0.6") == 0
        drawn = read_journal(tmp_path / "out/log.jsonl").results["0.png"].details["parameters"]
        before, after = (read_picture(folder / "0.png").pixels for folder in (source, tmp_path / "out"))
        assert np.abs(after - before * drawn["depth"] * 0.5).max() < 1


class Darker(LearnedDegradation):
    """A third kind of model, as a later file might define it."""

    kind = "darker"
    knobs = (Knob("depth", "how dark", 0, 1, default=1.0),)

    def __init__(self, gain: float, settings: dict):
        self.gain = gain
        self.settings = settings

    @classmethod
    def from_model(cls, model, path, use):
        return cls(float(model.weights["gain"]), dict(use.settings))

    @classmethod
    def published_weights(cls, state):
        return None

    def apply(self, image, parameters, key):
        return image * self.gain * parameters["depth"]

    def sample(self, image, domain, key):
        return image


class DarkerConfig(LearnedConfig):
    """Its configuration."""

    degradation = Darker


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
        assert "give its configuration, -opt" in capsys.readouterr().err

    def test_missing_statistics_say_how_to_give_them(self, published, capsys):
        folder, values = published
        values["data"]["real"] = str(folder / "nowhere")
        assert self.run(folder, values) == 2
        error = capsys.readouterr().err
        assert "nowhere does not exist" in error
        assert "give mean and std of both as data.statistics" in error
        assert error.count("\n") == 1
        assert not (folder / "out").exists()

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
