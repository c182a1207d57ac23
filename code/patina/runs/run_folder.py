"""The folder of a training run: resolved configuration, log, curves, previews, models and training states."""

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field

from patina.errors import PatinaError
from patina.runs import run_models
from patina.runs.folder_lock import folder_lock
from patina.runs.journal import Header
from patina.runs.made_by import MadeBy
from patina.runs.run_log import read_header, write_header
from patina.runs.run_mirror import NO_MIRROR, RunMirror
from patina.system.atomic import atomic_path, write_text
from patina.system.places import present
from patina.system.typed_values import typed

STATES = "training_state"
_IS_STEP = re.compile(r"[0-9]{1,15}").fullmatch


@dataclass(frozen=True)
class _State:
    """The entries of a training state; the task, the comparison and the meter check their own."""

    step: Annotated[int, Field(ge=1)]
    skipped: Annotated[int, Field(ge=0)]
    task: dict[str, Any]
    planned: Annotated[int | None, Field(ge=0)] = None
    validation_is_due: bool = False
    unwritten: list[dict[str, Any]] = field(default_factory=list)
    comparison: dict[str, Any] = field(default_factory=dict)
    meter: dict[str, Any] = field(default_factory=dict)


class RunFolder:
    """The files of one training run.

    Layout: ``config.yml``, ``log.jsonl``, ``models/``, ``training_state/``, ``tb/<name>/train`` and ``valid``,
    ``previews/<step>/``.

    Args:
        path: the folder; made if it is missing.
        name: name of the run, in messages and in TensorBoard.
        mirror: the copy that is sent whenever a state was saved.
    """

    def __init__(self, path: Path, name: str, mirror: RunMirror = NO_MIRROR):
        self.path = path
        self.name = name
        self.mirror = mirror
        for part in (run_models.FOLDER, STATES):
            (path / part).mkdir(parents=True, exist_ok=True)

    @classmethod
    @contextmanager
    def open(cls, path: Path, name: str, mirror: RunMirror = NO_MIRROR) -> Iterator["RunFolder"]:
        """Lock the folder for one training.

        Raises:
            PatinaError: another training writes into it.
        """
        with folder_lock(path, "train"):
            yield cls(path, name, mirror)

    def model_path(self, label: int | str) -> Path:
        """Return the path of the model of a step, or of ``"final"``, without suffix."""
        return self.path / run_models.FOLDER / str(label)

    def models_of(self, label: int | str) -> list[Path]:
        """Return the files of a step, of ``"final"`` or ``"best"``: one, or none yet."""
        return sorted((self.path / run_models.FOLDER).glob(f"{label}.*"))

    def copy_model(self, label: str, other: str) -> None:
        """Write the model of a label, which is there, under another one, too."""
        for model in self.models_of(label):
            with atomic_path(model.with_name(other + model.suffix)) as temporary:
                present(model)
                shutil.copyfile(model, temporary)

    def remove_models_of(self, label: int | str) -> None:
        """Remove the model of a label, if there is one."""
        for model in self.models_of(label):
            model.unlink()

    def remove_between(self, first: int, last: int, epoch: int | None) -> None:
        """Remove the models and states of all steps after `first` and before `last`.

        Args:
            first: the last step at which the plan of the training saved.
            last: the step that was saved last.
            epoch: steps per epoch, if models are labelled by epoch.
        """
        steps = {state: int(state.stem) for state in self.states()} | self._models_of_steps(epoch)
        for path, step in steps.items():
            if first < step < last:
                path.unlink()

    def remove_older(self, states: int, models: int | None, epoch: int | None) -> None:
        """Remove all but the newest states and the newest models that are labelled by step or epoch.

        Args:
            states: number of states kept, at least 1.
            models: number of models kept, at least 1; None keeps all.
            epoch: steps per epoch, if models are labelled by epoch.
        """
        found = self._models_of_steps(epoch)
        older = sorted(found, key=lambda path: found[path])[:-models] if models else []
        for old in [*self.states()[:-states], *older]:
            old.unlink()

    def _models_of_steps(self, epoch: int | None) -> dict[Path, int]:
        steps = {path: run_models.step_of(path, epoch) for path in (self.path / run_models.FOLDER).iterdir()}
        return {path: step for path, step in steps.items() if step is not None}

    def preview_path(self, step: int, name: str) -> Path:
        """Return the path of a picture of a validation."""
        return self.path / "previews" / f"{step:07d}" / f"{name}.png"

    @property
    def config(self) -> Path:
        """The resolved configuration of the last call that trained."""
        return self.path / "config.yml"

    @property
    def header(self) -> Header | None:
        """How the run began; None where that is not known."""
        return read_header(self.path)

    def begin(self, config: str, made_by: MadeBy) -> None:
        """Write down the resolved configuration and how the run begins."""
        write_text(self.config, config)
        write_header(self.path, made_by)

    def save_state(self, step: int, state: dict[str, Any]) -> None:
        """Write the training state of `step`."""
        stored = io.BytesIO()
        torch.save({"step": step, **state}, stored)
        with atomic_path(self.path / STATES / f"{step}.state") as temporary:
            temporary.write_bytes(stored.getbuffer())

    def states(self) -> list[Path]:
        """Return the saved states, oldest first."""
        found = (path for path in (self.path / STATES).glob("[0-9]*.state") if _IS_STEP(path.stem))
        return sorted(found, key=lambda path: int(path.stem))

    def load_last_state(self) -> dict[str, Any] | None:
        """Return the newest training state, or None in a fresh run.

        Raises:
            PatinaError: it is damaged, or gone at its address.
            OSError: this machine cannot read it.
        """
        if not (states := self.states()):
            return None
        last = states[-1]
        try:
            present(last)
        except FileNotFoundError:
            raise PatinaError(
                f"{last}: it is no longer there; run the same command again, to begin with what is"
            ) from None
        try:
            return vars(typed(_State, torch.load(last, map_location="cpu", weights_only=True)))
        except OSError:
            raise
        except Exception as error:
            raise PatinaError(
                f"{last}: cannot be read as a training state; remove it to continue from the one before"
            ) from error
