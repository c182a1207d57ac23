"""A run's folder: resolved configuration, log, curves, previews, models and training states."""

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patina.errors import PatinaError
from patina.runs import run_models as models
from patina.system.atomic import atomic_path, write_text
from patina.system.jsonl import append_lines, read_lines, write_lines


class RunFolder:
    """The files of one training run.

    Layout: ``config.yml``, ``start.json``, ``log.jsonl``, ``models/``, ``training_state/``, ``tb/<name>/train`` and
    ``valid``, ``previews/<step>/``.

    Args:
        path: the folder; made if missing.
        name: the run's name, used below ``tb/``.
    """

    def __init__(self, path: Path, name: str):
        self.path = path
        self.name = name
        for part in (models.FOLDER, "training_state"):
            (path / part).mkdir(parents=True, exist_ok=True)

    def model_path(self, label: int | str) -> Path:
        """Return where the model of a step (or ``"final"``) goes, without suffix."""
        return self.path / models.FOLDER / str(label)

    def preview_path(self, step: int, name: str) -> Path:
        """Return where a validation's picture goes."""
        return self.path / "previews" / f"{step:07d}" / f"{name}.png"

    @property
    def config(self) -> Path:
        """The configuration as resolved, in the words of the last call that trained."""
        return self.path / "config.yml"

    def write_config(self, text: str) -> None:
        """Write the configuration as resolved."""
        write_text(self.config, text)

    def began_with(self, digest: str | None) -> bool:
        """Say whether the run began with the model file of that digest, or None; so it did where nothing is known."""
        file = self.path / "start.json"
        return not file.is_file() or json.loads(file.read_text(encoding="utf-8"))["model"] == digest

    def write_start(self, digest: str | None) -> None:
        """Write down the model file that the run begins with, by its digest; None for none."""
        write_text(self.path / "start.json", json.dumps({"model": digest}) + "\n")

    def save_state(self, step: int, state: dict[str, Any], keep: int) -> None:
        """Write the training state of `step`, then remove all but the newest `keep`."""
        stored = io.BytesIO()
        torch.save({"step": step, **state}, stored)
        with atomic_path(self.path / "training_state" / f"{step}.state") as temporary:
            temporary.write_bytes(stored.getbuffer())
        for old in self.states()[:-keep]:
            old.unlink()

    def states(self) -> list[Path]:
        """Return the saved states, oldest first."""
        return sorted((self.path / "training_state").glob("[0-9]*.state"), key=lambda path: int(path.stem))

    def load_last_state(self) -> dict[str, Any] | None:
        """Return the newest training state, or None in a fresh run.

        Raises:
            PatinaError: it cannot be read.
        """
        if not (states := self.states()):
            return None
        try:
            return torch.load(states[-1], map_location="cpu", weights_only=True)
        except Exception as error:
            raise PatinaError(
                f"{states[-1]}: cannot be read as a training state; remove it to continue from the one before"
            ) from error


class RunLog:
    """The run's numbers, one JSON object a line, and the same as TensorBoard curves.

    Args:
        folder: the run's.
        last_step: the step a resumed run continues from; later lines are of an interrupted run and are
            dropped.
    """

    def __init__(self, folder: RunFolder, last_step: int):
        from torch.utils.tensorboard import SummaryWriter

        self._path = folder.path / "log.jsonl"
        self._drop_after(last_step)
        curves = folder.path / "tb" / folder.name
        self._writers = {
            part: SummaryWriter(str(curves / part), purge_step=last_step + 1 if last_step else None)
            for part in ("train", "valid")
        }

    def write(self, part: str, step: int, values: dict[str, float]) -> None:
        """Log `values` of `step`; `part` is ``"train"`` or ``"valid"``."""
        self._append({"part": part, "step": step, **values})
        for name, value in values.items():
            self._writers[part].add_scalar(name, value, step)

    def event(self, step: int, message: str) -> None:
        """Log something that happened."""
        self._append({"part": "event", "step": step, "message": message})

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Show a picture (RGB uint8 ``[H, W, 3]``) in TensorBoard."""
        self._writers["valid"].add_image(name, pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Write out the curves."""
        for writer in self._writers.values():
            writer.close()

    def _append(self, line: dict[str, Any]) -> None:
        append_lines(self._path, [{**line, "time": round(time.time(), 1)}])

    def _drop_after(self, last_step: int) -> None:
        kept = [line for line in read_lines(self._path) if line["step"] <= last_step]
        write_lines(self._path, kept)
