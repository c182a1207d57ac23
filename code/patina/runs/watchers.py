"""Services in which a training is watched beside TensorBoard: Weights & Biases and trackio, by their own packages."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from patina.errors import PatinaError
from patina.hints import install
from patina.system.telling import warn
from patina.system.yaml_files import read_yaml

WatcherName = Literal["wandb", "trackio"]
"""Names of the services, of their packages and of the extras that install these."""

PROJECT = "patina"


class Watcher:
    """A run in a service, which both packages open, feed and finish by the same functions.

    A service that fails, for want of a network for example, ends no training: it is told once and left alone.

    Args:
        name: of the service.
        run: the run's folder, below which the service keeps its files.
        title: the run's name in the service; a continued run goes on under it.
        config: the configuration, plain values.

    Raises:
        PatinaError: the package is not installed.
    """

    def __init__(self, name: WatcherName, run: Path, title: str, config: Mapping[str, Any]):
        self.name = name
        require_watchers([name])
        self._package: Any = importlib.import_module(name)
        self._is_open = True
        own = {"id": title, "dir": str(run)} if name == "wandb" else {}
        self._try(lambda package: package.init(project=PROJECT, name=title, resume="allow", config=dict(config), **own))

    def numbers(self, part: str, step: int, values: Mapping[str, float]) -> None:
        """Show the numbers of a step, as ``train/NAME`` or ``valid/NAME``."""
        self._try(lambda package: package.log({f"{part}/{name}": values[name] for name in values}, step=step))

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Show a picture (RGB uint8 ``[H, W, 3]``)."""
        self._try(lambda package: package.log({name: package.Image(pixels)}, step=step))

    def close(self) -> None:
        """Finish the run."""
        self._try(lambda package: package.finish())

    def _try(self, call: Callable[[Any], object]) -> None:
        if not self._is_open:
            return
        try:
            call(self._package)
        except Exception as error:  # a service may fail in any way
            self._is_open = False
            warn(f"warning: {self.name} failed ({error!r}); the training goes on without it")


def open_watchers(names: Sequence[WatcherName], run: Path, title: str) -> list[Watcher]:
    """Open the services of a run, which show its ``config.yml``; arguments and errors as in `Watcher`."""
    config = read_yaml(run / "config.yml") if names and (run / "config.yml").is_file() else {}
    return [Watcher(name, run, title, config) for name in names]


def require_watchers(names: Sequence[WatcherName]) -> None:
    """Make sure that the packages of services are installed, without importing them.

    Raises:
        PatinaError: one is missing.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise PatinaError(f"watch: {name} is not installed: {install(name)}; or remove it")
