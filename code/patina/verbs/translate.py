"""Translate a folder from one domain to the other with a trained degradation of any kind."""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from patina.build.learned import LEARNED, learned_degradation
from patina.config.files import load_config
from patina.config.learned import LearnedConfig
from patina.degradations.base import NOT_FINITE, Degradation, Parameters
from patina.degradations.learned import Knob, Span, Tiling, parse_span, require_range
from patina.errors import ConfigError, PatinaError, PictureError
from patina.imaging.files import Picture, list_pictures, read_picture, to_pixels, to_tensor, write_picture
from patina.models.files import file_hash
from patina.models.labels import CLEAN, REAL
from patina.runs.folder_job import JobReport, output_paths
from patina.runs.overlapping_job import run_overlapping_job
from patina.seeding import derive, numpy_rng
from patina.verbs.arguments import add_compute_flags, add_flag

DOMAINS = {"X": CLEAN, "Y": REAL}
LOG_NAME = "log.jsonl"


@dataclass(frozen=True)
class Record:
    """What made one translated picture: its line in the log.

    Attributes:
        output, source: file names.
        domain: of the source, X or Y.
        seed: as given with ``-seed``.
        sample: which of the translations of the picture.
        model: the model file's hash.
        precision: of the convolutions, "32" or "bf16-mixed".
        parameters: what was drawn for the picture; in the log they stand beside the others.
    """

    output: str
    source: str
    domain: str
    seed: int
    sample: int
    model: str
    precision: str = "32"
    parameters: Parameters = field(default_factory=dict)

    def to_line(self) -> str:
        """Return the record as a line of JSON."""
        values = asdict(self)
        return json.dumps(values | values.pop("parameters"))

    @classmethod
    def from_line(cls, line: str) -> "Record":
        """Undo `to_line`.

        Raises:
            ValueError: the line is not whole.
        """
        values = json.loads(line)
        own = {
            name: values.pop(name, None)
            for name in ("output", "source", "domain", "seed", "sample", "model", "precision")
        }
        return cls(**own, parameters=values)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "opt", help="configuration; needed for published .pth models alone")
    add_flag(parser, "model_path", help="model file; default: the configuration's finished run")
    add_flag(parser, "source_dir", "source", required=True, help="folder of pictures")
    add_flag(parser, "out_dir", "out", required=True, help="folder for the translated pictures")
    add_flag(parser, "source_domain", default="X", choices=list(DOMAINS), help="X: clean to real, Y: real to clean")
    add_knob_flags(parser)
    add_flag(parser, "samples", type=int, default=1, help="translations of every picture")
    add_flag(parser, "seed", type=int, default=0, help="of the noise; with the file's name it decides the result")
    add_flag(parser, "tile", type=int, help="side of a tile in pixels; less needs less memory")
    add_flag(parser, "overlap", type=int, help="overlap of tiles in pixels, for models that need one")
    add_flag(parser, "kept_mb", type=int, help="DeFlow: MiB for work that is not done twice; more is faster")
    add_compute_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Translate every picture of a folder that is not yet translated."""
    require_range("samples", arguments.samples, 1)
    config = load_learned_config(arguments.opt)
    path = model_path(arguments.model_path, config)
    degradation = learned_degradation(
        path,
        config,
        source=DOMAINS[arguments.source_domain],
        tiling=Tiling(arguments.tile, arguments.overlap, arguments.kept_mb),
        device=arguments.device,
        precision=arguments.precision,
        **given_knobs(arguments),
    )
    precision = "bf16-mixed" if degradation.precision == torch.bfloat16 else "32"
    like = Record("", "", arguments.source_domain, arguments.seed, 0, file_hash(path), precision)
    report = translate_folder(
        degradation, Path(arguments.source_dir), Path(arguments.out_dir), like, samples=arguments.samples
    )
    report.print_summary()
    report.print_made(Path(arguments.out_dir))
    return report.exit_code


def translate_folder(degradation: Degradation, source: Path, out: Path, like: Record, *, samples: int = 1) -> JobReport:
    """Degrade every picture of `source` into `out`, as PNG of the same size and depth.

    A picture whose log line says that it was made in the same way is not made again. Alpha is kept aside
    and put back.

    Args:
        degradation: what to do to a picture.
        source, out: folders.
        like: the seed and settings that every record shares.
        samples: results of a picture; with more than one, names end in ``_0``, ``_1``, …

    Raises:
        PatinaError: a folder cannot be used, or a picture in `out` that was not translated there would be overwritten.
    """
    if source.resolve() == out.resolve():
        raise PatinaError(f"{source}: source and output are the same folder; choose another output")
    jobs = list(_jobs(degradation, output_paths(list_pictures(source), out), like, samples))
    log = out / LOG_NAME
    _claim(log, [out / record.output for _, record in jobs])
    done = read_records(log)
    missing = [
        (path, record)
        for path, record in jobs
        if done.get(record.output) != record or not (out / record.output).is_file()
    ]

    def read(job: tuple[Path, Record]) -> Picture:
        return read_picture(job[0])

    def translate(job: tuple[Path, Record], picture: Picture) -> Picture:
        path, record = job
        key = derive(record.seed, path.name, record.sample)
        result = degradation.apply(to_tensor(picture.pixels), record.parameters, key)
        if not result.isfinite().all():
            raise PictureError(f"{path}: the model {NOT_FINITE}")
        return replace(picture, pixels=to_pixels(result, picture.pixels.dtype))

    def write(job: tuple[Path, Record], picture: Picture) -> None:
        write_picture(out / job[1].output, picture.pixels, picture.alpha)
        append_record(log, job[1])

    return run_overlapping_job(missing, read, translate, write, description="translate", name=lambda job: str(job[0]))


def _claim(log: Path, outputs: Iterable[Path]) -> None:
    """Start the log; refuse a folder that has none but pictures that would be overwritten."""
    if log.is_file():
        return
    strangers = [path for path in outputs if path.exists()]
    if strangers:
        raise PatinaError(f"{strangers[0]} exists and was not translated here; choose another output folder")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()


def read_records(log: Path) -> dict[str, Record]:
    """Return the newest record of every output; lines that a killed run left half written are passed over."""
    newest: dict[str, Record] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        try:
            record = Record.from_line(line)
        except ValueError:
            continue
        newest[record.output] = record
    return newest


def append_record(log: Path, record: Record) -> None:
    """Add a line to the log."""
    with log.open("a", encoding="utf-8") as stream:
        stream.write(record.to_line() + "\n")


def load_learned_config(given: str | None) -> LearnedConfig | None:
    """Read the configuration given with ``-opt``, if any."""
    if given is None:
        return None
    config = load_config(given)
    if not isinstance(config, LearnedConfig):
        raise ConfigError(f"{given}: task is {config.task}, expected one of {', '.join(LEARNED)}")
    return config


def model_path(given: str | None, config: LearnedConfig | None) -> Path:
    """Return the model to use: as given, or the configuration's finished run."""
    if given is not None:
        return Path(given)
    if config is None:
        raise PatinaError("neither -model_path nor -opt is given; name a model file or a trained configuration")
    return config.final_model()


def add_knob_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every knob of every kind of model."""
    for knob in _knobs():
        default = "" if knob.default is None else f" (default {knob.default:g})"
        add_flag(parser, knob.name, type=_span_argument, help=f"{knob.help}{default}; a range a:b is drawn per picture")


def given_knobs(arguments: argparse.Namespace) -> dict[str, Span]:
    """Return the knobs that were given on the command line."""
    values = {knob.name: getattr(arguments, knob.name) for knob in _knobs()}
    return {name: value for name, value in values.items() if value is not None}


def _span_argument(text: str) -> Span:
    try:
        return parse_span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _knobs() -> Iterable[Knob]:
    """Return every kind's knobs, those of one name once."""
    return {knob.name: knob for learned in LEARNED.values() for knob in learned.degradation.knobs}.values()


def _jobs(
    degradation: Degradation, outputs: dict[Path, Path], like: Record, samples: int
) -> Iterator[tuple[Path, Record]]:
    for path, output in outputs.items():
        for sample in range(samples):
            name = output.name if samples == 1 else f"{output.stem}_{sample}{output.suffix}"
            drawn = degradation.draw(numpy_rng(like.seed, "parameters", path.name, sample))
            yield path, replace(like, output=name, source=path.name, sample=sample, parameters=drawn)
