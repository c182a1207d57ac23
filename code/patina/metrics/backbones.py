"""Weights of torchvision's ImageNet networks, from the torch hub cache."""

import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch

from patina.errors import WeightsMissing

SOURCE = "https://download.pytorch.org/models"
_PATIENCE = 10.0
"""Timeout of a download in seconds."""

_downloads: ContextVar[bool] = ContextVar("downloads", default=True)
"""Whether weights that are missing are downloaded."""


def backbone_weights(file_name: str, hint: str = "") -> dict[str, torch.Tensor]:
    """Read published weights from the torch hub cache; download them first if they are not there.

    Args:
        file_name: name under download.pytorch.org/models, e.g. ``vgg19-dcbb9e9d.pth``.
        hint: an alternative, added to the error message.

    Returns:
        The state dictionary, on the CPU.

    Raises:
        WeightsMissing: the file is absent and cannot be downloaded, or it is damaged.
    """
    if not _downloads.get() and not (_folder() / file_name).exists():
        raise missing_weights(file_name, hint)
    try:
        with _impatient_sockets():
            return torch.hub.load_state_dict_from_url(
                f"{SOURCE}/{file_name}",
                map_location="cpu",
                progress=False,
                check_hash=True,
                weights_only=True,
            )
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise missing_weights(file_name, hint) from error


def missing_weights(file_name: str, hint: str = "") -> WeightsMissing:
    """Return an error that names the file, its source and its folder in one line."""
    folder = _folder()
    absent = "is not there and could not be downloaded" if _downloads.get() else "is not there (training downloads it)"
    state = "is damaged" if (folder / file_name).exists() else absent
    line = f"{folder / file_name} {state}: download {SOURCE}/{file_name} into {folder}"
    return WeightsMissing(f"{line}, {hint}" if hint else line)


def weights_file(file_name: str) -> Path:
    """Return where published weights lie on this machine, or would lie."""
    return _folder() / file_name


@contextmanager
def no_downloads() -> Iterator[None]:
    """Only look for weights on this machine within the ``with`` block."""
    token = _downloads.set(False)
    try:
        yield
    finally:
        _downloads.reset(token)


def _folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


@contextmanager
def _impatient_sockets() -> Iterator[None]:
    """Bound the wait for a network that drops packets instead of refusing them."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
