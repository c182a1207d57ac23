"""A trained LUD-VAE on whole pictures: exact tiles, bounded memory, noise by place and two knobs."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from patina.degradations.learned_degradation import Tiling
from patina.degradations.ludvae_degradation import LUDVAEDegradation
from patina.imaging.value_spaces import to_tensor
from patina.models.labels import CLEAN, REAL
from patina.models.ludvae import BORDER, LUDVAE, LUDVAEArchitecture
from patina.models.model_files import ModelFile, save_model_file
from patina.specs.learned_spec import learned_degradation
from sets import picture
from small_ludvae import PLAIN, STATISTICS, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "final.safetensors")


def degradation(model, **options) -> LUDVAEDegradation:
    return learned_degradation(model, device="cpu", **options)


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
@pytest.mark.long
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
