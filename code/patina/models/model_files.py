"""Model files: one safetensors file with the weights and, in its metadata, everything needed to use them."""

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import ConfigDict, Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from patina.errors import PatinaError, told_system_error
from patina.runs.fingerprint import digest_of
from patina.system.atomic import atomic_path
from patina.system.places import present
from patina.system.typed_values import Malformed, parsed_object, shortened, typed
from patina.version import __version__

T = TypeVar("T")
N = TypeVar("N", bound=torch.nn.Module)

METADATA_KEY = "patina"

_MOST_PHOTOS = 10_000
_Finite = Annotated[float, Field(allow_inf_nan=False)]

_WRAPPERS = ("net_g", "params_ema", "params-ema", "params", "model_state_dict", "state_dict", "model", "net")
"""Keys of dicts around published state dicts, the averaged weights first."""

_PREFIXES = ("module.", "_orig_mod.", "netG.", "net_g.")
"""Prefixes of the names of weights: of divided and of compiled networks, and of a network among others."""


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
        photo_knobs: values of knobs that were fitted to real photos, an entry per photo; empty if none were.
    """

    kind: str
    configuration: dict[str, Any]
    weights: dict[str, Tensor]
    statistics: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    version: str = __version__
    photo_knobs: dict[str, list[float]] = field(default_factory=dict)


def save_model_file(path: Path, model: ModelFile) -> None:
    """Write `model` to `path` atomically."""
    described = {
        "kind": model.kind,
        "configuration": model.configuration,
        "statistics": model.statistics,
        "step": model.step,
        "version": model.version,
    } | ({"photo_knobs": model.photo_knobs} if model.photo_knobs else {})
    with atomic_path(path) as temporary:
        temporary.write_bytes(_packed(model.weights, {METADATA_KEY: json.dumps(described)}))


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """Return the digest of a state dict; equal weights have equal digests."""
    return digest_of(_packed(weights))


def _packed(weights: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, metadata)


def load_model_file(path: Path) -> ModelFile:
    """Read a model file written by Patina.

    Raises:
        PatinaError: the file is missing, damaged, or not written by Patina.
    """
    require_file(path)
    described, weights = _contents(path)
    if described is None:
        raise PatinaError(f"{path}: has no metadata of Patina, expected a model file that Patina wrote")
    return ModelFile(**vars(described), weights=weights)


def stored_kind(path: Path) -> str | None:
    """Return the kind of a model file written by Patina, None for any other file.

    Raises:
        PatinaError: its metadata are damaged.
    """
    present(path)
    try:
        with safe_open(path, "pt") as stored:
            described = _description(path, stored.metadata())
    except (SafetensorError, OSError):
        return None
    return described.kind if described else None


def _contents(path: Path) -> tuple["_Description | None", dict[str, Tensor]]:
    """Read a safetensors file: Patina's description, if there is one, and the weights."""
    try:
        with safe_open(path, "pt") as stored:
            described = _description(path, stored.metadata())
            return described, {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:  # types that torch lacks are a TypeError
        reason = shortened(str(error))
        raise PatinaError(f"{path}: not a readable safetensors file ({reason}); copy or train it again") from error


def _description(path: Path, metadata: Mapping[str, str] | None) -> "_Description | None":
    if (text := (metadata or {}).get(METADATA_KEY)) is None:
        return None
    try:
        return typed(_Description, parsed_object(text))
    except Malformed as error:
        raise _unusable(path, "metadata", error) from None


@dataclass(frozen=True)
class _Description:
    """The metadata of a model file; everything in `ModelFile` but the weights."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(min_length=1, max_length=100)]
    configuration: dict[str, Any]
    statistics: dict[str, Any] = field(default_factory=dict)
    step: Annotated[int, Field(ge=0, le=2**53)] = 0
    version: str = "unknown"
    photo_knobs: Annotated[dict[str, list[_Finite]], Field(max_length=10)] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = {len(values) for values in self.photo_knobs.values()}
        if len(counts) > 1 or counts & {0} or max(counts, default=0) > _MOST_PHOTOS:
            raise ValueError(f"photo_knobs: expected 1 to {_MOST_PHOTOS} photos, as many for every knob")


def typed_part(kind: type[T], values: object, path: Path, part: str) -> T:
    """Return a part of a model file as an object of a type.

    Args:
        kind: a settings class or dataclass.
        values: plain values, e.g. the configuration.
        path: the file, for the message.
        part: what the values are, for the message.

    Raises:
        PatinaError: the values are not of that type.
    """
    try:
        return typed(kind, values)
    except Malformed as error:
        raise _unusable(path, part, error) from None


def _unusable(path: Path, part: str, error: Malformed) -> PatinaError:
    return PatinaError(f"{path}: its {part} cannot be used ({error}); copy the file again, or train the model again")


def load_state_dict_file(path: Path) -> dict[str, Tensor]:
    """Read the weights of any model file, Patina's own or published, without executing pickled code.

    Prefixes such as ``module.``, ``_orig_mod.`` and ``net_g.`` are removed from names; a dict in ``params_ema``,
    ``params``, ``state_dict``, ``net_g`` and the like is unwrapped.

    Raises:
        PatinaError: the file is missing, damaged, or not a state dict.
    """
    require_file(path)
    if path.suffix.lower() == ".safetensors":
        return _without_prefix(_contents(path)[1])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old files, which are read, and about programs, which are refused
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = shortened(next(iter(str(error).splitlines()), type(error).__name__))
        raise PatinaError(f"{path}: cannot be read as a state dict of plain tensors ({reason})") from error
    for wrapper in _WRAPPERS:
        if isinstance(stored, Mapping) and isinstance(stored.get(wrapper), Mapping):
            stored = stored[wrapper]
    if not isinstance(stored, Mapping) or not all(map(_is_weight, stored.keys(), stored.values())):
        raise PatinaError(f"{path}: expected a state dict (names and tensors), found {_told(stored)}")
    return _without_prefix(stored)


def _is_weight(name: object, value: object) -> bool:
    """Whether an entry of a state dict is a name and a tensor whose values are all in the file."""
    if not isinstance(name, str) or not isinstance(value, Tensor) or value.layout != torch.strided:
        return False
    # Strides of zero make any size of a single value; networks of that size would be built for it.
    return value.device.type == "cpu" and value.numel() * value.element_size() <= value.untyped_storage().nbytes()


def _told(stored: object) -> str:
    if not isinstance(stored, Mapping):
        return type(stored).__name__
    name, value = next((name, value) for name, value in stored.items() if not _is_weight(name, value))
    what = "a tensor that is larger than its data" if isinstance(value, Tensor) else type(value).__name__
    return f"{what} at {shortened(repr(name), 60)}"


def _without_prefix(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if generator := {name: value for name, value in weights.items() if name.startswith("net_g.")}:
        weights = generator  # without a discriminator beside it
    return {_bare(name): value for name, value in weights.items()}


def _bare(name: str) -> str:
    """Return a name without prefixes, in whatever order they are."""
    while prefix := next(filter(name.startswith, _PREFIXES), ""):
        name = name.removeprefix(prefix)
    return name


def built_network(build: Callable[[], N], weights: Mapping[str, Tensor], path: Path) -> N:
    """Build a network and load its weights.

    The weights are compared before anything is allocated, so that no file can ask for more memory than it has data.

    Args:
        build: makes the network.
        weights: its weights.
        path: their file, for the message.

    Raises:
        PatinaError: as `load_weights`, or there is no network of these sizes.
    """
    try:
        with torch.device("meta"):
            _require_fit(build(), weights, path)
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        reason = shortened(str(error))
        raise PatinaError(f"{path}: describes a network that cannot be built ({reason}); copy it again") from error
    network = build()
    network.load_state_dict(dict(weights))
    return network


def load_weights(network: torch.nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Load `weights` into `network`.

    Raises:
        PatinaError: weights are missing, unexpected or of another shape or type; the message names the first.
    """
    _require_fit(network, weights, path)
    network.load_state_dict(dict(weights))


def _require_fit(network: torch.nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    if problems := misfits(network, weights):
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise PatinaError(f"{path}: the weights do not fit the configured network: {shortened(problems[0])}{more}")


def misfits(network: torch.nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Return what keeps weights from being loaded into a network, which may be without data; empty if nothing does."""
    own = network.state_dict()
    problems = [f"{name} is missing" for name in own if name not in weights]
    problems += [f"{name} is unexpected" for name in weights if name not in own]
    shared = {name: (weights[name], value) for name, value in own.items() if name in weights}
    problems += [
        f"{name} has shape {tuple(found.shape)}, expected {tuple(wanted.shape)}"
        for name, (found, wanted) in shared.items()
        if found.shape != wanted.shape
    ]
    return problems + [
        f"{name} is of {found.dtype}, expected {wanted.dtype}".replace("torch.", "")
        for name, (found, wanted) in shared.items()
        if found.is_floating_point() != wanted.is_floating_point()
    ]


def require_file(path: Path) -> None:
    """Check that a model file exists, and fetch it if it is only listed.

    Raises:
        PatinaError: it does not exist, is a folder, or cannot be opened.
    """
    present(path)
    if not path.is_file():
        raise PatinaError(f"{path}: no such model file; train its configuration first, or name another file")
    try:
        path.open("rb").close()
    except OSError as error:  # which libraries call a missing or a damaged file
        raise PatinaError(told_system_error(error)) from error
