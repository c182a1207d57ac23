"""The crops of a report: pairs from the strongest noise to the weakest, else quiet places of similar colour."""

import cv2
import numpy as np
import pytest

from patina.fidelity.crops import COUNT, SIDE, busy_crops, paired_crops, quiet_crops
from patina.fidelity.samples import Sample


def noisy(clean: list[Sample], deviations: list[float], seed: int = 0) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [
        Sample(sample.name, np.float32(sample.pixels + rng.normal(0, sigma, sample.pixels.shape)))
        for sample, sigma in zip(clean, deviations, strict=True)
    ]


def flat(name: str, level: float, height: int = 128, width: int = 128) -> Sample:
    return Sample(name, np.full((height, width, 3), level, np.float32))


class TestPaired:
    def test_the_strongest_noise_comes_first_and_the_weakest_last(self):
        clean = [flat(f"{letter}_1", 120) for letter in "abcdefg"]
        real = noisy(clean, [2.0, 1.0, 9.0, 4.0, 6.0, 3.0, 5.0], 1)
        crops = paired_crops(clean, noisy(clean, [5.0] * 7), real)
        assert [crop.name for crop in crops] == ["c_1", "g_1", "f_1", "b_1"]
        assert crops[0].strength == pytest.approx(9, rel=0.1)

    def test_the_strongest_crop_of_every_scene_is_taken_if_there_are_enough(self):
        clean = [flat(f"{letter}_{number}", 120) for letter in "abcd" for number in (1, 2)]
        crops = paired_crops(clean, clean, noisy(clean, [1.0, 8.0, 7.0, 1.0, 6.0, 2.0, 1.0, 5.0]))
        assert [crop.name for crop in crops] == ["a_2", "b_1", "c_1", "d_2"]

    def test_crops_are_the_middle_of_the_same_image(self):
        clean = [flat(f"{letter}_1", 120, 300, 400) for letter in "ab"]
        real = noisy(clean, [4.0, 2.0])
        crop = paired_crops(clean, clean, real)[0]
        np.testing.assert_array_equal(crop.real, real[0].pixels[6 : 6 + SIDE, 56 : 56 + SIDE])
        assert crop.generated.shape == crop.clean.shape == crop.real.shape


class TestQuiet:
    def test_places_of_similar_colour_are_paired(self):
        clean = [flat(f"c{letter}", level) for letter, level in zip("abcde", (40, 80, 120, 160, 200), strict=True)]
        real = [flat(f"r{letter}", level) for letter, level in zip("abcde", (203, 163, 123, 83, 43), strict=True)]
        crops = quiet_crops(clean, noisy(clean, [3.0] * 5), noisy(real, [4.0] * 5))
        assert len(crops) == COUNT
        for crop in crops:
            assert crop.real.mean() - crop.clean.mean() == pytest.approx(3, abs=0.5)
            assert np.std(crop.generated - crop.clean) == pytest.approx(3, rel=0.05)

    def test_places_of_different_colour_are_paired_only_if_there_are_no_others(self):
        clean = [flat(f"c{index}", 40) for index in range(3)]
        real = [flat("r1", 45), flat("r2", 50), flat("r3", 200)]
        assert len(quiet_crops(clean, clean, noisy(real, [4.0] * 3))) == 2
        assert len(quiet_crops(clean, clean, noisy(real[2:], [4.0]))) == 1

    def test_crops_are_quiet(self):
        rng = np.random.default_rng(0)
        texture = np.kron(rng.uniform(20, 235, (16, 32, 1)), np.ones((8, 8, 3)))
        pixels = np.float32(texture)
        pixels[:, 128:] = 100
        clean, real = ([Sample(f"{kind}{number}", pixels) for number in range(8)] for kind in "cr")
        crops = quiet_crops(clean, clean, noisy(real, [5.0] * 8))
        assert len(crops) == COUNT
        assert all(np.ptp(crop.clean) == 0 for crop in crops)
        assert all(crop.strength == pytest.approx(5, rel=0.1) for crop in crops)
        assert len({crop.name for crop in crops}) == COUNT

    def test_slow_shades_are_quieter_than_grass(self):
        rng = np.random.default_rng(0)
        pixels = np.repeat(np.linspace(60, 180, 256, dtype=np.float32)[:, None, None], 256, axis=1).repeat(3, axis=2)
        grass = cv2.GaussianBlur(rng.standard_normal((256, 128, 3)).astype(np.float32), (0, 0), 1.5)
        pixels[:, 128:] = 120 + 10 * grass / grass.std()
        clean, real = ([Sample(f"{kind}{number}", pixels) for number in range(4)] for kind in "cr")
        for crop in quiet_crops(clean, clean, noisy(real, [8.0] * 4)):
            assert np.ptp(crop.clean, axis=1).max() == 0

    def test_images_of_any_size_give_crops_of_one_size(self):
        clean = [flat(f"c{i}", 90, 100, 200) for i in range(4)]
        real = [flat(f"r{i}", 90, 150, 70) for i in range(4)]
        for crop in quiet_crops(clean, clean, noisy(real, [2.0, 6.0, 3.0, 4.0])):
            assert crop.clean.shape == crop.generated.shape == crop.real.shape == (64, 64, 3)


class TestBusy:
    def test_crops_show_the_contrasts_of_images_and_quiet_ones_do_not(self):
        clean, real = ([self.half_striped(f"{kind}{index}", side) for index in range(3)] for kind, side in
                       (("c", "left"), ("r", "right")))  # fmt: skip
        for crop in busy_crops(clean, clean, real):
            assert crop.clean.std() > 40
            assert crop.real.std() > 40
        for crop in quiet_crops(clean, clean, real):
            assert crop.clean.std() < 5
            assert crop.real.std() < 5

    @staticmethod
    def half_striped(name: str, side: str) -> Sample:
        """Return a grey image with broad stripes on one side."""
        pixels = np.full((128, 320, 3), 120, np.float32)
        stripes = slice(0, 160) if side == "left" else slice(160, 320)
        pixels[np.arange(128) // 16 % 2 == 0, stripes] = 60
        pixels[np.arange(128) // 16 % 2 == 1, stripes] = 180
        return Sample(name, pixels)
