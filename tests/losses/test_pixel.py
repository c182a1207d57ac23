import math

import numpy as np
import torch

from golden_numbers import golden_arrays
from patina.losses.pixel import charbonnier, l1

GOLDEN = golden_arrays("gan_losses")
PREDICTION, TARGET = (torch.from_numpy(GOLDEN[key]) for key in ("pix_pred", "pix_target"))


def check(value, key):
    np.testing.assert_allclose(value.detach().numpy(), GOLDEN[key], rtol=1e-12)


def test_l1():
    check(l1(PREDICTION, TARGET), "l1_mean_f64")


def test_charbonnier():
    check(charbonnier(PREDICTION, TARGET), "charbonnier_eps1e-3_mean_f64")
    check(charbonnier(PREDICTION, TARGET, eps=1e-6), "charbonnier_basicsr_default_eps1e-12_mean_f64")
    check(charbonnier(PREDICTION, TARGET, eps=math.sqrt(1e-3)), "charbonnier_basicsr_eps_arg_1e-3_mean_f64")


def test_charbonnier_gradient():
    prediction = PREDICTION.clone().requires_grad_()
    charbonnier(prediction, TARGET).backward()
    expected = GOLDEN["charbonnier_eps1e-3_mean_grad_pred_f64"]
    np.testing.assert_allclose(prediction.grad.numpy(), expected, rtol=0, atol=1e-12)


def test_charbonnier_is_smooth_for_equal_pictures():
    prediction = TARGET.clone().requires_grad_()
    charbonnier(prediction, TARGET).backward()
    assert torch.equal(prediction.grad, torch.zeros_like(prediction))
