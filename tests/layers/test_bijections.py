"""Every bijection against its inverse and autograd's Jacobian, in float64."""

import pytest
import torch
from torch import nn

from patina.layers.actnorm import ActNorm, initialising_from_batch
from patina.layers.bijection import Chain, Squeeze
from patina.layers.channel_mixing import ChannelMixing
from patina.layers.coupling import ConditionalCoupling
from patina.layers.domain_gaussian import DomainGaussian
from patina.layers.split import Split

CHANNELS, SIDE, CONDITION_CHANNELS = 4, 2, 3

BIJECTIONS = {
    "actnorm": lambda: ActNorm(CHANNELS),
    "mixing": lambda: ChannelMixing(CHANNELS),
    "coupling": lambda: ConditionalCoupling(CHANNELS, CONDITION_CHANNELS, hidden=5),
    "coupling of odd channels": lambda: ConditionalCoupling(3, CONDITION_CHANNELS, hidden=5),
    "split": lambda: Split(CHANNELS),
    "squeeze": lambda: Squeeze(),
    "chain": lambda: Chain(ActNorm(CHANNELS), ChannelMixing(CHANNELS), ConditionalCoupling(CHANNELS, 3, 5)),
}


def randomised(module: nn.Module) -> nn.Module:
    """Give every parameter a value that matters (couplings start as constants)."""
    torch.manual_seed(0)
    for name, parameter in module.named_parameters():
        nn.init.normal_(parameter, std=0.1 if name.endswith(("logs", "log_s")) else 0.5)
    return module.double()


@pytest.fixture(params=BIJECTIONS, name="case")
def _case(request):
    module = randomised(BIJECTIONS[request.param]())
    channels = 3 if "odd" in request.param else CHANNELS
    x = torch.randn(2, channels, SIDE, SIDE, dtype=torch.float64)
    condition = torch.randn(2, CONDITION_CHANNELS, SIDE, SIDE, dtype=torch.float64)
    return module, x, condition


@torch.no_grad()
def test_inverse(case):
    module, x, condition = case
    state, _ = module.encode((x,), condition)
    (restored,) = module.decode(state, condition)
    torch.testing.assert_close(restored, x, atol=1e-10, rtol=0)


def test_log_determinant_is_the_jacobians(case):
    module, x, condition = case
    _, log_determinant = module.encode((x,), condition)
    for index in range(len(x)):
        given = condition[index : index + 1]

        def flat(values, given=given, shape=x[index : index + 1].shape):
            state, _ = module.encode((values.view(shape),), given)
            return torch.cat([tensor.flatten() for tensor in state])

        jacobian = torch.autograd.functional.jacobian(flat, x[index].flatten())
        _, expected = torch.linalg.slogdet(jacobian)
        # The split divides by exp(logs) + 1e-6 and counts exactly logs, as the published network does.
        torch.testing.assert_close(log_determinant[index], expected, atol=1e-4, rtol=0)
        if not isinstance(module, Split):
            torch.testing.assert_close(log_determinant[index], expected, atol=1e-9, rtol=0)


def test_earlier_latents_pass_through(case):
    module, x, condition = case
    earlier = torch.randn(2, 1, 4, 4, dtype=torch.float64)
    state, _ = module.encode((earlier, x), condition)
    assert state[0] is earlier
    assert module.decode(state, condition)[0] is earlier


def test_actnorm_learns_mean_and_deviation_from_the_first_batch_only():
    actnorm = ActNorm(3)
    first = torch.randn(4, 3, 8, 8) * torch.tensor([1.0, 5.0, 0.2]).view(1, 3, 1, 1) + 7
    with initialising_from_batch(actnorm):
        normalised = actnorm.normalise(first)
        bias = actnorm.bias.clone()
        actnorm.normalise(first * 100)
    torch.testing.assert_close(normalised.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(normalised.std(dim=(0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)
    assert torch.equal(actnorm.bias, bias)


class TestDomainGaussian:
    @pytest.fixture
    def gaussian(self):
        torch.manual_seed(1)
        gaussian = DomainGaussian(3)
        nn.init.normal_(gaussian.mean_shift)
        nn.init.normal_(gaussian.cov_shift)
        return gaussian.double()

    @torch.no_grad()
    def test_density_is_that_of_torchs_distribution(self, gaussian):
        z = torch.randn(2, 3, 4, 5, dtype=torch.float64)
        covariance = torch.eye(3) + gaussian.cov_shift @ gaussian.cov_shift.T
        positions = z.permute(0, 2, 3, 1)
        for label, (mean, cov) in enumerate(
            [(torch.zeros(3).double(), torch.eye(3).double()), (gaussian.mean_shift, covariance)]
        ):
            expected = torch.distributions.MultivariateNormal(mean, cov).log_prob(positions).sum(dim=(1, 2))
            torch.testing.assert_close(gaussian.log_density(z, torch.full((2,), float(label))), expected)

    @torch.no_grad()
    def test_translating_a_domain_gives_the_other_domains_distribution(self, gaussian):
        shape = (1, 3, 400, 500)
        covariance = torch.eye(3) + gaussian.cov_shift @ gaussian.cov_shift.T
        expected = [(gaussian.mean_shift, covariance), (torch.zeros(3).double(), torch.eye(3).double())]
        for label, (mean, cov) in enumerate(expected):
            labels = torch.tensor([float(label)])
            source = gaussian.sample(labels, torch.randn(shape, dtype=torch.float64))
            moved = gaussian.translate(source, labels, torch.randn(shape, dtype=torch.float64))[0].flatten(1)
            torch.testing.assert_close(moved.mean(dim=1), mean, atol=0.03, rtol=0)
            torch.testing.assert_close(torch.cov(moved), cov, atol=0.06, rtol=0.02)

    @torch.no_grad()
    def test_the_posterior_keeps_the_pairing(self, gaussian):
        """(z_x, z_y) and (a draw of z_x given z_y, z_y) have the same joint covariance."""
        shape = (1, 3, 400, 500)
        clean, real = torch.tensor([0.0]), torch.tensor([1.0])
        z_x = torch.randn(shape, dtype=torch.float64)
        z_y = gaussian.translate(z_x, clean, torch.randn(shape, dtype=torch.float64))
        back = gaussian.translate(z_y, real, torch.randn(shape, dtype=torch.float64))
        joint = torch.cov(torch.cat([z_x[0], z_y[0]]).flatten(1))
        joint_back = torch.cov(torch.cat([back[0], z_y[0]]).flatten(1))
        torch.testing.assert_close(joint_back, joint, atol=0.06, rtol=0.02)

    def test_the_covariance_can_be_learned_from_its_start(self):
        gaussian = DomainGaussian(3)
        gaussian.log_density(torch.randn(1, 3, 4, 4) * 3, torch.ones(1)).sum().backward()
        assert gaussian.cov_shift.grad.abs().max() > 0
