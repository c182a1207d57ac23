"""DDIM with additive noise against what is known exactly: Gaussian images, one image, and the published formula."""

import math

import pytest
import torch

from patina.models.additive_diffusion import ddim_step, remove_noise, with_noise
from patina.models.ludif import LUDDIFLevels, from_units, to_units


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator())


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_step_is_the_published_one(eta):
    """Song et al. 2021, equations 12 and 16, in the variance-preserving form."""
    level, lower = torch.tensor([0.9]), torch.tensor([0.4])
    a, a_next = 1 / (1 + level**2), 1 / (1 + lower**2)
    x_s, e, n = torch.randn(3, 1, 2, 5, 5, generator=generator()).unbind()
    u = x_s * a.sqrt()
    sigma = eta * ((1 - a_next) / (1 - a)).sqrt() * (1 - a / a_next).sqrt()
    predicted = (u - (1 - a).sqrt() * e) / a.sqrt()
    expected = a_next.sqrt() * predicted + (1 - a_next - sigma**2).sqrt() * e + sigma * n
    torch.testing.assert_close(ddim_step(x_s, x_s - level * e, level, lower, eta, n) * a_next.sqrt(), expected)


@pytest.mark.parametrize(("eta", "steps"), [(0.0, 1), (0.0, 7), (1.0, 7)])
def test_a_network_that_knows_the_image_finds_it(eta, steps):
    truth, level = noise(2, 3, 6, 6), torch.tensor([0.3, 1.2])
    noisy = with_noise(truth, level, noise(2, 3, 6, 6))
    draws = generator()
    found = remove_noise(
        lambda image, here: (image - truth) / here.view(-1, 1, 1, 1),
        noisy, level, steps=steps, eta=eta, draw=lambda _: torch.randn(noisy.shape, generator=draws),
    )  # fmt: skip
    torch.testing.assert_close(found, truth, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_gaussian_images_keep_their_distribution(eta):
    """For x ~ N(0, v), the best prediction of the noise in x_s is s x_s / (v + s²); many steps sample N(0, v)."""
    v, level, draws = 0.25, torch.tensor([1.5]), torch.Generator().manual_seed(1)
    x = math.sqrt(v) * noise(1, 1, 200, 200)
    noisy = with_noise(x, level, torch.randn(x.shape, generator=draws))
    found = remove_noise(
        lambda image, here: here * image / (v + here**2),
        noisy, level, steps=100, eta=eta, draw=lambda _: torch.randn(x.shape, generator=draws),
    )  # fmt: skip
    assert float(found.var()) == pytest.approx(v, rel=0.03)
    # The posterior of x given x_s has the mean below; what was sampled keeps the covariance with x_s.
    gain = v / (v + float(level) ** 2)
    covariance = float((found * noisy).mean())
    if eta:
        assert covariance == pytest.approx(gain * float(noisy.var()), rel=0.03)
    else:  # the deterministic map is linear here, and keeps the order of the values
        torch.testing.assert_close(found, noisy * gain**0.5, rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ("start", "steps", "off"), [(0.5, 5, 0.012), (0.5, 10, 0.005), (1.0, 10, 0.015), (3, 30, 0.03)]
)
def test_few_steps_keep_the_strength_of_noise(start, steps, off):
    """For white noise of std 1 on a known image, of which the noise at level `start` is exactly the right one."""
    noisy = math.hypot(1, start) * noise(1, 1, 300, 300)
    found = remove_noise(
        lambda image, here: here * image / (1 + here**2), noisy, torch.tensor([float(start)]), steps=steps
    )
    assert float(found.std()) == pytest.approx(float(noisy.std()) / math.hypot(1, start), rel=off)


def test_levels_follow_the_strength_unless_they_are_set():
    strength = torch.tensor([10.0, 24.0])
    levels = LUDDIFLevels()
    torch.testing.assert_close(levels.hiding(strength), torch.tensor([5.0, 12.0]))
    torch.testing.assert_close(levels.hidden(strength) ** 2, levels.hiding(strength) ** 2 + strength**2)
    torch.testing.assert_close(levels.starting_clean(strength), levels.hidden(strength))
    published = LUDDIFLevels(real=10, clean=15)  # AIM19
    torch.testing.assert_close(published.hidden(strength), torch.tensor([15.0, 15.0]))
    far = LUDDIFLevels(real=10, start=100, condition=3)
    torch.testing.assert_close(far.starting_clean(strength) ** 2, 100.0**2 + strength**2)


def test_the_condition_is_one_step_ahead_and_never_noisier_than_allowed():
    strength = torch.tensor([20.0, 20.0, 20.0])
    level = torch.tensor([0.1, 5.0, 10.0])
    torch.testing.assert_close(LUDDIFLevels().on_condition(level, strength), torch.tensor([0.0, 4.8, 9.8]))
    capped = LUDDIFLevels(start=10, condition=2).on_condition(level, strength)
    torch.testing.assert_close(capped, torch.tensor([0.0, 2.0, 2.0]))
    assert not LUDDIFLevels(condition=0).on_condition(level, strength).any()


def test_units_are_grey_levels():
    image = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(from_units(to_units(image)), image)
    step = to_units(image + 64 / 255) - to_units(image)
    torch.testing.assert_close(step, torch.ones_like(step))
