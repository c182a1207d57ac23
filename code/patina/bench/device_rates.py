"""The rates that a device attains, and how fast networks upscale on it in every precision and layout.

``python -m patina.bench.device_rates rates`` or ``layouts`` prints them as JSON.
"""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from patina.bench.cases import NETWORKS, TINY
from patina.bench.measuring import convolution_rate, timed
from patina.cli.flags import add_flag
from patina.cli.parser import CommandParser
from patina.models.spandrel_network import SpandrelSettings

RUNS = 5

_NAMES = ("ESRGAN", "Compact", "SPAN")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was measured as JSON."""
    parser = CommandParser("python -m patina.bench.device_rates", __doc__)
    parser.add_argument("figures", choices=FIGURES)
    add_flag(parser, "device", default="cuda", choices=["cuda", "cpu"], help="what to measure")
    add_flag(parser, "quick", action="store_true", help="small sizes: a smoke test, its figures mean nothing")
    given = parser.parsed(arguments)
    print(json.dumps(FIGURES[given.figures](torch.device(given.device), given.quick)))
    return 0


def device_rates(device: torch.device, quick: bool) -> dict[str, float]:
    """Return the operations per second of large matrix products and convolutions, and the bytes per second of a copy.

    Args:
        device: the device.
        quick: use small ones.
    """
    side = 256 if quick else 8192
    rates: dict[str, float] = {}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        first, second = (torch.rand(side, side, dtype=dtype, device=device) for _ in range(2))
        rates[f"matrix product, {name}"] = 2 * side**3 / _fastest(partial(torch.matmul, first, second), device)
        if not quick:
            rates[f"convolution, {name}"] = convolution_rate(device, dtype)
    block = torch.empty(2**20 if quick else 2**28, dtype=torch.uint8, device=device)
    rates["copy, bytes"] = 2 * block.nbytes / _fastest(block.clone, device)
    return rates


def layout_rows(device: torch.device, quick: bool) -> list[dict[str, Any]]:
    """Return how many seconds networks take to upscale an image, by precision and layout, and the PSNR to float32.

    Raises:
        RuntimeError: a layout gives another image than float32 in the usual layout.
    """
    networks = TINY if quick else {name: NETWORKS[name] for name in _NAMES}
    image = torch.rand(1, 3, *((32, 32) if quick else (512, 512)), device=device)
    rows = []
    for name, sizes in networks.items():
        torch.manual_seed(0)
        network = SpandrelSettings.model_validate({"architecture": name, "scale": 2, **sizes}).build()
        network.requires_grad_(False).eval().to(device)
        rows += _network_rows(name, network, image, device)
    return rows


def _network_rows(name: str, network: nn.Module, image: torch.Tensor, device: torch.device) -> list[dict[str, Any]]:
    exact, rows = None, []
    for layout in (torch.contiguous_format, torch.channels_last):
        network.to(memory_format=layout)  # type: ignore[call-overload]  # torch's stubs lack it
        for half in (False, True):

            def run(half: bool = half) -> torch.Tensor:
                with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=half):
                    return network(image).float()

            result = run()
            exact = result if exact is None else exact
            level = float(-10 * ((result - exact).square().mean() / exact.square().mean()).clamp(min=1e-12).log10())
            rows.append(
                {
                    "network": name,
                    "layout": str(layout).removeprefix("torch."),
                    "precision": "bf16-mixed" if half else "32",
                    "seconds": _fastest(run, device),
                    "signal_to_error_db": level,
                }
            )
            if not level > (20 if half else 45):
                raise RuntimeError(f"{rows[-1]}: another image than in float32")
    return rows


def _fastest(run: Callable[[], object], device: torch.device) -> float:
    return min(timed(run, device)[1] for _ in range(RUNS))


FIGURES: dict[str, Callable[[torch.device, bool], Any]] = {"rates": device_rates, "layouts": layout_rows}


if __name__ == "__main__":
    sys.exit(main())
