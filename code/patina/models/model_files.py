"""Model files: one safetensors file with the weights and, in its metadata, everything needed to use them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from patina.errors import PatinaError
from patina.runs.fingerprint import digest_of
from patina.system.atomic import atomic_path
from patina.version import __version__

METADATA_KEY = "patina"


@dataclass(frozen=True)
class ModelFile:
    """The contents of a model file.

    Attributes:
        kind: kind of the model, e.g. ``"deflow"``; for learned degradations, the task of their configuration.
        configuration: the model's arguments, plain JSON values.
        weights: the state dict.
        statistics: channel statistics of the training data by name, plain JSON values; empty if unknown.
        step: number of training steps.
        version: version of Patina that wrote the file.
    """

    kind: str
    configuration: dict[str, Any]
    weights: dict[str, Tensor]
    statistics: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    version: str = __version__


def save_model_file(path: Path, model: ModelFile) -> None:
    """Write `model` to `path` atomically."""
    described = {
        "kind": model.kind,
        "configuration": model.configuration,
        "statistics": model.statistics,
        "step": model.step,
        "version": model.version,
    }
    stored = save(_on_cpu(model.weights), {METADATA_KEY: json.dumps(described)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(stored)


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """Return the digest of a state dict; equal weights have equal digests."""
    return digest_of(save(_on_cpu(weights)))


def _on_cpu(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}


def load_model_file(path: Path) -> ModelFile:
    """Read a model file written by Patina.

    Raises:
        PatinaError: the file is missing, damaged, or not written by Patina.
    """
    require_file(path)
    try:
        with safe_open(path, "pt") as stored:
            described = (stored.metadata() or {}).get(METADATA_KEY)
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise PatinaError(f"{path}: not a readable safetensors file ({error}); copy or train it again") from error
    if described is None:
        raise PatinaError(f"{path}: has no metadata of Patina, expected a model file that Patina wrote")
    return ModelFile(weights=weights, **json.loads(described))


def stored_kind(path: Path) -> str | None:
    """Return the kind of a model file written by Patina, None for any other file."""
    try:
        with safe_open(path, "pt") as stored:
            described = (stored.metadata() or {}).get(METADATA_KEY)
    except (SafetensorError, OSError):
        return None
    return json.loads(described)["kind"] if described else None


def load_state_dict_file(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a published ``.pth`` file, without executing pickled code.

    The prefix ``module.`` is removed from names; a dict in ``params_ema``, ``params`` or ``state_dict`` is unwrapped.

    Raises:
        PatinaError: the file is missing, damaged, or not a state dict.
    """
    require_file(path)
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise PatinaError(f"{path}: cannot be read as a state dict of plain tensors ({reason})") from error
    for wrapper in ("params_ema", "params", "state_dict"):
        if isinstance(stored, Mapping) and wrapper in stored:
            stored = stored[wrapper]
    if not isinstance(stored, Mapping) or not all(isinstance(value, Tensor) for value in stored.values()):
        raise PatinaError(f"{path}: expected a state dict (names and tensors), found {type(stored).__name__}")
    return {name.removeprefix("module."): value for name, value in stored.items()}


def load_weights(network: torch.nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Load `weights` into `network`.

    Raises:
        PatinaError: weights are missing, unexpected or of another shape; the message names the first.
    """
    own = network.state_dict()
    problems = [f"{name} is missing" for name in own if name not in weights]
    problems += [f"{name} is unexpected" for name in weights if name not in own]
    problems += [
        f"{name} has shape {tuple(weights[name].shape)}, expected {tuple(own[name].shape)}"
        for name in own
        if name in weights and own[name].shape != weights[name].shape
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise PatinaError(f"{path}: the weights do not fit the configured network: {problems[0]}{more}")
    network.load_state_dict(dict(weights))


def require_file(path: Path) -> None:
    """Check that a model file exists.

    Raises:
        PatinaError: it does not exist, or is a folder.
    """
    if not path.is_file():
        raise PatinaError(f"{path}: no such model file; train its configuration first, or name another file")
