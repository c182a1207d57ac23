"""The connection to a Ray cluster, with what goes wrong in one line."""

import os
import socket
from pathlib import Path
from typing import Any

from patina.errors import PatinaError
from patina.hints import install

_ANSWER_SECONDS = 10.0


def error_reason(error: Exception) -> str:
    """Return the last line of an error, which says what is wrong."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


def ray_package() -> Any:
    """Return the package.

    Raises:
        PatinaError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise PatinaError(f"-engine ray needs the package ray, which is not installed: {install('ray')}") from None
    return ray


def connect(ray: Any) -> None:
    """Connect to the cluster at `RAY_ADDRESS` or on this machine, or start one.

    Raises:
        PatinaError: says what is wrong.
    """
    address = os.environ.get("RAY_ADDRESS", "")
    if not _answers(address):
        raise PatinaError(
            f"RAY_ADDRESS is {address}, where no Ray cluster answers; start one by `ray start --head`, or unset "
            "RAY_ADDRESS"
        )
    # Ray keeps the address of a cluster that was killed, and tries it for minutes.
    is_gone = not address and not _answers(_last_cluster())
    try:
        ray.init("local" if is_gone else None, log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        where = f"the Ray cluster at {address}" if address else "a Ray cluster on this machine"
        raise PatinaError(
            f"{where} cannot be used ({error_reason(error)}); see `ray status`, and if it asks for a token, set "
            "RAY_AUTH_MODE=token"
        ) from None


def _last_cluster() -> str:
    """Return the address of the cluster that was started last on this machine; empty for none."""
    try:
        return (Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster").read_text().strip()
    except OSError:
        return ""


def _answers(address: str) -> bool:
    """Whether somebody listens at an address; true for what names no host and port."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return True
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS).close()
    except (OSError, OverflowError):
        return False
    return True
