"""The fast path against the plain network, on the golden cases and on random ones."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from test_deflow_golden import Golden, golden  # noqa: F401 - the fixture
from torch import nn
from torch.nn.functional import conv2d, interpolate

from patina.layers.conditional import Condition
from patina.layers.coupling import ConditionalCoupling
from patina.layers.coupling_gradient import encode
from patina.layers.fused import conv, conv_onto
from patina.layers.nearest import gathered_gradient, phases_of, product_kernels, upscaled
from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.fast_deflow import FastDeFlow
from patina.models.fast_objective import fast_objective

TINY = DeFlowArchitecture(
    scale=8, features=6, blocks=2, growth=4, stacked_blocks=(0, 1), steps=2, hidden=10, steps_without_coupling=1
)
VARIANTS = [
    TINY,
    replace(TINY, scale=2, steps=1),
    replace(TINY, scale=4, steps_without_coupling=0),
    replace(TINY, scale=16, stacked_blocks=(1,), steps=1),
]


def random_network(architecture: DeFlowArchitecture) -> DeFlow:
    """Return a network in which every parameter matters."""
    torch.manual_seed(4)
    network = DeFlow(architecture)
    for name, parameter in network.named_parameters():
        if name.startswith("layers") and name.endswith(("weight", "bias", "logs")):
            nn.init.normal_(parameter, std=0.1)
        if name.endswith(("mean_shift", "cov_shift")):
            parameter.data += 0.1 * torch.randn_like(parameter)
    return network


def random_batch(architecture: DeFlowArchitecture) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    height, width = 2 * architecture.multiple, 3 * architecture.multiple
    image = torch.rand(2, 3, height, width)
    return image, interpolate(image, scale_factor=1 / architecture.scale), torch.tensor([0.0, 1.0])


def noise_for(network: DeFlow, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
    height, width = image.shape[-2:]
    return tuple(torch.randn(2, c, height // d, width // d) for c, d in network.latent_layout)


class TestTranslation:
    @pytest.mark.parametrize("heat", [1.0, 0.5])
    def test_golden(self, golden, heat):  # noqa: F811
        noise = (golden["noise0"], golden["noise1"])
        network = golden.network()
        translated = FastDeFlow(network).translate(*golden.batch, noise, heat)
        torch.testing.assert_close(translated[0], golden[f"translated_heat{heat}"][0], atol=1e-4, rtol=0)
        torch.testing.assert_close(translated, network.translate(*golden.batch, noise, heat), atol=1e-4, rtol=0)

    @pytest.mark.parametrize("kept_bytes", [0, 30_000, 2**30])
    @pytest.mark.parametrize("architecture", VARIANTS)
    def test_random_networks(self, architecture, kept_bytes):
        network = random_network(architecture)
        batch = random_batch(architecture)
        noise, heat = noise_for(network, batch[0]), torch.tensor([1.0, 0.3]).view(2, 1, 1, 1)
        fast = FastDeFlow(network, kept_bytes=kept_bytes)
        plain = network.translate(*batch, noise, heat)
        assert (plain - batch[0]).abs().mean() > 0.01
        torch.testing.assert_close(fast.translate(*batch, noise, heat), plain, atol=1e-4, rtol=0)

    @pytest.mark.parametrize("architecture", VARIANTS)
    def test_samples(self, architecture):
        network = random_network(architecture)
        image, condition, label = random_batch(architecture)
        noise = noise_for(network, image)
        plain = network.sample(condition, label, noise)
        torch.testing.assert_close(FastDeFlow(network).sample(condition, label, noise), plain, atol=1e-4, rtol=1e-4)

    def test_bands_of_rows_equal_the_whole(self, monkeypatch):
        network = random_network(TINY)
        batch = random_batch(TINY)
        noise = noise_for(network, batch[0])
        whole = FastDeFlow(network).translate(*batch, noise)
        monkeypatch.setattr("patina.layers.row_blocks.CPU_BYTES", 1)
        torch.testing.assert_close(FastDeFlow(network).translate(*batch, noise), whole, atol=1e-5, rtol=0)

    def test_bf16_stays_within_45_db(self):
        network = random_network(TINY)
        batch = random_batch(TINY)
        noise = noise_for(network, batch[0])
        exact = FastDeFlow(network).translate(*batch, noise)
        half = FastDeFlow(network, torch.bfloat16).translate(*batch, noise)
        assert half.dtype == torch.float32
        assert not torch.equal(half, exact)
        assert -10 * (half - exact).square().mean().log10() > 45

    def test_training_goes_on_without_reaching_it(self):
        network = random_network(TINY)
        batch = random_batch(TINY)
        noise = noise_for(network, batch[0])
        fast = FastDeFlow(network)
        before = fast.translate(*batch, noise)
        for parameter in network.parameters():
            parameter.data += 0.1
        assert torch.equal(fast.translate(*batch, noise), before)


def gradients(objective, network: DeFlow, batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    network.zero_grad()
    torch.manual_seed(1)
    bits = objective(*batch, quantisation=32)
    bits.mean().backward()
    return bits.detach(), {name: each.grad for name, each in network.named_parameters() if each.grad is not None}


class TestObjective:
    @pytest.mark.parametrize("recompute", ["nothing", "hidden", "everything"])
    @pytest.mark.parametrize("architecture", VARIANTS)
    def test_objective_and_gradients(self, architecture, recompute):
        network = random_network(architecture)
        batch = random_batch(architecture)
        bits, expected = gradients(network, network, batch)
        actual_bits, actual = gradients(partial(fast_objective, network, recompute=recompute), network, batch)
        torch.testing.assert_close(actual_bits, bits, atol=1e-4, rtol=1e-5)
        assert set(actual) == set(expected)
        for name, gradient in expected.items():
            tolerance = 1e-3 * gradient.abs().max().item()
            torch.testing.assert_close(actual[name], gradient, atol=tolerance, rtol=0, msg=name)

    @pytest.mark.parametrize("scale", [8, 4])
    def test_golden_likelihood(self, scale):
        case = Golden(scale)
        with torch.no_grad():
            torch.testing.assert_close(fast_objective(case.network(), *case.batch), case["nll"], atol=1e-4, rtol=0)

    def test_recomputing_keeps_less_for_the_backward_pass(self):
        network, batch = random_network(TINY), random_batch(TINY)
        kept = {}
        for recompute in ("nothing", "hidden", "everything"):
            sizes = []
            with torch.autograd.graph.saved_tensors_hooks(lambda x, s=sizes: (s.append(x.nbytes), x)[1], lambda x: x):
                fast_objective(network, *batch, recompute=recompute)
            kept[recompute] = sum(sizes)
        assert kept["everything"] < kept["hidden"] < kept["nothing"]


class TestUpscaled:
    @pytest.mark.parametrize("factor", [2, 3, 4])
    def test_rows_of_a_convolution(self, factor):
        torch.manual_seed(0)
        source, weight, bias = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 3, 3), torch.randn(2)
        plain = conv2d(interpolate(source, scale_factor=factor), weight, bias, padding=1)
        phases = phases_of(source, product_kernels(weight), bias)
        torch.testing.assert_close(upscaled(phases, factor, 0, 4), plain)
        for top, bottom in ((0, 1), (1, 3), (3, 4)):
            rows = slice(factor * top, factor * bottom)
            torch.testing.assert_close(upscaled(phases, factor, top, bottom), plain[:, :, rows])

    @pytest.mark.parametrize("factor", [2, 3, 4])
    def test_gradient_is_the_transpose(self, factor):
        torch.manual_seed(0)
        source, weight = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randn(2, 3, 3, 3, dtype=torch.float64)
        gradient = torch.randn(2, 2, 4 * factor, 5 * factor, dtype=torch.float64)
        kernels = product_kernels(weight)
        forwards = (
            upscaled(phases_of(source, kernels, torch.zeros_like(weight[:, 0, 0, 0])), factor, 0, 4) * gradient
        ).sum()
        torch.testing.assert_close((conv2d(source, kernels) * gathered_gradient(gradient, factor)).sum(), forwards)


class TestCouplingGradient:
    @pytest.mark.parametrize("keep", [0, 1, 2])
    @pytest.mark.parametrize("scale", [1, 2])
    def test_by_differences(self, scale, keep, monkeypatch):
        monkeypatch.setattr("patina.layers.coupling_gradient.CPU_BYTES", 1)
        torch.manual_seed(0)
        coupling = ConditionalCoupling(3, 5, hidden=4).double()
        for parameter in coupling.parameters():
            nn.init.normal_(parameter, std=0.3)
        tensors = (torch.randn(3, 3, 4, 6), torch.randn(3, 2, 4, 6), torch.randn(3, 3, 4 // scale, 6 // scale))
        inputs = tuple(each.double().requires_grad_() for each in tensors)
        parameters = tuple(coupling.parameters())

        def fast(x, own, stack, *_):
            return encode(coupling, x, Condition.of(own, stack), keep)

        condition = torch.cat([inputs[1], interpolate(inputs[2], size=(4, 6))], dim=1)
        torch.testing.assert_close(fast(*inputs), coupling.encode_tensor(inputs[0], condition))
        assert torch.autograd.gradcheck(fast, (*inputs, *parameters), fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("layout", ["channels first", "channels last"])
def test_fused_convolutions(dtype, layout):
    torch.manual_seed(0)
    x, weight, bias, other = (torch.randn(s).to(dtype) for s in ((2, 5, 6, 7), (4, 5, 3, 3), (4,), (2, 4, 6, 7)))
    if layout == "channels last":
        x, other = (each.contiguous(memory_format=torch.channels_last) for each in (x, other))
    tolerance = {"atol": 0.1 if dtype == torch.bfloat16 else 1e-5, "rtol": 0.02}
    plain = conv2d(x, weight, bias, padding=1)
    for activation, expected in (
        ("none", plain),
        ("relu", plain.relu()),
        ("leaky_relu", nn.functional.leaky_relu(plain, 0.2)),
    ):
        torch.testing.assert_close(conv(x, weight, bias, (1, 1), activation, 0.2), expected, **tolerance)
    plain = (conv2d(x, weight, padding=1) + other).relu()
    result = conv_onto(x, weight, other, (1, 1))
    torch.testing.assert_close(result, plain, **tolerance)
    assert result.data_ptr() == other.data_ptr()
