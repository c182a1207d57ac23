"""The noise profile of photographs with known noise: what it has in excess of the clean photographs' profile.

The finest texture of quiet places remains in a profile. It adds to the noise, and is the same in both sets.
"""

import numpy as np
import pytest
from skimage import data

from patina.fidelity.profile import Profile, profile_of
from patina.fidelity.samples import Sample
from patina.metrics.spectrum import by_frequency


def moving_mean(noise: np.ndarray) -> np.ndarray:
    """Correlate horizontal neighbours: 1/2 at one pixel, 0 beyond, same variance."""
    return (noise + np.roll(noise, 1, axis=2)) / np.sqrt(2)


def profile(noise) -> Profile:
    rng = np.random.default_rng(0)
    samples = []
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        pixels = getattr(data, name)()
        height, width = (length // 2 for length in pixels.shape[:2])
        small = pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).mean((1, 3))
        samples.append(Sample(name, np.float32((small + noise(rng, small)).clip(0, 255).round())))
    return profile_of(samples, 0)


@pytest.fixture(scope="module")
def clean():
    return profile(lambda rng, pixels: 0)


@pytest.fixture(scope="module")
def white():
    return profile(lambda rng, pixels: rng.normal(0, 8, pixels.shape))


def test_white_noise_adds_its_power_at_every_frequency(clean, white):
    frequency, power = by_frequency(white.spectrum)
    added = power - by_frequency(clean.spectrum)[1]
    np.testing.assert_allclose(added[frequency > 0.15], 64, rtol=0.15)
    added = white.covariance - clean.covariance
    np.testing.assert_allclose(np.diag(added), 64, rtol=0.15)
    np.testing.assert_allclose(added[np.triu_indices(3, 1)], 0, atol=4)


def test_a_filter_bends_the_spectrum(clean):
    filtered = profile(lambda rng, pixels: moving_mean(rng.normal(0, 8, (1, *pixels.shape)))[0])
    columns = np.fft.fftfreq(32)
    added = (filtered.spectrum - clean.spectrum)[8:-8].mean(axis=0)
    np.testing.assert_allclose(added[4:-4], (64 * (1 + np.cos(2 * np.pi * columns)))[4:-4], rtol=0.2, atol=4)


def test_mixed_channels_are_seen(clean):
    half = np.linalg.cholesky(np.full((3, 3), 0.5) + 0.5 * np.eye(3))
    mixed = profile(lambda rng, pixels: rng.normal(0, 8, pixels.shape) @ half.T)
    np.testing.assert_allclose(mixed.covariance - clean.covariance, 64 * (half @ half.T), rtol=0.15, atol=4)


def test_a_sensor_is_noisier_where_it_is_bright(clean):
    sensor = profile(lambda rng, pixels: rng.normal(0, 1, pixels.shape) * np.sqrt(0.4 * pixels + 16))
    known = np.minimum(sensor.noise_level.counts, clean.noise_level.counts).min(axis=1) > 1000
    added = (sensor.noise_level.variance - clean.noise_level.variance)[known].mean(axis=1)
    light = sensor.noise_level.brightness[known].mean(axis=1)
    assert known.sum() >= 3
    np.testing.assert_allclose(added, 0.4 * light + 16, rtol=0.3)
