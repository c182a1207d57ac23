"""Model files of restoration networks: written in spandrel's formats, read from any format that spandrel knows."""

import io
import json
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from patina import torchvision_shim
from patina.errors import PatinaError
from patina.models.adapted_network import for_rgb, inner, is_grey
from patina.models.architectures import READABLE
from patina.models.growth import PUBLISHED_GROWTH, growth_of, widened, without_padding
from patina.models.model_files import load_state_dict_file
from patina.system.atomic import atomic_path
from patina.system.typed_values import shortened
from patina.version import __version__

torchvision_shim.ensure()  # spandrel imports torchvision

from spandrel import ImageModelDescriptor  # noqa: E402
from spandrel.architectures.ESRGAN import ESRGAN  # noqa: E402


def save_generator(network: nn.Module, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a generator atomically as a file that spandrel recognises.

    A growth below 32 is padded with zeros, because readers expect 32; the network's output is the same.

    Args:
        network: built by its settings, or ``load_generator(...).model``.
        path: ends in ``.safetensors`` or ``.pth``.
        metadata: additional metadata; only safetensors files can hold it.

    Raises:
        PatinaError: the path has another suffix.
    """
    path = Path(path)
    if path.suffix not in (".safetensors", ".pth"):
        raise PatinaError(f"{path}: expected the suffix .safetensors or .pth for a generator")
    state, stored = _published_state(network), io.BytesIO()
    if path.suffix == ".pth":
        torch.save(state, stored)
    else:
        about = {"kind": "restoration", "architecture": type(inner(network)).__name__, "patina_version": __version__}
        stored.write(_ordered(save(state, metadata={**about, **(metadata or {})})))
    with atomic_path(path) as temporary:
        temporary.write_bytes(stored.getbuffer())


def _ordered(stored: bytes) -> bytes:
    """Sort the metadata of a safetensors file, whose order is random otherwise: equal models are equal files."""
    length = int.from_bytes(stored[:8], "little")
    header = json.loads(stored[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode().ljust(length)
    return len(text).to_bytes(8, "little") + text + stored[8 + length :]


_LARGEST_SCALE = 16

LoadedGenerator = ImageModelDescriptor[nn.Module]
"""A super-resolution network with spandrel's description of it."""


def load_generator(path: Path) -> ImageModelDescriptor[nn.Module]:
    """Open a super-resolution or restoration model of any architecture in `READABLE`.

    Args:
        path: a model file: .safetensors, .pth, .pt or .ckpt.

    Returns:
        spandrel's descriptor in evaluation mode on the CPU: ``descriptor.model`` is the network, ``descriptor.scale``
        its scale, and ``descriptor(rgb)`` maps ``[1, 3, H, W]`` in [0, 1] to [0, 1]; grey ones are an `AdaptedNetwork`.

    Raises:
        PatinaError: the file does not exist, or is not a model for single images.
    """
    path = Path(path)
    weights = load_state_dict_file(path)
    try:
        _require_modest_size(weights)
        descriptor = READABLE.load(weights)
    except Exception as error:  # a foreign file can fail in any way
        reason = shortened(next(iter(str(error).splitlines()), type(error).__name__))
        raise PatinaError(f"{path}: cannot be read as a super-resolution model ({reason})") from error
    return for_rgb(_require_single_image(descriptor, path)).eval()


def _require_modest_size(weights: Mapping[str, Tensor]) -> None:
    """Build the network without data first: sizes that the weights do not have would be allocated otherwise.

    Networks that cannot be built without data are passed over.

    Raises:
        RuntimeError: the weights do not fit the network that they describe.
    """
    with torch.device("meta"), warnings.catch_warnings(), suppress(NotImplementedError):
        warnings.simplefilter("ignore")  # loading into a network without data does nothing
        try:
            READABLE.load(dict(weights))
        except RuntimeError as error:
            if "size mismatch" in str(error):
                raise


def load_generator_weights(network: nn.Module, path: Path, strict: bool = True) -> list[str]:
    """Load the weights of a file, written by `save_generator` or published, into a network.

    Args:
        network: changed in place.
        path: a file of any architecture that `load_generator` opens.
        strict: fail if a weight is missing, unexpected or of another shape; otherwise skip such weights.

    Returns:
        A line for every weight that does not fit; empty if `strict`.

    Raises:
        PatinaError: the file cannot be read, or a weight does not fit (unless `strict`: no weight fits); the message
            has a line for every such weight.
    """
    source, network = inner(load_generator(path).model), inner(network)
    if isinstance(source, ESRGAN) and isinstance(network, ESRGAN):
        source = without_padding(source, growth_of(network))
    found, wanted = source.state_dict(), network.state_dict()
    problems = _mismatches(found, wanted)
    fitting = {name: value for name, value in found.items() if name in wanted and value.shape == wanted[name].shape}
    if problems and (strict or not fitting):
        raise PatinaError(*_misfit(path, source, network, problems, len(fitting)))
    network.load_state_dict(fitting, strict=False)
    return problems


def interpolated(a: Path, b: Path, alpha: float) -> nn.Module:
    """Return the network whose weights are ``(1 - alpha) a + alpha b`` (Wang et al. 2018, ESRGAN, equation 4).

    Args:
        a, b: model files with one architecture, scale and size.
        alpha: 0 gives `a`, 1 gives `b`.

    Raises:
        PatinaError: a file cannot be read, or the networks differ.
    """
    network, other = (inner(load_generator(path).model) for path in (a, b))
    first, second = network.state_dict(), other.state_dict()
    if type(network) is not type(other) or (problems := _mismatches(second, first)):
        reason = f": {problems[0]}" if type(network) is type(other) else ""
        raise PatinaError(f"{b}: it holds {_layout(other)}, expected {_layout(network)} as in {a}{reason}")
    blended = {
        name: torch.lerp(value, second[name].to(value.dtype), alpha) if value.is_floating_point() else value
        for name, value in first.items()
    }
    network.load_state_dict(blended)
    return network


def _mismatches(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """Return a line for every weight in which two state dicts differ."""
    lines = [f"{name} is not in the file" for name in wanted if name not in found]
    lines += [f"{name} is only in the file" for name in found if name not in wanted]
    for name in wanted:
        shapes = [tuple(state[name].shape) for state in (found, wanted) if name in state]
        if len(set(shapes)) == 2:
            lines.append(f"{name} is {shapes[0]} in the file, {shapes[1]} here")
    return lines


def _misfit(path: Path, source: nn.Module, network: nn.Module, problems: list[str], fitting: int) -> list[str]:
    """Return the message for a file that does not fit: what it holds, a line per weight, and what to do."""
    held = f"it holds {_layout(source)}, expected {_layout(network)}"
    fraction = f"{fitting} of {len(network.state_dict())} weights fit"
    instead = "; with `init_strict: false` they are loaded and the others skipped" if fitting else ""
    return [f"{path}: {held}; {len(problems)} weights do not fit:", *problems, fraction + instead]


def _layout(network: nn.Module) -> str:
    """Describe the sizes that determine the shapes of a generator's weights."""
    if not isinstance(network, ESRGAN):
        size = sum(parameter.numel() for parameter in network.parameters())
        return f"a {type(network).__name__} of {size:,} parameters"
    factor, blocks = network.shuffle_factor or 1, len(network.model[1].sub) - 1
    return (
        f"an RRDBNet of scale {network.scale // factor} (unshuffled by {factor}), "
        f"{network.model[0].out_channels} features, {blocks} blocks, growth {growth_of(network)}"
    )


def _require_single_image(descriptor: object, path: Path) -> ImageModelDescriptor[nn.Module]:
    if not isinstance(descriptor, ImageModelDescriptor) or descriptor.purpose == "FaceSR":
        raise PatinaError(
            f"{path}: this model needs more than an image (a mask or an aligned face), expected a model of images"
        )
    if not 1 <= descriptor.scale <= _LARGEST_SCALE:
        raise PatinaError(f"{path}: upscales by {descriptor.scale}, expected 1 to {_LARGEST_SCALE}")
    channels = (descriptor.input_channels, descriptor.output_channels)
    if channels != (3, 3) and not is_grey(descriptor):
        raise PatinaError(
            f"{path}: has {channels[0]} input and {channels[1]} output channels, expected 3 (RGB) or 1 (grey)"
        )
    return descriptor


def _published_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the state dict with the published growth in every dense block; the added channels are zero."""
    network = inner(network)
    if isinstance(network, ESRGAN) and growth_of(network) != PUBLISHED_GROWTH:
        network = widened(network)
    return {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
