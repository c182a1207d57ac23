"""The measures of noise, on noise with known statistics."""

import cv2
import numpy as np
import pytest

from patina.degradations.compression import Jpeg
from patina.metrics.autocorrelation import autocorrelation, autocorrelation_distance
from patina.metrics.blockiness import blockiness
from patina.metrics.highpass import crop_patches, low_pass, quiet_places
from patina.metrics.moments import channel_covariance, covariance_distance, excess_kurtosis
from patina.metrics.noise_level import fit_line, noise_level
from patina.metrics.residuals import (
    afmd,
    akld,
    histogram,
    kl_divergence,
    local_variance,
    pgap,
    strength_histogram,
)
from patina.metrics.spectrum import LOWEST, by_frequency, by_orientation, decibels_between, power_spectrum
from patina.metrics.two_sample import PatchSet, two_sample_test


def white(seed: int = 0, sigma: float = 5.0, count: int = 64, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, (count, side, side, 3))


def moving_mean(noise: np.ndarray) -> np.ndarray:
    """Correlate horizontal neighbours: 1/2 at one pixel, 0 beyond, same variance."""
    return (noise + np.roll(noise, 1, axis=2)) / np.sqrt(2)


class TestSpectrum:
    def test_white_noise_is_flat_at_its_variance(self):
        spectrum = power_spectrum(white(count=400))
        for _, levels in (by_frequency(spectrum), by_orientation(spectrum)):
            np.testing.assert_allclose(levels, 25, rtol=0.05)

    def test_a_filter_shows_its_transfer_function(self):
        spectrum = power_spectrum(moving_mean(white(count=400)))
        columns = np.fft.fftfreq(32)
        np.testing.assert_allclose(spectrum[8, 2:15], 25 * (1 + np.cos(2 * np.pi * columns[2:15])), rtol=0.3)
        expected = 25 * (1 + np.cos(2 * np.pi * columns))
        np.testing.assert_allclose(spectrum.mean(axis=0)[1:-1], expected[1:-1], rtol=0.1, atol=1.0)

    def test_a_wave_lies_at_its_frequency_and_orientation(self):
        y, x = np.mgrid[:32, :32]
        for wave, degrees in ((np.sin(2 * np.pi * x / 4), 0), (np.sin(2 * np.pi * y / 4), 90)):
            spectrum = power_spectrum(np.stack([wave] * 3, axis=-1)[None])
            frequencies, levels = by_frequency(spectrum)
            angles, sectors = by_orientation(spectrum)
            assert abs(frequencies[levels.argmax()] - 0.25) < 0.02
            assert angles[sectors.argmax()] == degrees

    def test_twice_the_std_is_six_decibels(self):
        curves = [by_frequency(power_spectrum(factor * white()))[1] for factor in (1, 2)]
        assert decibels_between(curves[1], curves[0]) == pytest.approx(20 * np.log10(2))
        assert decibels_between(curves[0], curves[0]) == 0

    def test_powers_below_rounding_count_as_equal(self):
        assert decibels_between(np.array([0.0, 1.0]), np.array([1e-9, 1.0])) == 0
        assert np.isnan(decibels_between(np.array([np.nan]), np.array([1.0])))


class TestAutocorrelation:
    def test_a_moving_mean_has_half_at_one_pixel(self):
        measured = autocorrelation(moving_mean(white(count=200)))
        expected = np.zeros((17, 17))
        expected[8, 7:10] = 0.5, 1, 0.5
        np.testing.assert_allclose(measured, expected, atol=0.02)

    def test_it_equals_the_sum_over_pairs(self):
        noise = white(count=2, side=12)
        measured = autocorrelation(noise, reach=3)
        pairs = noise[:, 2:, :-1] * noise[:, :-2, 1:]
        assert measured[3 - 2, 3 + 1] == pytest.approx(pairs.mean() / np.square(noise).mean())
        assert measured[3 + 2, 3 - 1] == pytest.approx(measured[3 - 2, 3 + 1])

    def test_distance_counts_each_pair_once(self):
        a, b = np.zeros((3, 3)), np.zeros((3, 3))
        b[1, 0] = b[1, 2] = 0.3
        assert autocorrelation_distance(a, b) == pytest.approx(0.3)


class TestNoiseLevel:
    def test_photon_noise_has_its_gain(self):
        rng = np.random.default_rng(0)
        light = np.repeat(np.linspace(5, 250, 400), 400).reshape(400, 400, 1) * [1, 1, 1]
        gain, floor = np.array([0.1, 0.2, 0.4]), 3.0
        noise = gain * (rng.poisson(light / gain) - light / gain) + rng.normal(0, np.sqrt(floor), light.shape)
        level = noise_level(light, noise)
        np.testing.assert_allclose(level.variance, gain * level.brightness + floor, rtol=0.08)
        gains, floors = fit_line(level)
        np.testing.assert_allclose(gains, gain, rtol=0.05)
        np.testing.assert_allclose(floors, floor, atol=0.7)

    def test_bins_with_few_pixels_have_no_variance(self):
        level = noise_level(np.full((10, 10, 1), 100.0), white(count=1, side=10)[0, ..., :1])
        assert np.isnan(level.variance).all()
        assert level.counts.sum() == 100

    def test_noise_that_does_not_grow_has_no_gain(self):
        light = np.repeat(np.linspace(5, 250, 400), 400).reshape(400, 400, 1)
        gains, floors = fit_line(noise_level(light, np.random.default_rng(0).normal(0, 4, light.shape)))
        assert abs(gains[0]) < 0.005
        assert floors[0] == pytest.approx(16, rel=0.05)


class TestMoments:
    def test_kurtosis_of_known_distributions(self):
        rng = np.random.default_rng(0)
        assert excess_kurtosis(rng.laplace(size=(400_000, 3))) == pytest.approx(3, abs=0.15)
        assert excess_kurtosis(rng.normal(size=(400_000, 3))) == pytest.approx(0, abs=0.03)
        assert excess_kurtosis(rng.uniform(size=(400_000, 3))) == pytest.approx(-1.2, abs=0.03)

    def test_mixed_channels_have_the_covariance_of_the_mixing(self):
        mixing = np.array([[2, 0, 0], [1, 3, 0], [0, 1, 1.0]])
        noise = np.random.default_rng(0).normal(size=(200_000, 3)) @ mixing.T
        np.testing.assert_allclose(channel_covariance(noise), mixing @ mixing.T, atol=0.1)

    def test_distance_is_relative(self):
        assert covariance_distance(2 * np.eye(3), np.eye(3)) == pytest.approx(1)
        assert covariance_distance(np.eye(3), np.eye(3)) == 0


class TestBlockiness:
    def test_jpeg_has_a_grid_and_noise_has_none(self):
        rng = np.random.default_rng(0)
        y, x = np.mgrid[:128, :128] / 20
        scene = np.stack([128 + 60 * np.sin(x + phase) * np.cos(y) for phase in range(3)], -1) + rng.normal(
            0, 6, (128, 128, 3)
        )
        pixels = np.uint8(scene.clip(0, 255))
        assert abs(blockiness(pixels)) < 0.1
        measured = []
        for quality in (60, 20, 5):
            written = Jpeg.apply(np.float32(pixels / 255), {"quality": quality, "subsampling": "4:2:0"}, 0)
            measured.append(blockiness(255 * written))
        assert measured == sorted(measured)
        assert measured[1] > 0.3
        assert blockiness((255 * written)[3:, 5:]) < 0.2

    def test_steps_on_the_grid_alone(self):
        rows = np.repeat(np.arange(4), 8)
        pixels = np.float64(10 * rows[:, None, None] + 10 * rows[None, :, None]) + np.arange(32)[:, None, None]
        pixels = pixels + np.arange(32)[None, :, None]
        assert blockiness(pixels) == pytest.approx(10)

    def test_a_flat_picture_has_none(self):
        assert blockiness(np.full((16, 16, 3), 7, np.uint8)) == 0


class TestResiduals:
    def test_gaussians_have_their_known_divergence(self):
        rng = np.random.default_rng(0)
        counts, reference = (histogram([rng.normal(0, sigma, 2_000_000)]) for sigma in (6, 4))
        expected = np.log(6 / 4) + 16 / (2 * 36) - 1 / 2
        assert kl_divergence(counts, reference) == pytest.approx(expected, rel=0.02)
        assert kl_divergence(counts, counts) == 0

    def test_values_outside_are_counted(self):
        assert histogram([np.array([-300.0, 0]), np.array([0.4, 300])]).sum() == 4
        assert histogram([np.array([0.4])])[64] == 1

    def test_local_variance_is_a_gaussian_mean_of_squares(self):
        impulse = np.zeros((15, 15, 1))
        impulse[7, 7] = 3
        weights = np.exp(-np.square(np.arange(-3, 4)) / (2 * 1.4**2))
        weights /= weights.sum()
        np.testing.assert_allclose(local_variance(impulse)[4:11, 4:11], 9 * np.outer(weights, weights), atol=1e-9)

    def test_equal_noise_has_no_akld(self):
        noise = white(count=1)[0]
        assert akld(noise[None], noise) == 0
        assert akld(-noise[None], noise) == 0

    def test_scaled_noise_has_the_formula(self):
        noise = white(count=1)[0]
        for factor, ratio in ((2, 4.0), (0.7, 0.49), (100, 10.0), (0.01, 0.1)):
            expected = 0.5 * (np.log(1 / ratio) + ratio - 1)
            assert akld(factor * noise[None], noise) == pytest.approx(expected)

    def test_white_noise_is_nearer_to_correlated_noise_than_another_draw_of_it(self):
        """AKLD alone cannot show that a model has learned the correlation."""
        draws = [cv2.GaussianBlur(white(seed, count=1, side=300)[0], (0, 0), 1.0) for seed in (0, 1)]
        one, two = (draw / draw.std() for draw in draws)
        assert akld(white(2, sigma=1, count=1, side=300), one) < 0.85 * akld(two[None], one)

    def test_samples_are_averaged(self):
        noise = white(count=1)[0]
        both = akld(np.stack([noise, 2 * noise]), noise)
        assert both == pytest.approx(akld(2 * noise[None], noise) / 2)

    def test_kurtosis_is_compared_image_by_image(self):
        rng = np.random.default_rng(0)
        shape = (300, 300, 3)
        gaussian, laplace, uniform = rng.normal(size=shape), rng.laplace(size=shape), rng.uniform(size=shape)
        assert afmd([laplace, gaussian], [gaussian, 5 * gaussian]) == pytest.approx(1.5, abs=0.1)  # (3 - 0) / 2
        assert afmd([uniform], [gaussian]) == pytest.approx(1.2, abs=0.05)
        assert afmd([laplace, uniform], [3 * laplace, -uniform]) == pytest.approx(0, abs=1e-9)

    def test_local_strengths_count_wherever_they_are(self):
        rng = np.random.default_rng(0)
        noise = rng.normal(size=(200, 200, 3)) * np.where(np.arange(200) < 100, 2, 8)[:, None, None]
        moved = rng.normal(size=(200, 200, 3)) * np.where(np.arange(200) < 100, 8, 2)[:, None, None]
        even = rng.normal(size=(200, 200, 3)) * noise.std()
        real = strength_histogram([noise])
        assert kl_divergence(strength_histogram([moved]), real) < 0.02
        assert kl_divergence(strength_histogram([even]), real) > 0.5
        assert akld(moved[None], noise) > 0.5

    def test_the_gap_is_the_loss(self):
        assert pgap(psnr_generated=36.5, psnr_real=38.0) == 1.5


class TestQuietPlaces:
    def test_texture_is_left_out_and_noise_is_not(self):
        rng = np.random.default_rng(0)
        pixels = np.full((64, 64, 3), 100.0)
        pixels[:32] += 40 * np.sin(np.arange(64) / 5)[None, :, None]
        pixels[32:, 32:] += rng.normal(0, 5, (32, 32, 3))
        flat = np.full((32, 64, 3), 50.0)
        flat[:, :32] = 255
        assert quiet_places([pixels, flat], 32, 0.5) == [[(32, 0), (32, 32)], [(0, 32)]]

    def test_patches_are_cropped_at_their_places(self):
        pixels = np.arange(64 * 48 * 3).reshape(64, 48, 3)
        squares = crop_patches(pixels, [(0, 0), (32, 8)], 32)
        np.testing.assert_array_equal(squares[1], pixels[32:64, 8:40])
        assert crop_patches(pixels, [], 32).shape == (0, 32, 32, 3)

    def test_the_high_pass_keeps_high_frequencies(self):
        noise = 100 + white(count=1, side=128)[0]
        patches = crop_patches(noise - low_pass(noise), quiet_places([noise], 32, 1.0)[0], 32)
        _, levels = by_frequency(power_spectrum(patches))
        np.testing.assert_allclose(levels[3:], 25, rtol=0.2)
        assert LOWEST < 0.1


def labelled(pixels: np.ndarray, pictures: int, scenes: int, prefix: str = "") -> PatchSet:
    names = [f"{prefix}{index % pictures}" for index in range(len(pixels))]
    return PatchSet(pixels, names, [f"{prefix}{index % pictures % scenes}" for index in range(len(pixels))])


class TestTwoSample:
    @pytest.mark.slow
    def test_halves_of_one_set_are_indistinguishable(self):
        noise = white(count=240, side=16)
        result = two_sample_test(
            labelled(noise[:120], 12, 12, "a"), labelled(noise[120:], 12, 12, "b"), seed=0, steps=60
        )
        assert result.low < 0.5 < result.high
        assert abs(result.accuracy - 0.5) < 0.1

    @pytest.mark.slow
    def test_correlated_noise_differs_from_white_noise(self):
        a, b = white(count=120, side=16), moving_mean(white(1, count=120, side=16))
        result = two_sample_test(labelled(a, 12, 12, "a"), labelled(b, 12, 12, "b"), seed=0, steps=80)
        assert result.accuracy > 0.97
        assert result.low > 0.9

    @pytest.mark.slow
    def test_recognising_a_scene_does_not_help(self):
        """Every scene has its own pattern and is in one set only: only a classifier that has seen it knows its set."""
        rng = np.random.default_rng(0)
        patterns = [rng.normal(0, 20, (1, 16, 16, 3)) for _ in range(8)]
        pixels = np.concatenate([patterns[i % 8] + rng.normal(0, 1, (1, 16, 16, 3)) for i in range(160)])
        index = np.arange(160)
        a, b = index[index % 8 < 4], index[index % 8 >= 4]
        sides = [PatchSet(pixels[s], [str(i % 40) for i in s], [str(i % 8) for i in s]) for s in (a, b)]
        result = two_sample_test(*sides, seed=0, steps=60)
        assert result.accuracy < 0.8

    def test_it_is_a_function_of_its_seed(self):
        a, b = labelled(white(count=40, side=8), 4, 4, "a"), labelled(white(1, count=40, side=8), 4, 4, "b")
        results = [two_sample_test(a, b, seed=seed, steps=5) for seed in (0, 0, 1)]
        assert results[0] == results[1] != results[2]

    def test_a_single_image_is_refused(self):
        a, b = labelled(white(count=8, side=8), 1, 1, "a"), labelled(white(count=8, side=8), 4, 4, "b")
        with pytest.raises(ValueError, match="at least two images from each set"):
            two_sample_test(a, b, seed=0, steps=1)
