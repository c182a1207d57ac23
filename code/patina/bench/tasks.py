"""The tasks of the benchmark. Weights and batches depend on the sizes alone."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from patina.bench.cases import (
    ALL_KEPT,
    COMPILED,
    DEFLOW_TRAINING,
    DEFLOW_TRANSLATION,
    LUDVAE_TRANSLATION,
    REALPLKSR_TRAINING,
    Case,
    Sizes,
)
from patina.layers.coupling import ZeroConv
from patina.models.deflow import DeFlow, DeFlowArchitecture
from patina.models.fast_deflow import FastDeFlow
from patina.models.fast_ludvae import FastLUDVAE
from patina.models.fast_objective import Recompute, fast_objective
from patina.models.ludvae import LUDVAE, LUDVAEArchitecture
from patina.models.realplksr import RealPLKSRSettings

Prepared = tuple[Callable[[], Any], Callable[[Any], Tensor]]
"""The function to time, whatever it returns, and a function from its output to the tensor to compare between paths."""

EVERYTHING = 2**40
"""A limit in bytes that is never reached."""


def deflow_translation(case: Case, sizes: Sizes, device: torch.device) -> Prepared:
    """Translate a picture with a network of the AIM model's size and random weights."""
    network = _deflow(sizes).to(device)
    image = torch.rand(1, 3, sizes.side, sizes.side, generator=_seeded(1)).to(device)
    noise = tuple(
        torch.randn(1, c, sizes.side // d, sizes.side // d, generator=_seeded(2)).to(device)
        for c, d in network.latent_layout
    )
    batch = (image, avg_pool2d(image, network.architecture.scale), torch.zeros(1, device=device), noise)
    if case.is_plain:
        return partial(torch.inference_mode()(network.translate), *batch), _unchanged
    fast = FastDeFlow(network, _dtype(case), EVERYTHING if ALL_KEPT in case.options else None)
    return partial(fast.translate, *batch), _unchanged


def deflow_training(case: Case, sizes: Sizes, device: torch.device) -> Prepared:
    """Compute the gradients of DeFlow's objective for a batch."""
    network = _deflow(sizes).to(device)
    image = torch.rand(sizes.batch, 3, sizes.patch, sizes.patch, generator=_seeded(1)).to(device)
    label = torch.arange(sizes.batch, device=device) % 2.0
    batch = (image, avg_pool2d(image, network.architecture.scale), label)
    ways: tuple[Recompute, ...] = ("hidden", "everything")
    recompute: Recompute = next((way for way in ways if way in case.options), "nothing")
    objective = network if case.is_plain else partial(fast_objective, network, recompute=recompute)

    def step() -> None:
        network.zero_grad()
        torch.manual_seed(3)
        with torch.autocast(device.type, torch.bfloat16, enabled=case.is_half):
            nll = objective(*batch, quantisation=32).mean()
        nll.backward()

    return step, partial(_gradients, network)


def ludvae_translation(case: Case, sizes: Sizes, device: torch.device) -> Prepared:
    """Translate a picture; like the published code, the plain path also runs the noise encoder."""
    torch.manual_seed(0)
    network = LUDVAE(LUDVAEArchitecture(channels=8 if sizes.quick else 128)).requires_grad_(False)
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter, nonlinearity="linear" if "Gau" in name else "relu")
            parameter.mul_(0.1 if ".v." in name else 1.0)
    network.outconv.weight.mul_(0.05)
    network.to(device)
    generator = _seeded(1)
    hidden = torch.rand(1, 3, sizes.side, sizes.side, generator=generator).to(device)
    shape = (1, network.architecture.channels, sizes.side, sizes.side)
    noise = [torch.randn(shape, generator=generator).to(device) for _ in range(3)]
    batch = (hidden, torch.zeros(1, device=device), noise, torch.ones(1, device=device))
    if not case.is_plain:
        return partial(FastLUDVAE(network, _dtype(case)).translate, *batch), _unchanged

    def published() -> object:
        with torch.inference_mode():
            network.encode_noise(hidden)
            return network.translate(*batch)

    return published, _unchanged


def realplksr_training(case: Case, sizes: Sizes, device: torch.device) -> Prepared:
    """Compute the gradients of a RealPLKSR, as in ``confs/RealPLKSR-bsds500.yml``, for a batch."""

    torch.manual_seed(0)
    features, blocks = (8, 1) if sizes.quick else (32, 6)
    network = RealPLKSRSettings(features=features, blocks=blocks, kernel=13).build().to(device)
    if COMPILED in case.options:
        network.compile()
    image = torch.rand(sizes.batch, 3, sizes.patch // 4, sizes.patch // 4).to(device)

    def step() -> None:
        network.zero_grad()
        with torch.autocast(device.type, torch.bfloat16):
            result = network(image)
        result.float().square().mean().backward()

    return step, partial(_gradients, network)


TASKS = {
    DEFLOW_TRANSLATION: deflow_translation,
    DEFLOW_TRAINING: deflow_training,
    LUDVAE_TRANSLATION: ludvae_translation,
    REALPLKSR_TRAINING: realplksr_training,
}


def _deflow(sizes: Sizes) -> DeFlow:
    """Return a network of the AIM model's size, without zero weights and with initialised ActNorms."""
    tiny = DeFlowArchitecture(features=8, blocks=2, growth=4, stacked_blocks=(0, 1), steps=2, hidden=16)
    torch.manual_seed(0)
    network = DeFlow(tiny if sizes.quick else DeFlowArchitecture())
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, ZeroConv):
                layer.weight.normal_(std=0.01)
                layer.bias.normal_(std=0.1)
        image = torch.rand(1, 3, 64, 64)
        network.initialise(image, avg_pool2d(image, network.architecture.scale), torch.zeros(1), quantisation=32)
    return network


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _dtype(case: Case) -> torch.dtype:
    return torch.bfloat16 if case.is_half else torch.float32


def _gradients(network: nn.Module, _: object) -> Tensor:
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return torch.cat([gradient.flatten() for gradient in gradients])


def _unchanged(output: Tensor) -> Tensor:
    return output
