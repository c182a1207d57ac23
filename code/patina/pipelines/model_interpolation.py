"""Blend two models of one architecture: every weight is (1 - alpha) times that of A plus alpha times that of B."""

from pathlib import Path

from patina.errors import PatinaError
from patina.models.generator_files import interpolated, save_generator
from patina.models.network_export import require_finite
from patina.runs.run_models import label_of


def interpolate(a: Path, b: Path, alpha: float, out: Path | None = None) -> Path:
    """Write the blend of two models, and return its path.

    Args:
        a, b: model files of one architecture, scale and size.
        alpha: 0 gives `a`, 1 gives `b`.
        out: file to write; None for ``A-B-alpha.safetensors`` beside `b`, with the names of `label_of`.

    Raises:
        PatinaError: a file cannot be used, the two do not fit together, `out` exists, or the blend is not finite.
    """
    if not 0 <= alpha <= 1:
        raise PatinaError(f"alpha is {alpha:g}, expected 0 (all of {label_of(a)}) to 1 (all of {label_of(b)})")
    out = out or b.with_name(f"{label_of(a)}-{label_of(b)}-{alpha:g}.safetensors")
    if out.resolve() in (a.resolve(), b.resolve()):
        raise PatinaError(f"{out}: would overwrite one of the models; choose another -out")
    if out.exists():
        raise PatinaError(f"{out} exists; choose another -out, or remove it")
    network = interpolated(a, b, alpha)
    require_finite(network, half=False, where=out)
    save_generator(network, out, {"interpolated": f"{1 - alpha:g} {a.name} + {alpha:g} {b.name}"})
    return out
