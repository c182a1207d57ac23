"""Upscalers, opened by the name of an interpolation or by model file.

Networks are imported on first use, because an interpolation starts much faster without torch.
"""

from pathlib import Path

from patina.errors import PatinaError
from patina.imaging.interpolation import Interpolation
from patina.imaging.interpolation_names import INTERPOLATIONS
from patina.pipelines.upscaler import OWN_SAMPLING, Sampling, Upscaler
from patina.runs.made_by import MadeBy
from patina.shipped import model_file


def open_upscaler(
    model: str | Path,
    *,
    scale: int | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    device: str = "auto",
    precision: str = "32",
    sampling: Sampling = OWN_SAMPLING,
    backend: str = "torch",
) -> Upscaler:
    """Open a model for upscaling.

    Args:
        model: one of `INTERPOLATIONS`, a model that comes with Patina by its name, or a model file that spandrel reads
            or Patina has written.
        scale: required for interpolations; must be the model's own otherwise.
        tile: side of a tile in input pixels; None for `TILE`.
        overlap: overlap of neighbouring tiles in input pixels, at most half a tile; None for `OVERLAP`.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "32", "bf16-mixed", or "auto": bf16 if it is fast on the device and a trial picture comes out within
            `LOWEST_PSNR` of float32. For diffusion models auto is 32, because one trial says little about a sampler.
        sampling: for diffusion models only.
        backend: what computes a network's tiles, see `chosen_backend`; diffusion models and interpolations take "auto"
            and "torch" alike.

    Raises:
        PatinaError: the file cannot be used, or a setting does not fit it.
    """
    path, diffuses = model_file(model), _diffuses(model)
    if sampling != OWN_SAMPLING and not diffuses:
        raise PatinaError(f"{model} is not a diffusion model; omit -sampler and -steps")
    if backend not in ("auto", "torch") and not takes_tiles(model):
        raise PatinaError(f"-backend {backend} is for networks of one pass, which {model} is not; leave it out")
    if str(model) in INTERPOLATIONS:
        if scale is None or scale < 1:
            raise PatinaError(
                f"{model} needs a scale of 1 or more, got {scale}; set it with -scale, or as scale in a configuration"
            )
        return Upscaler(
            Interpolation(str(model), scale), MadeBy("upscale", {"interpolation": str(model), "scale": scale})
        )
    from patina.pipelines.network_upscalers import open_diffusion, open_network

    if not diffuses:
        return open_network(path, scale, tile, overlap, device, precision, backend)
    if (tile, overlap) != (None, None):
        raise PatinaError(
            f"{path} is a diffusion model; its tiles have the size it was trained on; leave -tile and -overlap out"
        )
    return open_diffusion(path, sampling, scale, device, precision)


def takes_tiles(model: str | Path) -> bool:
    """Whether a model is a network with a free choice of tiles."""
    return str(model) not in INTERPOLATIONS and not _diffuses(model)


def _diffuses(model: str | Path) -> bool:
    if str(model) in INTERPOLATIONS:
        return False
    from patina.models.model_files import stored_kind
    from patina.models.sr3 import KIND

    return stored_kind(model_file(model)) == KIND
