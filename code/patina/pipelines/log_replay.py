"""Repeat the degradations of a set from its log and the clean pictures alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from patina.degradations.base import Size
from patina.degradations.blocks import LearnedBlock
from patina.degradations.execution import Engine, wants_batch
from patina.degradations.plans import Step
from patina.errors import PatinaError, PictureError
from patina.imaging.sources import Source, is_in_stores, list_sources, source_named
from patina.pipelines.recipe_job import Job, Made, PictureMaker
from patina.pipelines.set_log import Entry, begin_set, by_source, finish_set, read_set_log
from patina.runs.fingerprint import file_digest
from patina.runs.folder_job import JobReport
from patina.runs.journal import Header, Wanted
from patina.runs.journal_place import folder_of_journal, is_beside, journal_file
from patina.runs.output_folder import OutputFolder
from patina.runs.worker_processes import checked_workers
from patina.seeding import numpy_rng
from patina.system.inner_paths import require_no_link_out
from patina.system.place_names import path_here


@dataclass(frozen=True)
class ReplayRequest:
    """A log to replay.

    Attributes:
        log: ``log.jsonl`` of a degraded set, or the set's folder.
        out: output folder; None for the folder of the log.
        source: folder of the clean pictures, whose links are followed, or their set in stores; None for the one named
            in the log, without links that lead out of it.
        workers: number of processes; None for one per core.
        device: for learned steps.
    """

    log: Path
    out: Path | None = None
    source: Path | None = None
    workers: int | None = None
    device: str = "auto"

    @property
    def folder(self) -> Path:
        """The folder of the log."""
        return self.log if self.log.is_dir() else folder_of_journal(self.log)


def replay(request: ReplayRequest) -> JobReport[Made]:
    """Make the LQ pictures of a log again, and compare them with the digests in the log.

    In the folder of the log, all pictures are made again. Another folder becomes the same set with the same log, and a
    second call continues it. A picture that would differ from the log is not written.

    Returns:
        The report; pictures that would differ are failures.

    Raises:
        PatinaError: the log, a folder or a model file cannot be used, or the log names files outside of its folders.
    """
    workers, log = checked_workers(request.workers), request.log
    log = journal_file(log) if log.is_dir() else log
    header, entries = read_set_log(log)
    if request.source is None and not header.source:
        raise PatinaError(f"{log} names no folder of clean images; set it with -source")
    source, out = request.source or path_here(header.source or ""), request.out or request.folder
    pictures = _pictures(source, list(by_source(entries)), follow_links=request.source is not None)
    _refuse_overwriting(source, [out / entry.output for entry in entries])
    engine = _engine(header, entries, request.device)
    maker = PictureMaker(out, header.made_by.settings["scale"], engine, workers)
    sources = list(pictures.values())
    with OutputFolder.open(out, header.made_by, source=source, sources=sources, images_only=is_beside(log)) as folder:
        if folder.log.exists() and folder.log.samefile(log):
            return maker.run(_jobs(entries, pictures), "replay", on_result=lambda made: None)
        todo = folder.outdated(Wanted(entry.output, entry.source, entry.details) for entry in entries)
        begin_set(folder, todo)
        missing = {item.output for item in todo}
        jobs = _jobs([entry for entry in entries if entry.output in missing], pictures)
        report = maker.run(
            jobs, "replay", on_result=lambda made: folder.record(entry.to_result() for entry in made.entries)
        )
        finish_set(folder)
    return report


def _pictures(source: Path, names: Sequence[str], follow_links: bool) -> dict[str, Source]:
    """Return the clean pictures of these names."""
    if is_in_stores(source):
        stored = {picture.name: picture for picture in list_sources(source, part="gt")}
        return {name: stored.get(name, Source(source / name, name)) for name in names}
    if not source.is_dir():
        raise PatinaError(f"{source}: no such folder of clean images; set it with -source")
    pictures = {name: source_named(source, name) for name in names}
    if not follow_links:
        require_no_link_out([picture.path.relative_to(source).as_posix() for picture in pictures.values()], source)
    return pictures


def _jobs(entries: Iterable[Entry], pictures: Mapping[str, Source]) -> list[Job]:
    """Return a job for every clean picture."""
    groups = by_source(entries)
    return [Job(pictures[name], partial(_as_logged, entries=group, source=name)) for name, group in groups.items()]


def _as_logged(size: Size, digest: str | None, *, entries: list[Entry], source: str) -> list[Entry]:
    """Return the logged entries of a picture, after a check of its size."""
    if any(entry.size != size for entry in entries):
        height, width = entries[0].size
        raise PictureError(f"{source} is {size[1]}x{size[0]}, but {width}x{height} in the log; it was replaced")
    return [replace(entry, source_digest=digest) for entry in entries]


def _engine(header: Header, entries: list[Entry], device: str) -> Engine | None:
    wanting = [step for entry in entries for step in entry.steps if wants_batch(step)]
    if not wanting:
        return None
    paths = dict.fromkeys(step.parameters["model"] for step in wanting if step.op == LearnedBlock.name)
    # Importing torch takes seconds, which a classical set need not wait for.
    from patina.specs.recipe_engine import make_engine

    for path in paths:
        if not Path(path).is_file():
            raise PatinaError(f"{path}: no such model file; the log was made with it")
        if file_digest(Path(path)) != header.made_by.models.get(path):
            raise PatinaError(f"{path} differs from the model that the log was made with")
    engine = make_engine(paths, device)
    for step in wanting:
        if step.op == LearnedBlock.name:
            _require_knobs(step, engine)
    return engine


def _require_knobs(step: Step, engine: Engine) -> None:
    model, given = step.parameters["model"], step.parameters["knobs"].keys()
    if given != (expected := engine.models[model].draw(numpy_rng(0)).keys()):
        found = ", ".join(given) or "none"
        raise PatinaError(f"the log sets the knobs {found} of {model}, expected {', '.join(expected) or 'none'}")


def _refuse_overwriting(folder: Path, outputs: Sequence[Path]) -> None:
    """Refuse to write into the folder of the clean pictures, which have the same names."""
    if any(path.parent.resolve() == folder.resolve() for path in outputs):
        raise PatinaError(f"{folder}: would overwrite the clean images; choose another -out")
