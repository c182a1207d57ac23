"""The provenance of a report, in terms that work on other machines: command, images, model and training."""

import platform
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from patina.degradations.knobs import Span
from patina.errors import PatinaError
from patina.fidelity.page import Provenance
from patina.fidelity.samples import files_digest, select_files
from patina.imaging.picture_files import list_pictures
from patina.imaging.sources import name_in
from patina.pipelines.degraded_domain import trained_folders
from patina.pipelines.translation import load_learned_config
from patina.runs.fingerprint import file_digest
from patina.runs.run_log import read_log
from patina.runs.run_models import BEST, FINAL, FOLDER
from patina.shipped import shown_path
from patina.specs.learned_spec import LearnedConfig
from patina.system.yaml_files import read_yaml, yaml_text
from patina.version import __version__

TRAINING_COMMAND = "patina train -opt config.yml    # the configuration below\n"


@dataclass(frozen=True)
class Measurement:
    """What a report measures, and how.

    Attributes:
        folders: folders of the images, by ``clean``, ``real`` and, unless a model generates them, ``generated``.
        paired: whether the real images show the same content as the clean ones.
        seed: seed of noise, patches and classifiers.
        classifier_steps: training steps of every classifier.
        limit: maximum number of images of every folder. None: all.
        side: larger images are center-cropped to this many pixels. None: whole images.
        scale: factor by which the clean images are downscaled.
        model: file of the model or the recipe that generates the images, if one does.
        knobs: the model's knobs that were set.
        measured: stems of the images that could be measured, by folder. Empty: of those chosen.
        nested: names of the folders whose subfolders are read, too.
    """

    folders: Mapping[str, Path]
    paired: bool
    seed: int
    classifier_steps: int
    limit: int | None = None
    side: int | None = None
    scale: int = 1
    model: Path | None = None
    knobs: Mapping[str, Span] = field(default_factory=dict)
    measured: Mapping[str, Sequence[str]] = field(default_factory=dict)
    nested: Collection[str] = ()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Names and values that a reader needs to make the measurement again."""
        clean = self.folders["clean"]
        chosen = select_files(clean, limit=self.limit, recursive="clean" in self.nested)
        stems = [name_in(clean, path) for path in chosen]
        names = {"clean": None, "real": stems if self.paired else None, "generated": stems} | dict(self.measured)
        facts = [
            (f"{name} images", images_fact(folder, limit=self.limit, names=names[name], recursive=name in self.nested))
            for name, folder in self.folders.items()
        ]
        facts.append(("pairs", "yes: every real image shows the content of its clean one" if self.paired else "no"))
        facts += [("pictures", f"at most {self.limit} of every folder")] if self.limit is not None else []
        facts += [("side", f"at most {self.side} pixels")] if self.side is not None else []
        facts += [("judge_steps", str(self.classifier_steps)), ("seed", str(self.seed))]
        facts += [("scale", f"clean images downscaled by {self.scale}")] if self.scale > 1 else []
        if self.model:
            kind = "model" if self.model.suffix == ".safetensors" else "recipe"
            facts.append((kind, f"{shown_path(self.model)}, SHA-256 {file_digest(self.model)}…"))
        facts += [(name, knob_text(value)) for name, value in self.knobs.items()]
        return [
            *facts,
            ("made with", f"Patina {__version__}, Python {platform.python_version()}, torch {torch.__version__}"),
        ]


@dataclass(frozen=True)
class TrainingRun:
    """The training run that a model comes from.

    Attributes:
        folder: folder of the run.
        config: its configuration.
    """

    folder: Path
    config: LearnedConfig

    @property
    def text(self) -> str:
        """The configuration as YAML, with paths in the form of `shown_path`."""
        values = read_yaml(self.folder / "config.yml")
        return yaml_text(_shown_paths(values))

    @property
    def log(self) -> list[dict[str, Any]]:
        """The complete lines of the run's log; a killed run may have left an incomplete one."""
        return read_log(self.folder)

    @property
    def training_folders(self) -> dict[str, Path]:
        """The folders of clean and of real images that it was trained on."""
        return trained_folders(self.config)

    @property
    def reads_subfolders(self) -> bool:
        """Whether images in the subfolders of its folders belong to them."""
        return self.config.reads_subfolders

    @property
    def own_folders(self) -> dict[str, Path]:
        """The folders of its validation images, or of its training images if it has none."""
        return self.training_folders | self.config.validation_folders


def provenance_of(measurement: Measurement, *, name: str, command: str, run: TrainingRun | None) -> Provenance:
    """Collect the provenance of a report.

    Args:
        measurement: what it measures.
        name: name of the degradation.
        command: the command that makes the report.
        run: the run that trained the model, if known; its training becomes part of the command.
    """
    return Provenance(
        name=name,
        command=f"{TRAINING_COMMAND}{command}" if run else command,
        facts=measurement.facts,
        config=run.text if run else "",
        log=run.log if run else [],
        notes=_training_notes(run, measurement.folders) if run else [],
    )


def run_of(path: Path) -> TrainingRun | None:
    """Return the run of a run folder, or of a model file in one; None for any other file.

    Raises:
        PatinaError: the folder is not a run of a learned degradation.
    """
    if path.is_dir():
        if not (path / "config.yml").is_file():
            raise PatinaError(
                f"{path}: not a run folder (it has no config.yml); expected a folder that `patina train` made for a "
                "learned degradation, or a model file"
            )
        return TrainingRun(path, load_learned_config(str(path / "config.yml")))
    folder = path.resolve().parents[1]
    return run_of(folder) if path.parent.name == FOLDER and (folder / "config.yml").is_file() else None


def name_of(source: Path) -> str:
    """Return the name of a report's subject: the run of a run folder or model file, with the step, or the stem."""
    if source.is_dir():
        return source.resolve().name
    run = run_of(source)
    if run is None:
        return source.stem
    if source.stem == FINAL:
        return run.folder.name
    return f"{run.folder.name}, {source.stem if source.stem == BEST else f'step {source.stem}'}"


def command_line(command: str, words: Sequence[str | Path], flags: Mapping[str, Any]) -> str:
    """Return a command as it is typed.

    Args:
        command: the Patina command.
        words: positional arguments.
        flags: values by flag. Paths are written by `shown_path`, lists as several words, and True as the flag alone;
            None and False are left out.
    """
    parts = ["patina", command, *map(_word, words)]
    for name, value in flags.items():
        if value is True:
            parts.append(f"-{name}")
        elif value is not None and value is not False:
            parts += [f"-{name}", *map(_word, value if isinstance(value, list | tuple) else [value])]
    return shlex.join(parts)


def knob_text(value: Span) -> str:
    """Return the value of a knob as it is typed: ``0.5``, or a range ``0.5:1.5``."""
    return ":".join(f"{end:g}" for end in value) if isinstance(value, tuple) else f"{value:g}"


def images_fact(
    folder: Path, *, limit: int | None = None, names: Sequence[str] | None = None, recursive: bool = False
) -> str:
    """State how many images of a folder were measured, with a digest of their names and contents."""
    files = select_files(folder, limit=limit, names=names, recursive=recursive)
    count = len(list_pictures(folder, None, recursive))
    return f"{len(files)} of the {count} in {shown_path(folder)}, SHA-256 {files_digest(files)}…"


def _training_notes(run: TrainingRun, folders: Mapping[str, Path]) -> list[str]:
    """Warn if the measured folders are the model's training folders."""
    trained = run.training_folders
    seen = [name for name in trained if folders[name].resolve() == trained[name].resolve()]
    if not seen:
        return []
    return [
        f"The model was trained on these {' and '.join(seen)} images. Images that it has not seen may measure worse: "
        "name folders of such, or add a validation set to the configuration."
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
