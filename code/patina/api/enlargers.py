"""Super-resolution of pictures in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from patina.api.arguments import Device, Precision, checked_picture
from patina.errors import PatinaError

if TYPE_CHECKING:
    from patina.pipelines.upscaler import Upscaler


def load_upscaler(
    model: str | Path,
    *,
    scale: int | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    sampler: Literal["ddpm", "ddim"] | None = None,
    steps: int | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    backend: Literal["auto", "torch", "onnxruntime", "openvino"] = "auto",
) -> Upscaler:
    """Load a super-resolution model.

    Args:
        model: a model file that spandrel reads, one of Patina's own, or an interpolation: "nearest", "bilinear",
            "bicubic" or "lanczos".
        scale: factor of an interpolation; a model file knows its own.
        tile, overlap: side and overlap of tiles in input pixels; None for the defaults.
        sampler, steps: sampler and number of steps of a diffusion model; None for the model's own.
        device: device to compute on; "auto" prefers a GPU.
        precision: precision of the convolutions; "auto" uses bf16 where it is fast and within 45 dB of 32.
        backend: what computes a network on a processor; "auto" is OpenVINO where it is installed and was measured
            faster for the network's architecture, else torch.

    Returns:
        A function of a picture, ``[H, W, 3]`` RGB, uint8 or uint16, that returns it ``scale`` times larger.

    Raises:
        PatinaError: the model or a setting cannot be used.
    """
    from patina.pipelines.upscaler import Sampling
    from patina.pipelines.upscalers import open_upscaler

    return open_upscaler(
        model,
        scale=scale,
        tile=tile,
        overlap=overlap,
        sampling=Sampling(sampler, steps),
        device=device,
        precision=precision,
        backend=backend,
    )


def upscale(picture: np.ndarray, model: str | Path | Upscaler, **settings: Any) -> np.ndarray:
    """Upscale a picture.

    Args:
        picture: ``[H, W, 3]`` RGB, uint8 or uint16.
        model: a result of `load_upscaler`, which reads a model once for many pictures; or its first argument.
        **settings: the other arguments of `load_upscaler`, unless `model` is a result of it.

    Returns:
        The picture, ``[scale H, scale W, 3]`` of the same dtype.

    Raises:
        PatinaError: the picture, the model or a setting cannot be used.
    """
    if isinstance(model, str | Path):
        return load_upscaler(model, **settings)(checked_picture(picture))
    if settings:
        raise PatinaError(f"{next(iter(settings))} is a setting of load_upscaler; the model is loaded already")
    return model(checked_picture(picture))
