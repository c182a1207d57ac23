"""Translate a folder from one domain to the other with a trained degradation of any kind."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import torch

from patina.degradations.base import NOT_FINITE, Degradation, Parameters
from patina.degradations.learned_degradation import Knob, Span, Tiling
from patina.errors import ConfigError, PatinaError, PictureError, require_range
from patina.imaging.picture_files import Picture, read_picture, write_picture
from patina.imaging.sources import Source, list_sources, require_outside
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.models.labels import CLEAN, REAL
from patina.runs.fingerprint import KnownDigests, file_digest
from patina.runs.folder_job import JobReport, output_paths, refuse_strangers
from patina.runs.overlapping_job import run_overlapping_job
from patina.seeding import derive, numpy_rng
from patina.specs.configuration import load_config
from patina.specs.learned_spec import LearnedConfig, learned_degradation, learned_kinds
from patina.system.jsonl import Line, append_lines, read_lines

DOMAINS = {"X": CLEAN, "Y": REAL}
LOG_NAME = "log.jsonl"


@dataclass(frozen=True)
class TranslationRequest:
    """What to translate, and how.

    Attributes:
        source: a folder of pictures, or one picture.
        out: folder for the results.
        model: model file; None for that of the configuration's finished run.
        config: configuration, a path or a name in ``confs/``; needed for published models and without `model`.
        domain: the source's, X (clean) or Y (real); the results are of the other one.
        knobs: a number, or a range that one is drawn from for every picture, by the knob's name.
        samples: results of a picture; with more than one, names end in ``_0``, ``_1``, ...
        seed: of the noise; with the picture's name it decides the result.
        tiling: how large pictures are divided.
        device: where to compute.
        precision: of the convolutions: "32", "bf16-mixed", or "auto" for bf16 where it is fast and precise enough.
        recursive: whether pictures in subfolders of `source` are translated, too.
    """

    source: Path
    out: Path
    model: Path | None = None
    config: str | None = None
    domain: str = "X"
    knobs: Mapping[str, Span] = field(default_factory=dict)
    samples: int = 1
    seed: int = 0
    tiling: Tiling = Tiling()  # noqa: RUF009 - frozen
    device: str = "auto"
    precision: str = "auto"
    recursive: bool = False


@dataclass(frozen=True)
class Record:
    """What made one translated picture: its line in the log.

    Attributes:
        output: its file's name.
        source: the picture's, see `Source`.
        domain: of the source, X or Y.
        seed: as given with ``-seed``.
        sample: which of the translations of the picture.
        model: the model file's hash.
        precision: of the convolutions, "32" or "bf16-mixed".
        tile, overlap: of the tiles in pixels, None for the model's own.
        source_digest: what the source held.
        parameters: what was drawn for the picture; in the log they stand beside the others.
    """

    output: str
    source: str
    domain: str
    seed: int
    sample: int
    model: str
    precision: str = "32"
    tile: int | None = None
    overlap: int | None = None
    source_digest: str = ""
    parameters: Parameters = field(default_factory=dict)

    def to_line(self) -> Line:
        """Return the record as a line of the log."""
        values = asdict(self)
        return values | values.pop("parameters")

    @classmethod
    def from_line(cls, line: Line) -> "Record":
        """Undo `to_line`."""
        names = [each.name for each in fields(cls) if each.name != "parameters"]
        own = {name: line.get(name) for name in names}
        return cls(**own, parameters={name: value for name, value in line.items() if name not in own})


def translate(request: TranslationRequest) -> JobReport:
    """Translate every picture that is not yet translated, as PNG of the same size and depth.

    Raises:
        PatinaError: the model, a setting or a folder cannot be used; see `translate_folder`.
    """
    require_range("samples", request.samples, 1)
    config = load_learned_config(request.config)
    path = model_path(request.model, config)
    degradation = learned_degradation(
        path,
        config,
        source=DOMAINS[request.domain],
        tiling=request.tiling,
        device=request.device,
        precision=request.precision,
        **request.knobs,
    )
    precision = "bf16-mixed" if degradation.precision == torch.bfloat16 else "32"
    like = Record(
        "", "", request.domain, request.seed, 0, file_digest(path), precision,
        tile=request.tiling.tile, overlap=request.tiling.overlap,
    )  # fmt: skip
    return translate_folder(
        degradation, request.source, request.out, like, samples=request.samples, recursive=request.recursive
    )


def translate_folder(
    degradation: Degradation, source: Path, out: Path, like: Record, *, samples: int = 1, recursive: bool = False
) -> JobReport:
    """Degrade every picture of `source` into `out`, as PNG of the same size and depth.

    A picture whose log line says that it was made in the same way of the same file is not made again. Alpha is kept
    aside and put back.

    Args:
        degradation: what to do to a picture.
        source: a folder, or one picture.
        out: a folder.
        like: the seed and settings that every record shares.
        samples: results of a picture; with more than one, names end in ``_0``, ``_1``, …
        recursive: whether pictures in subfolders of `source` are translated, too.

    Raises:
        PatinaError: a folder cannot be used, or a picture in `out` that was not translated there would be overwritten.
    """
    require_outside(out, source, recursive)
    jobs = list(_jobs(degradation, output_paths(list_sources(source, recursive), out), like, samples))
    log = out / LOG_NAME
    _claim(log, [out / record.output for _, record in jobs])
    done = read_records(log)
    known, digests = KnownDigests(out), {}

    def is_made(source: Source, record: Record) -> bool:
        before = done.get(record.output)
        if before is None or replace(record, source_digest=before.source_digest) != before:
            return False
        return (out / record.output).is_file() and known.hold(source, before.source_digest)

    missing = [(each, record) for each, record in jobs if not is_made(each, record)]

    def read(job: tuple[Source, Record]) -> Picture:
        source = job[0]
        with suppress(OSError):  # which reading tells in words
            digests[source] = known.of(source)
        return read_picture(source.path)

    def translate(job: tuple[Source, Record], picture: Picture) -> Picture:
        source, record = job
        key = derive(record.seed, source.name, record.sample)
        result = degradation.apply(to_tensor(picture.pixels), record.parameters, key)
        if not result.isfinite().all():
            raise PictureError(f"{source}: the model {NOT_FINITE}")
        return replace(picture, pixels=to_pixels(result, picture.pixels.dtype))

    def write(job: tuple[Source, Record], picture: Picture) -> None:
        source, record = job
        write_picture(out / record.output, picture.pixels, picture.alpha)
        append_lines(log, [replace(record, source_digest=digests[source]).to_line()])

    return run_overlapping_job(missing, read, translate, write, description="translate", name=lambda job: str(job[0]))


def _claim(log: Path, outputs: Iterable[Path]) -> None:
    """Start the log; refuse a folder that has none but pictures that would be overwritten."""
    if log.is_file():
        if any("domain" not in line for line in read_lines(log)):
            raise PatinaError(f"{log.parent} holds pictures that were not translated; choose another output folder")
        return
    refuse_strangers(outputs)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()


def read_records(log: Path) -> dict[str, Record]:
    """Return the newest record of every output."""
    return {record.output: record for record in map(Record.from_line, read_lines(log))}


def load_learned_config(given: str | None) -> LearnedConfig | None:
    """Read the configuration given with ``-opt``, if any."""
    if given is None:
        return None
    config = load_config(given)
    if not isinstance(config, LearnedConfig):
        raise ConfigError(f"{given}: task is {config.task}, expected one of {', '.join(learned_kinds())}")
    return config


def model_path(given: Path | None, config: LearnedConfig | None) -> Path:
    """Return the model to use: as given, or the configuration's finished run."""
    if given is not None:
        return given
    if config is None:
        raise PatinaError("neither -model_path nor -opt is given; name a model file or a trained configuration")
    return config.final_model()


def known_knobs() -> Iterable[Knob]:
    """Return the knobs of all kinds of models; knobs of one name are one."""
    return {knob.name: knob for config in learned_kinds().values() for knob in config.degradation.knobs}.values()


def _jobs(
    degradation: Degradation, outputs: dict[Source, Path], like: Record, samples: int
) -> Iterator[tuple[Source, Record]]:
    for source, output in outputs.items():
        for sample in range(samples):
            name = output.name if samples == 1 else f"{output.stem}_{sample}{output.suffix}"
            drawn = degradation.draw(numpy_rng(like.seed, "parameters", source.name, sample))
            yield source, replace(like, output=name, source=source.name, sample=sample, parameters=drawn)
