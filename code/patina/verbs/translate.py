"""Translate a folder from one domain to the other with a trained DeFlow."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from patina.build import learned_degradation
from patina.config import DeFlowConfig, load_config
from patina.degradations.base import Degradation
from patina.degradations.deflow import Tiling
from patina.errors import ConfigError, PatinaError
from patina.imaging.files import list_pictures, read_picture, to_pixels, to_tensor, write_picture
from patina.models.deflow import CLEAN, REAL
from patina.models.files import file_hash
from patina.runs.folder_job import JobReport, output_paths, run_folder_job
from patina.seeding import derive, numpy_rng
from patina.verbs.arguments import add_compute_flags, add_flag
from patina.verbs.train import final_model

DOMAINS = {"X": CLEAN, "Y": REAL}
LOG_NAME = "log.jsonl"


@dataclass(frozen=True)
class Record:
    """What made one translated picture: its line in the log."""

    output: str
    source: str
    domain: str
    seed: int
    heat: float
    sample: int
    model: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "opt", help="configuration; needed for published .pth models alone")
    add_flag(parser, "model_path", help="model file; default: the configuration's finished run")
    add_flag(parser, "source_dir", "source", required=True, help="folder of pictures")
    add_flag(parser, "out_dir", "out", required=True, help="folder for the translated pictures")
    add_flag(parser, "source_domain", default="X", choices=list(DOMAINS), help="X: clean to real, Y: real to clean")
    add_flag(parser, "heat", type=float, default=1.0, help="how far to translate, 0 to 1")
    add_flag(parser, "samples", type=int, default=1, help="translations of every picture")
    add_flag(parser, "seed", type=int, default=0, help="of the noise; with the file's name it decides the result")
    add_flag(parser, "tile", type=int, default=512, help="side of a tile in pixels; less needs less memory")
    add_flag(parser, "overlap", type=int, default=64, help="overlap of tiles in pixels")
    add_compute_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Translate every picture of a folder that is not yet translated."""
    require_range("heat", arguments.heat, 0, 1)
    require_range("samples", arguments.samples, 1)
    config = load_deflow_config(arguments.opt)
    path = model_path(arguments.model_path, config)
    degradation = learned_degradation(
        path,
        config,
        source=DOMAINS[arguments.source_domain],
        heat=arguments.heat,
        tiling=make_tiling(arguments.tile, arguments.overlap),
        device=arguments.device,
        precision=arguments.precision,
    )
    like = Record("", "", arguments.source_domain, arguments.seed, arguments.heat, 0, file_hash(path))
    report = translate_folder(
        degradation, Path(arguments.source_dir), Path(arguments.out_dir), like, samples=arguments.samples
    )
    report.print_summary()
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
    """
    if source.resolve() == out.resolve():
        raise PatinaError(f"{source}: source and output are the same folder; choose another output")
    jobs = _jobs(output_paths(list_pictures(source), out), like, samples)
    out.mkdir(parents=True, exist_ok=True)
    log = out / LOG_NAME
    done = read_records(log)
    missing = [(path, record) for path, record in jobs if record not in done or not (out / record.output).is_file()]

    def translate(job: tuple[Path, Record]) -> None:
        path, record = job
        picture = read_picture(path)
        name, key = path.name, derive(record.seed, path.name, record.sample)
        parameters = degradation.draw(numpy_rng(record.seed, "parameters", name, record.sample))
        result = degradation.apply(to_tensor(picture.pixels), parameters, key)
        write_picture(out / record.output, to_pixels(result, picture.pixels.dtype), picture.alpha)
        append_record(log, record)

    return run_folder_job(missing, translate, description="translate", name=lambda job: str(job[0]))


def read_records(log: Path) -> set[Record]:
    """Return the newest record of every output; lines that a killed run left half written are passed over."""
    newest: dict[str, Record] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        try:
            record = Record(**json.loads(line))
        except (json.JSONDecodeError, TypeError):
            continue
        newest[record.output] = record
    return set(newest.values())


def append_record(log: Path, record: Record) -> None:
    """Add a line to the log."""
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(record)) + "\n")


def load_deflow_config(given: str | None) -> DeFlowConfig | None:
    """Read the configuration given with ``-opt``, if any."""
    if given is None:
        return None
    config = load_config(given)
    if not isinstance(config, DeFlowConfig):
        raise ConfigError(f"{given}: task is {config.task}, expected deflow")
    return config


def model_path(given: str | None, config: DeFlowConfig | None) -> Path:
    """Return the model to use: as given, or the configuration's finished run."""
    if given is not None:
        return Path(given)
    if config is None:
        raise PatinaError("neither -model_path nor -opt is given; name a model file or a trained configuration")
    return final_model(config)


def make_tiling(tile: int, overlap: int) -> Tiling:
    """Return the tiling of the flags ``-tile`` and ``-overlap``."""
    require_range("tile", tile, 64)
    require_range("overlap", overlap, 0, tile // 2)
    return Tiling(tile, overlap)


def require_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a flag's value outside of its range."""
    if not low <= value <= high:
        expected = f"{low} to {high}" if high < float("inf") else f"{low} or more"
        raise PatinaError(f"-{name} is {value}, expected {expected}")


def _jobs(outputs: dict[Path, Path], like: Record, samples: int) -> Iterable[tuple[Path, Record]]:
    for path, output in outputs.items():
        for sample in range(samples):
            name = output.name if samples == 1 else f"{output.stem}_{sample}{output.suffix}"
            yield path, replace(like, output=name, source=path.name, sample=sample)
