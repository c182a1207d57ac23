"""Where a report comes from, in words that a reader can use elsewhere: command, pictures, model, training."""

import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from patina.degradations.learned_degradation import Span
from patina.errors import PatinaError
from patina.fidelity.samples import chosen_files, fingerprint
from patina.imaging.picture_files import list_pictures
from patina.pipelines.translation import load_learned_config
from patina.runs.fingerprint import file_digest
from patina.runs.run_models import FINAL, FOLDER
from patina.settings import PROJECT_ROOT
from patina.specs.learned_settings import DomainSettings, LearnedConfig
from patina.system.jsonl import read_lines
from patina.version import __version__

TRAINED = "patina train -opt config.yml    # the configuration below\n"


@dataclass(frozen=True)
class Run:
    """The training that a model comes from.

    Attributes:
        folder: of the run.
        config: its configuration.
    """

    folder: Path
    config: LearnedConfig

    @property
    def text(self) -> str:
        """The configuration as YAML, with paths as `shown_path` shows them."""
        values = yaml.safe_load((self.folder / "config.yml").read_text(encoding="utf-8"))
        return yaml.safe_dump(_shown_paths(values), sort_keys=False, allow_unicode=True)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its log; those that a killed run left half written are passed over."""
        return read_lines(self.folder / "log.jsonl")

    @property
    def training_folders(self) -> dict[str, Path]:
        """The folders of clean and of real pictures that it was trained on."""
        return {name: picture_folder(getattr(self.config.data, name)) for name in ("clean", "real")}

    @property
    def own_folders(self) -> dict[str, Path]:
        """Its held-out folders, or where it has none those it was trained on."""
        held_out = {name: getattr(self.config.validation, name) for name in ("clean", "real")}
        return self.training_folders | {name: picture_folder(each) for name, each in held_out.items() if each}


def run_of(path: Path) -> Run | None:
    """Return the run of a run folder, or of a model file in one; None for any other file.

    Raises:
        PatinaError: the folder is no run of a learned degradation.
    """
    if path.is_dir():
        if not (path / "config.yml").is_file():
            raise PatinaError(
                f"{path}: no run folder (it has no config.yml) and no model file; name the run of a learned "
                "degradation, a folder that `patina train` made"
            )
        return Run(path, load_learned_config(str(path / "config.yml")))
    folder = path.resolve().parents[1]
    return run_of(folder) if path.parent.name == FOLDER and (folder / "config.yml").is_file() else None


def name_of(source: Path) -> str:
    """Return what a report is called: the run of a run folder or model file, with the step, or else the file's name."""
    if source.is_dir():
        return source.resolve().name
    run = run_of(source)
    if run is None:
        return source.stem
    return run.folder.name if source.stem == FINAL else f"{run.folder.name}, step {source.stem}"


def picture_folder(given: Path | DomainSettings) -> Path:
    """Return the folder of pictures that a configuration names."""
    return given if isinstance(given, Path) else given.folder / f"{given.image_scale}x"


def shown_path(path: str | Path) -> str:
    """Return a path as others can read it: from the working folder or the project's, else its last two parts."""
    absolute = Path(os.path.abspath(Path(path).expanduser()))  # resolve() would follow links, which have names too
    for base in (Path.cwd(), PROJECT_ROOT):
        for each in (absolute, absolute.resolve()):
            if each.is_relative_to(base):
                return str(each.relative_to(base))
    return "/".join(absolute.parts[-2:]) if len(absolute.parts) > 2 else str(absolute)


def command_line(verb: str, words: Sequence[str | Path], flags: Mapping[str, Any]) -> str:
    """Return a command as it is typed.

    Args:
        verb: of Patina.
        words: arguments without a flag.
        flags: values by flag; paths are shown by `shown_path`, lists are several words, True is a flag alone, and None
            and False are left out.
    """
    parts = ["patina", verb, *map(_word, words)]
    for name, value in flags.items():
        if value is True:
            parts.append(f"-{name}")
        elif value is not None and value is not False:
            parts += [f"-{name}", *map(_word, value if isinstance(value, list | tuple) else [value])]
    return shlex.join(parts)


def knob_word(value: Span) -> str:
    """Return a knob's value as it is typed: ``0.5``, or a range ``0.5:1.5``."""
    return ":".join(f"{end:g}" for end in value) if isinstance(value, tuple) else f"{value:g}"


def pictures_fact(folder: Path, *, limit: int, names: Sequence[str] | None = None) -> str:
    """Say how many pictures of a folder were measured, and what names and contents they had."""
    files = chosen_files(folder, limit=limit, names=names)
    return f"{len(files)} of the {len(list_pictures(folder))} in {shown_path(folder)}, SHA-256 {fingerprint(files)}…"


def model_fact(model: Path) -> str:
    """Name a model file."""
    return f"{shown_path(model)}, SHA-256 {file_digest(model)}…"


def made_with() -> tuple[str, str]:
    """Return the fact of the versions."""
    return "made with", f"Patina {__version__}, Python {platform.python_version()}, torch {torch.__version__}"


def training_notes(run: Run | None, measured: Mapping[str, Path]) -> list[str]:
    """Warn of pictures that the model was trained on.

    Args:
        run: that made the model.
        measured: folders of the report by ``clean`` and ``real``.
    """
    if run is None:
        return []
    trained = run.training_folders
    seen = [name for name, folder in measured.items() if folder.resolve() == trained[name].resolve()]
    if not seen:
        return []
    return [
        f"The {' and the '.join(seen)} pictures are those that the model was trained on. Pictures that it has not seen "
        "may measure worse: name folders of such, or give the configuration a validation set."
    ]


def _shown_paths(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _shown_paths(value) for key, value in values.items()}
    if isinstance(values, list):
        return [_shown_paths(value) for value in values]
    return shown_path(values) if isinstance(values, str) and Path(values).is_absolute() else values


def _word(value: Any) -> str:
    is_path = isinstance(value, Path) or (isinstance(value, str) and Path(value).is_absolute())
    return shown_path(value) if is_path else str(value)
