import numpy as np
import pytest
import torch

from golden_numbers import golden_arrays
from patina.losses.gan import GAN_LOSSES

GOLDEN = golden_arrays("gan_losses")
LOGITS = ["vec", "map", "extreme"]
TYPES = {"f64": (torch.float64, 1e-12, 0), "f32": (torch.float32, 1e-5, 1e-6)}


def logits(case, dtype=torch.float64):
    return [torch.from_numpy(GOLDEN[f"logits_{side}_{case}"]).to(dtype).requires_grad_() for side in ("real", "fake")]


def check(value, key, precision="f64"):
    _, rtol, atol = TYPES[precision]
    np.testing.assert_allclose(value.detach().numpy(), GOLDEN[key], rtol=rtol, atol=atol)


def check_gradient(gradient, key):
    np.testing.assert_allclose(gradient.numpy(), GOLDEN[key], rtol=0, atol=1e-12)


@pytest.mark.parametrize("precision", TYPES)
@pytest.mark.parametrize("case", LOGITS)
@pytest.mark.parametrize("name", ["ragan", "ragan_joint"])
def test_relativistic_values(name, case, precision):
    real, fake = logits(case, TYPES[precision][0])
    check(GAN_LOSSES[name].generator(real, fake), f"ragan_g_total_{case}_{precision}", precision)
    check(GAN_LOSSES[name].discriminator(real, fake), f"ragan_d_total_{case}_{precision}", precision)


@pytest.mark.parametrize("case", LOGITS)
def test_relativistic_generator_gradient(case):
    real, fake = logits(case)
    GAN_LOSSES["ragan"].generator(real, fake).backward()
    check_gradient(fake.grad, f"ragan_g_grad_fake_{case}_f64")
    assert real.grad is None


@pytest.mark.parametrize(("name", "kind"), [("ragan", "detached"), ("ragan_joint", "joint")])
@pytest.mark.parametrize("case", LOGITS)
def test_relativistic_discriminator_gradient(case, name, kind):
    real, fake = logits(case)
    GAN_LOSSES[name].discriminator(real, fake).backward()
    check_gradient(real.grad, f"ragan_d_grad_real_{kind}_{case}_f64")
    check_gradient(fake.grad, f"ragan_d_grad_fake_{kind}_{case}_f64")


@pytest.mark.parametrize("precision", TYPES)
@pytest.mark.parametrize("case", LOGITS)
@pytest.mark.parametrize("name", ["vanilla", "lsgan", "wgan", "wgan_softplus", "hinge"])
def test_independent_values(name, case, precision):
    real, fake = logits(case, TYPES[precision][0])
    check(GAN_LOSSES[name].generator(real, fake), f"{name}_g_{case}_{precision}", precision)
    sides = [GOLDEN[f"{name}_d_{side}_{case}_{precision}"] for side in ("real", "fake")]
    total = GAN_LOSSES[name].discriminator(real, fake).detach().numpy()
    np.testing.assert_allclose(total, sides[0] + sides[1], rtol=TYPES[precision][1], atol=TYPES[precision][2])
