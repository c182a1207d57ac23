"""A trained DeFlow on whole pictures: any size, no seams, noise by place, and the sets' statistics."""

import numpy as np
import pytest
import torch

from patina.degradations.deflow_degradation import DeFlowDegradation, condition_of
from patina.degradations.learned_degradation import Tiling
from patina.imaging.value_spaces import to_tensor
from patina.models.labels import CLEAN, REAL
from patina.specs.learned_spec import learned_degradation
from sets import picture
from small_deflow import FLAT, REDDISH, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "final.safetensors")


def degradation(model, **options) -> DeFlowDegradation:
    return learned_degradation(model, device="cpu", **options)


class TestDegradation:
    @pytest.mark.parametrize("size", [(1, 1), (5, 9), (37, 50), (64, 64)])
    @pytest.mark.parametrize("source", [CLEAN, REAL])
    def test_any_size_keeps_its_size(self, model, size, source):
        image = torch.rand(3, *size)
        result = degradation(model, source=source).apply(image, {"heat": 1.0}, key=1)
        assert result.shape == image.shape
        assert 0 <= result.min() <= result.max() <= 1

    @pytest.mark.slow
    def test_tiles_equal_the_whole(self, model):
        image = to_tensor(picture(1, 200, 232))
        whole = degradation(model).apply(image, {"heat": 1.0}, key=5)
        tiled = degradation(model, tiling=Tiling(96, 48)).apply(image, {"heat": 1.0}, key=5)
        assert (whole - tiled).abs().mean() < 0.1 / 255
        assert (whole - tiled).abs().max() < 2 / 255

    def test_pictures_computed_together_equal_themselves_alone(self, model):
        images = [to_tensor(picture(index, 37, 50)) for index in range(3)]
        parameters = [{"heat": heat} for heat in (1.0, 0.5, 0.0)]
        alone = degradation(model)
        together = DeFlowDegradation(alone.network, alone.statistics, h=alone.h, batch=2)
        results = together.apply_batch(images, parameters, [7, 8, 9])
        for result, image, item, key in zip(results, images, parameters, [7, 8, 9], strict=True):
            torch.testing.assert_close(result, alone.apply(image, item, key), atol=1e-5, rtol=0)
        large = [to_tensor(picture(index, 64, 600)) for index in range(2)]
        tiled = together.apply_batch(large, parameters[:2], [1, 2])
        torch.testing.assert_close(tiled[1], alone.apply(large[1], parameters[1], 2), atol=1e-5, rtol=0)

    @pytest.mark.slow
    def test_there_is_no_seam(self, model):
        image = torch.full((3, 192, 832), 0.5)
        tiled = degradation(model, tiling=Tiling(64, 32)).apply(image, {"heat": 1.0}, key=5)
        steps = (tiled[..., 1:] - tiled[..., :-1]).abs().mean(dim=(0, 1))
        borders = torch.arange(32, 800, 32)
        at_borders = float(torch.cat([steps[borders - 1], steps[borders]]).mean())
        assert at_borders == pytest.approx(float(steps.mean()), rel=0.02)

    def test_the_noise_belongs_to_the_place_and_the_key(self, model):
        image = to_tensor(picture(3))
        apply = degradation(model).apply
        assert torch.equal(apply(image, {"heat": 1.0}, 1), apply(image, {"heat": 1.0}, 1))
        assert not torch.equal(apply(image, {"heat": 1.0}, 1), apply(image, {"heat": 1.0}, 2))

    def test_heat_0_returns_the_picture_in_the_real_statistics(self, model):
        image = to_tensor(picture(4))
        column = [torch.tensor(part).view(3, 1, 1) / 255 for part in (FLAT.mean, FLAT.std, REDDISH.mean, REDDISH.std)]
        expected = ((image - column[0]) / column[1] * column[3] + column[2]).clamp(0, 1)
        result = degradation(model, knobs={"heat": 0.0}).apply(image, {"heat": 0.0}, 1)
        torch.testing.assert_close(result, expected, atol=1e-4, rtol=0)

    def test_translation_there_moves_statistics_and_back_restores_them(self, model):
        image = to_tensor(picture(5))
        there = degradation(model).apply(image, {"heat": 1.0}, 1)
        back = degradation(model, source=REAL).apply(there, {"heat": 1.0}, 2)
        assert (there - image).mean(dim=(1, 2))[0] > 10 / 255
        assert (back - image).abs().mean() < (there - image).abs().mean()

    def test_a_sample_depends_on_the_picture_through_its_condition_only(self, model):
        board = np.indices((48, 64)).sum(0)[..., None].repeat(3, axis=2) % 2 * 2 - 1  # too fine for the condition
        image, other = (to_tensor(np.uint8(128 + amplitude * board)) for amplitude in (0, 3))
        h = degradation(model).h
        assert torch.equal(condition_of(image, h), condition_of(other, h))
        first, second = (degradation(model).sample(item, REAL, key=1) for item in (image, other))
        assert torch.equal(first, second)
        assert not torch.equal(first, degradation(model).sample(image / 2, REAL, key=1))
        assert not torch.equal(first, degradation(model).sample(image, CLEAN, key=1))

    def test_bf16_stays_close(self, model):
        image = to_tensor(picture(7))
        exact = degradation(model).apply(image, {"heat": 1.0}, 1)
        quick = degradation(model, precision="bf16-mixed").apply(image, {"heat": 1.0}, 1)
        assert not torch.equal(exact, quick)
        assert 10 * torch.log10(1 / (exact - quick).square().mean()) > 40
