"""Make the pictures of a recipe's log again, from nothing but the log and the clean pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from patina.degradations.base import Size
from patina.degradations.blocks import LearnedBlock
from patina.degradations.execution import Engine, wants_batch
from patina.errors import PatinaError, PictureError
from patina.pipelines.recipe_job import Entry, Header, Job, by_source, read_log, run_jobs
from patina.runs.fingerprint import file_digest
from patina.runs.folder_job import JobReport, checked_workers


@dataclass(frozen=True)
class ReplayRequest:
    """Which log to make the pictures of again.

    Attributes:
        log: of a degraded set.
        out: folder for the pictures; None for the log's own.
        source: folder of the clean pictures; None for the one in the log.
        workers: processes; None for one a core.
        device: for learned steps.
    """

    log: Path
    out: Path | None = None
    source: Path | None = None
    workers: int | None = None
    device: str = "auto"


def replay(request: ReplayRequest) -> JobReport[list[Entry]]:
    """Make the pictures of a log again.

    Returns:
        The entries of each clean picture whose results are equal to the logged ones, and the failures; a result that
        differs is one, and is not written.

    Raises:
        PatinaError: the log, a folder or a model file cannot be used.
    """
    workers = checked_workers(request.workers)
    header, entries = read_log(request.log)
    folder = request.source or Path(header.source)
    out = request.out or request.log.parent
    if not folder.is_dir():
        raise PatinaError(f"{folder}: no such folder of clean pictures; name it with -source")
    _refuse_overwriting(folder, [out / entry.output for entry in entries])
    logged = by_source(entries)
    engine = _engine(header, entries, request.device)
    jobs = [Job(folder / name, partial(_as_logged, entries=group, source=name)) for name, group in logged.items()]
    return run_jobs(jobs, out, header.scale, engine, description="replay", workers=workers, on_result=lambda _: None)


def _as_logged(size: Size, _digest: str, *, entries: list[Entry], source: str) -> list[Entry]:
    """Return the entries, for a picture of the logged size."""
    if any(entry.size != size for entry in entries):
        height, width = entries[0].size
        raise PictureError(f"{source} is {size[1]}x{size[0]}, but {width}x{height} in the log; it is another picture")
    return entries


def _engine(header: Header, entries: list[Entry], device: str) -> Engine | None:
    wanting = [step for entry in entries for step in entry.steps if wants_batch(step)]
    if not wanting:
        return None
    paths = dict.fromkeys(step.parameters["model"] for step in wanting if step.op == LearnedBlock.name)
    # What learned models need takes seconds to import, and classical sets are done by then.
    from patina.specs.recipe_engine import make_engine

    for path in paths:
        if not Path(path).is_file():
            raise PatinaError(f"{path}: no such model file, and the log was made with it")
        if file_digest(Path(path)) != header.files.get(path):
            raise PatinaError(f"{path}: is another model than the log was made with")
    return make_engine(paths, device)


def _refuse_overwriting(folder: Path, outputs: Sequence[Path]) -> None:
    """Refuse outputs in the folder of clean pictures, whose names they have."""
    if any(path.parent.resolve() == folder.resolve() for path in outputs):
        raise PatinaError(f"{folder}: would overwrite the clean pictures; choose another -out")
