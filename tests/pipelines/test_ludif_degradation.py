"""A trained LUD-DIF on whole pictures: the sampler against known truth, tiles that agree, strengths and recipes."""

import numpy as np
import pytest
import torch
from torch import nn

from patina.cli.main import run_command
from patina.data.normalisation import UNMATCHED, ImageStatistics
from patina.degradations.blocks import LearnedBlock
from patina.degradations.learned_degradation import Tiling
from patina.degradations.ludif_configuration import LUDDIFConfiguration
from patina.degradations.ludif_degradation import LUDDIFDegradation
from patina.imaging.picture_files import list_pictures
from patina.imaging.value_spaces import to_tensor
from patina.models.additive_diffusion import column
from patina.models.labels import CLEAN, REAL
from patina.models.ludif import LUDDIF, LUDDIFArchitecture
from patina.pipelines.recipe_choice import RecipeChoice, with_engine
from patina.runs.journal import read_journal
from patina.seeding import numpy_rng
from patina.specs.learned_spec import learned_degradation
from sets import learned_recipe, picture, write_pictures
from small_ludif import CONFIGURATION, PLAIN, SIZE, STRENGTHS, write_model
from small_ludvae import translate


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "final.safetensors")


def degradation(model, **options) -> LUDDIFDegradation:
    return learned_degradation(model, device="cpu", **options)


class KnowsWhiteNoise(nn.Module):
    """Predicts the noise in y_s = x + σ m + s n exactly, given x and σ."""

    def forward(self, noisy, level, condition, condition_level, strength):
        assert not condition_level.any()
        return column(level / (level**2 + strength**2).clamp(min=1e-12)) * (noisy - condition)


class KnowsTheImage(nn.Module):
    """Predicts the noise in x_s exactly for one even image, of value 0 in the networks' units."""

    def forward(self, noisy, level):
        return noisy / column(level)


def with_truth(**levels) -> LUDDIFDegradation:
    """Return a degradation whose networks know the truth, for white noise on an even grey image."""
    networks = LUDDIF(LUDDIFArchitecture(**SIZE))
    networks.clean.unet, networks.real.unet = nn.Identity(), nn.Linear(1, 1)
    networks.clean.forward, networks.real.forward = KnowsTheImage().forward, KnowsWhiteNoise().forward
    configuration = LUDDIFConfiguration(**CONFIGURATION | {"levels": levels})
    return LUDDIFDegradation(networks, ImageStatistics(UNMATCHED, UNMATCHED), configuration)


GREY = torch.full((3, 128, 128), 0.5)


class TestSampler:
    @pytest.mark.parametrize("eta", [0.0, 1.0])
    @pytest.mark.parametrize("levels", [{}, {"start": 60.0}, {"real": 20.0}], ids=str)
    @pytest.mark.parametrize("strength", [5.0, 20.0])
    def test_with_networks_that_know_the_noise_is_as_strong_as_asked(self, levels, strength, eta):
        chosen = with_truth(condition=0, **levels)
        result = chosen.apply(GREY, {"strength": strength, "steps": 60, "eta": eta}, key=3)
        assert 255 * float((result - GREY).std()) == pytest.approx(strength, rel=0.06 if eta else 0.02)

    def test_a_network_that_knows_the_image_finds_it_below_the_noise(self):
        chosen = with_truth(condition=0)
        chosen.source = REAL
        noisy = (GREY + 20 / 255 * torch.randn(GREY.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
        result = chosen.apply(noisy, {"strength": 20.0, "steps": 4, "eta": 1.0}, key=3)
        torch.testing.assert_close(result, GREY, atol=1e-4, rtol=0)

    def test_no_strength_changes_nothing(self):
        result = with_truth(condition=0).apply(GREY, {"strength": 0.0, "steps": 4, "eta": 1.0}, key=3)
        torch.testing.assert_close(result, GREY, atol=1e-6, rtol=0)


class TestDegradation:
    @pytest.mark.parametrize("size", [(1, 1), (25, 90), (131, 70)])
    @pytest.mark.parametrize("source", [CLEAN, REAL])
    def test_any_size_keeps_its_size(self, model, size, source):
        result = degradation(model, source=source, tiling=Tiling(64)).apply(torch.rand(3, *size), PLAIN, key=1)
        assert result.shape == (3, *size)
        assert 0 <= result.min() <= result.max() <= 1

    @pytest.mark.slow
    @pytest.mark.parametrize("source", [CLEAN, REAL])
    def test_tiles_agree_with_the_whole(self, model, source):
        image = to_tensor(picture(1, 150, 171))
        whole = degradation(model, source=source, tiling=Tiling(256)).apply(image, PLAIN, key=5)
        tiled = degradation(model, source=source, tiling=Tiling(96)).apply(image, PLAIN, key=5)
        changed = whole - image
        assert float((tiled - whole).std()) < 0.1 * float(changed.std())
        residuals = torch.stack([changed.flatten(), (tiled - image).flatten()])
        assert float(torch.corrcoef(residuals)[0, 1]) > 0.995

    def test_pictures_together_equal_one_by_one(self, model):
        images = [to_tensor(picture(seed)) for seed in range(3)]
        parameters = [PLAIN | {"strength": 2.0 + 5 * index} for index in range(3)]
        chosen = degradation(model)
        together = chosen.apply_batch(images, parameters, range(3))
        for key, result in enumerate(together):
            torch.testing.assert_close(result, chosen.apply(images[key], parameters[key], key), atol=1e-5, rtol=0)
        other = [PLAIN | {"steps": 2 + index % 2} for index in range(3)]
        for key, result in enumerate(chosen.apply_batch(images, other, range(3))):
            torch.testing.assert_close(result, chosen.apply(images[key], other[key], key), atol=1e-5, rtol=0)

    def test_the_same_key_gives_the_same_image(self, model):
        image, apply = to_tensor(picture(1)), degradation(model).apply
        assert torch.equal(apply(image, PLAIN, 1), apply(image, PLAIN, 1))
        assert not torch.equal(apply(image, PLAIN, 1), apply(image, PLAIN, 2))
        deterministic = PLAIN | {"eta": 0.0}
        assert not torch.equal(apply(image, PLAIN, 1), apply(image, deterministic, 1))

    def test_strengths_are_drawn_from_the_real_images_unless_set(self, model):
        chosen = degradation(model)
        drawn = [chosen.draw(numpy_rng(number))["strength"] for number in range(400)]
        assert min(drawn) >= STRENGTHS[0]
        assert max(drawn) <= STRENGTHS[-1]
        assert np.mean(np.array(drawn) < STRENGTHS[1]) == pytest.approx(0.5, abs=0.08)
        fixed = degradation(model, knobs={"strength": 3.0, "steps": 7})
        assert fixed.draw(numpy_rng(0)) == {"strength": 3.0, "steps": 7, "eta": 1.0}

    @pytest.mark.parametrize("source", [CLEAN, REAL])
    @pytest.mark.parametrize("domain", [CLEAN, REAL])
    def test_samples_of_both_domains(self, model, source, domain):
        image = to_tensor(picture(1))
        sample = degradation(model, source=source).sample(image, domain, 3)
        assert sample.shape == image.shape
        assert torch.isfinite(sample).all()

    def test_impulses_are_replaced_before_real_images_are_cleaned(self, tmp_path):
        image = torch.full((3, 40, 40), 0.5)
        salted = image.clone()
        salted[:, 10, 10], salted[1, 20, 20] = 1.0, 0.0
        for replaced in (True, False):
            path = write_model(tmp_path / f"{replaced}.safetensors", replace_impulses=replaced)
            apply = degradation(path, source=REAL).apply
            assert torch.equal(apply(salted, PLAIN, 1), apply(image, PLAIN, 1)) == replaced


class TestFolder:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["-strength", -1], "-strength is -1.0, expected 0 to 255"),
            (["-steps", 0], "-steps is 0.0, expected 1 to 1000"),
            (["-eta", 2], "-eta is 2.0, expected 0 to 1"),
            (["-heat", 1], "-heat does not apply to a ludif model, which has -strength, -steps, -eta"),
            (["-kept_mb", 64], "-kept_mb does not apply to a ludif model, which keeps no results"),
            (["-tile", 32], "-tile is 32, expected 64 or more"),
            (["-tile", 64, "-overlap", 64], "-overlap is 64, expected 0 to 62"),
        ],
    )
    def test_a_wrong_flag_is_named(self, model, tmp_path, capsys, options, expected):
        assert translate(model, write_pictures(tmp_path / "in", 1), tmp_path / "out", *options) == 2
        assert expected in capsys.readouterr().err

    def test_knobs_are_drawn_per_picture_and_logged(self, model, tmp_path):
        source = write_pictures(tmp_path / "in", 3)
        for out in ("a", "b"):
            assert translate(model, source, tmp_path / out, "-seed", 4, "-steps", 2) == 0
        drawn = [result.details["parameters"] for result in read_journal(tmp_path / "a/log.jsonl").results.values()]
        assert len({values["strength"] for values in drawn}) == 3
        assert all(STRENGTHS[0] <= values["strength"] <= STRENGTHS[-1] and values["steps"] == 2 for values in drawn)
        for path in list_pictures(tmp_path / "a"):
            assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()

    def test_recipes_leave_the_strength_to_the_model_or_set_it(self, model, tmp_path):
        for knobs, varies in (({}, True), ({"strength": 5}, False)):
            recipe = RecipeChoice(learned_recipe(tmp_path / "recipe.yml", model, **knobs)).load()
            completed, engine = with_engine(recipe, "cpu")
            (block,) = completed.blocks_of(LearnedBlock)
            assert ("strength" in block.knobs) is not varies
            assert {"steps", "eta"} <= block.knobs.keys()
            assert str(model) in engine.models
            first, second = (block.draw(numpy_rng(key), None)["knobs"]["strength"] for key in (1, 2))
            assert (first == second) is not varies
            assert block.at_end(True).draw(numpy_rng(0), None)["knobs"]["strength"] == (11.994 if varies else 5)

    def test_a_log_whose_strengths_the_model_drew_is_replayed(self, model, tmp_path):
        source = write_pictures(tmp_path / "in", 2)
        recipe = learned_recipe(tmp_path / "recipe.yml", model)
        assert run_command("degrade", [str(recipe), str(source), str(tmp_path / "made"), "-device", "cpu"]) == 0
        log = str(tmp_path / "made" / "log.jsonl")
        assert run_command("replay", [log, "-out", str(tmp_path / "again"), "-device", "cpu"]) == 0
        for path in list_pictures(tmp_path / "made"):
            assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()

    def test_a_model_of_a_restorers_pairs_makes_no_clean_images(self, tmp_path, capsys):
        path = write_model(tmp_path / "one.safetensors", has_clean=False)
        source = write_pictures(tmp_path / "in", 1)
        assert translate(path, source, tmp_path / "out") == 0
        assert translate(path, source, tmp_path / "clean", "-source_domain", "Y") == 2
        assert "one.safetensors: makes real images of clean ones only" in capsys.readouterr().err
        image = to_tensor(picture(1))
        torch.testing.assert_close(degradation(path).sample(image, CLEAN, 1), image, atol=1e-6, rtol=0)
