"""The map h: each step, and their order."""

import cv2
import numpy as np
import pytest
import torch

from condition_maps import DOWN, NOISE, finished
from patina.conditions.autoencoder import train_autoencoder
from patina.conditions.condition_map import ConditionMap
from patina.conditions.steps import Autoencoder, HStep
from patina.degradations.deflow_degradation import placed_noise
from patina.imaging.matlab_resize import imresize
from patina.imaging.value_spaces import to_tensor
from patina.seeding import derive, noise_window
from sets import picture


def h_of(*steps: dict) -> ConditionMap:
    return ConditionMap([HStep.model_validate(step) for step in steps])


def still(number: int, shape: torch.Size) -> torch.Tensor:
    return torch.zeros(shape)


class TestSteps:
    def test_the_published_map_is_bicubic_and_noise(self):
        pixels = picture(0)
        small = to_tensor(imresize(pixels, 1 / 4))
        expected = small + 0.03 * noise_window(derive(5, "condition"), 3, 0, 0, *small.shape[1:])
        for h in (ConditionMap.published(4, 0.03), h_of(DOWN, NOISE)):
            assert torch.equal(finished(h, pixels, placed_noise(5)), expected)
            assert h.published_noise is not None
            assert h.is_prepared
            assert h.scale == 4

    def test_area_and_max_are_of_squares(self):
        pixels = picture(1)
        squares = pixels.reshape(12, 4, 16, 4, 3)
        area = h_of({"downscale": {"factor": 4, "filter": "area"}}).whole(pixels)
        np.testing.assert_allclose(area, squares.mean(axis=(1, 3)), atol=0.5)
        largest = h_of({"downscale": {"factor": 4, "filter": "max"}}).whole(pixels)
        np.testing.assert_array_equal(largest, squares.max(axis=(1, 3)))

    def test_filters_are_opencv_s(self):
        pixels = picture(2)
        np.testing.assert_array_equal(h_of({"median": {"size": 5}}).whole(pixels), cv2.medianBlur(pixels, 5))
        smooth = h_of({"smooth": {"sigma": 1.5}}).whole(pixels)
        np.testing.assert_array_equal(smooth, cv2.GaussianBlur(pixels, (0, 0), 1.5))

    @pytest.mark.parametrize(
        "step",
        [
            {"smooth": {"sigma": 1.5}},
            {"median": {"size": 3}},
            {"bilateral": {"sigma_colour": 60}},
            {"non_local_means": {"strength": 12}},
        ],
    )
    def test_smoothers_take_noise_off_and_keep_content(self, step):
        clean = np.uint8(np.add.outer(np.linspace(50, 150, 64), np.linspace(0, 60, 64)))[..., None].repeat(3, axis=2)
        noisy = np.uint8((clean + np.random.default_rng(0).normal(0, 8, clean.shape)).clip(0, 255))
        filtered = h_of(step).whole(noisy)
        errors = [np.abs(np.float64(item) - clean)[4:-4, 4:-4].mean() for item in (filtered, noisy)]
        assert errors[0] < 0.75 * errors[1]

    def test_noise_is_added_or_multiplied(self):
        condition = torch.full((3, 4, 4), 0.5)
        ones = lambda number, shape: torch.ones(shape)  # noqa: E731
        assert torch.allclose(h_of({"add_gaussian": {"sigma": 0.1}}).final(condition, ones), torch.tensor(0.6))
        assert torch.allclose(h_of({"multiply_noise": {"sigma": 0.1}}).final(condition, ones), torch.tensor(0.55))

    def test_every_noise_has_its_own_numbers(self):
        h = h_of(NOISE, {"multiply_noise": {"sigma": 0.1}})
        asked = []

        def draw(number, shape):
            asked.append(number)
            return torch.zeros(shape)

        h.final(torch.zeros(3, 4, 4), draw)
        assert asked == [0, 1]
        assert not torch.equal(placed_noise(1)(0, torch.Size([3, 4, 4])), placed_noise(1)(1, torch.Size([3, 4, 4])))


class TestOrder:
    def test_filters_behind_noise_see_the_noise(self):
        h = h_of({"add_gaussian": {"sigma": 0.2}}, DOWN, NOISE)
        assert (h.whole_scale, h.scale, h.is_prepared) == (1, 4, False)
        pixels = picture(3)
        quiet = finished(h, pixels, still)
        assert torch.equal(quiet, to_tensor(imresize(pixels, 1 / 4)))
        noisy = h.local(to_tensor(pixels), placed_noise(1))
        assert noisy.shape == quiet.shape
        assert 0.01 < (noisy - quiet).std() < 0.1

    def test_the_digest_names_the_filters_alone(self):
        median = {"median": {"size": 3}}
        assert h_of(median, DOWN, NOISE).digest == h_of(median, DOWN).digest
        assert h_of(median, DOWN).digest != h_of({"median": {"size": 5}}, DOWN).digest


class TestAutoencoder:
    @pytest.mark.slow
    def test_it_learns_to_take_noise_off(self):
        pictures = [picture(seed, 64, 64) for seed in range(5)]
        settings = Autoencoder(features=12, sigma=30, steps=150)
        networks = [train_autoencoder(pictures, settings, seed=0) for _ in range(2)]
        noisy = np.uint8((pictures[4] + np.random.default_rng(0).normal(0, 30, pictures[4].shape)).clip(0, 255))
        passed = networks[0].denoise(noisy)
        assert passed.shape == noisy.shape
        errors = [np.abs(np.float64(item) - pictures[4]).mean() for item in (passed, noisy)]
        assert errors[0] < 0.7 * errors[1]
        np.testing.assert_array_equal(networks[1].denoise(noisy), passed)

    def test_odd_sizes_pass(self):
        network = train_autoencoder([picture(0)], Autoencoder(features=4, steps=1), seed=0)
        assert network.denoise(picture(0)[:33, :47]).shape == (33, 47, 3)
