"""What `degrade` and `replay` share: plans over a folder of pictures, on all cores, and their log.

The log's first line says how the set is made; every other line is one picture that was made, with all that was drawn.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from patina.degradations.base import Size
from patina.degradations.description import describe
from patina.degradations.execution import BATCH, Engine, Images, grow, serve_waiting
from patina.degradations.plans import Plan, Step
from patina.errors import PatinaError, PictureError
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.picture_files import png_bytes, read_picture, write_picture
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.runs.fingerprint import digest_of, file_digest
from patina.runs.folder_job import JobReport, refuse_strangers, run_folder_job
from patina.system.atomic import atomic_path, write_text
from patina.system.jsonl import Line, append_lines, read_lines, write_lines
from patina.system.progress import progress

LOG_NAME = "log.jsonl"
READABLE_NAME = "applied_degradations.txt"


@dataclass(frozen=True)
class Header:
    """How a set is made: the first line of its log.

    Attributes:
        patina: the version.
        recipe: as given.
        digest: of what the recipe says.
        seed: of all draws.
        scale: how many times smaller the results are.
        source: the folder of clean pictures.
        files: the digest of each file of a model or of kernels by its path.
    """

    patina: str
    recipe: str
    digest: str
    seed: int
    scale: int
    source: str
    files: dict[str, str]

    @property
    def meaning(self) -> tuple[Any, ...]:
        """What decides the pictures; two sets that agree in it can be continued as one."""
        return self.digest, self.seed, self.scale, tuple(self.files.values())


@dataclass(frozen=True)
class Entry:
    """One picture that is made, or was: a line of the log.

    Attributes:
        output: file, from the set's folder.
        source: name of the clean picture, see `Source`.
        source_digest: of that file, to notice that it was exchanged.
        variant: of the recipe; empty where it has none.
        size: of the clean picture, cropped.
        steps: all that is done to it.
        digest: of the written file; one that is given is what the file must come to.
    """

    output: str
    source: str
    source_digest: str
    variant: str
    size: Size
    steps: Plan
    digest: str = ""

    def to_line(self) -> Line:
        """Return the log's line."""
        return {**asdict(self), "steps": [step.to_dict() for step in self.steps]}

    @classmethod
    def from_line(cls, line: Line) -> "Entry":
        """Undo `to_line`.

        Raises:
            TypeError, KeyError: it is no entry.
        """
        steps = tuple(Step(**step) for step in line["steps"])
        return cls(**{**line, "size": tuple(line["size"]), "steps": steps})


@dataclass(frozen=True)
class Job:
    """One clean picture and what to make of it.

    Attributes:
        source: the clean picture.
        plan: gives the entries for the picture's (cropped) size and the file's digest.
        ground_truth: where the cropped clean picture goes, None for nowhere.
    """

    source: Path
    plan: Callable[[Size, str], list[Entry]]
    ground_truth: Path | None = None


@dataclass
class Opened:
    """A picture in the middle of its job."""

    entries: list[Entry]
    images: Images
    dtype: np.dtype
    waiting: list[Plan]


# Running


def run_jobs(
    jobs: Sequence[Job],
    out: Path,
    scale: int,
    engine: Engine | None,
    *,
    description: str,
    workers: int,
    on_result: Callable[[list[Entry]], None],
) -> JobReport[list[Entry]]:
    """Make the pictures of all jobs below `out`; a picture that cannot be used is skipped and reported.

    The results do not depend on `workers`. Without an engine each worker is a process; with one, workers are
    threads around it, and it takes the pictures in batches of the same composition every time.

    Args:
        jobs: what to do.
        out: the set's folder.
        scale: pictures are cropped to a multiple of it.
        engine: for the steps that want one; None if there are none.
        description: of the progress bar.
        workers: processes or threads.
        on_result: called with the entries of each finished picture.
    """
    if engine is None:
        return run_folder_job(
            jobs, partial(_make, out=out, scale=scale), description=description, name=lambda job: str(job.source),
            workers=workers, on_result=on_result,
        )  # fmt: skip
    report: JobReport[list[Entry]] = JobReport()
    outcomes = _with_engine(jobs, out, scale, engine, workers)
    for job, outcome in progress(outcomes, description, total=len(jobs)):
        if isinstance(outcome, PictureError):
            report.failures.append((str(job.source), str(outcome)))
        else:
            report.results.append(outcome)
            on_result(outcome)
    return report


def _make(job: Job, out: Path, scale: int) -> list[Entry]:
    return _write(_open(job, scale), out)


def _open(job: Job, scale: int) -> Opened:
    """Read a picture, draw what is to be done and do it as far as that goes without an engine."""
    pixels = read_picture(job.source, alpha="refuse").pixels
    if min(pixels.shape[:2]) < scale:
        raise PictureError(f"{job.source} is {pixels.shape[1]}x{pixels.shape[0]}; scale {scale} needs more pixels")
    pixels = crop_to_multiple(pixels, scale)
    if job.ground_truth is not None:
        write_picture(job.ground_truth, pixels)
    opened = Opened(job.plan(pixels.shape[:2], file_digest(job.source)), {(): to_values(pixels)}, pixels.dtype, [])
    return _grown(opened)


def _grown(opened: Opened) -> Opened:
    opened.waiting = grow(opened.images, [entry.steps for entry in opened.entries])
    return opened


def _write(opened: Opened, out: Path) -> list[Entry]:
    written = []
    for entry in opened.entries:
        encoded = png_bytes(values_to_pixels(opened.images[entry.steps], opened.dtype))
        digest = digest_of(encoded)
        if entry.digest not in ("", digest):
            raise PictureError(f"{entry.output} comes out otherwise than logged; it is left as it is")
        with atomic_path(out / entry.output) as temporary:
            temporary.write_bytes(encoded)
        written.append(replace(entry, digest=digest))
    return written


def _with_engine(
    jobs: Sequence[Job], out: Path, scale: int, engine: Engine, workers: int
) -> Iterator[tuple[Job, list[Entry] | PictureError]]:
    """Yield each job's outcome; while the engine works on a batch, the next one is already being opened."""
    batches = [jobs[start : start + BATCH] for start in range(0, len(jobs), BATCH)]
    open_job, write = partial(_attempt, partial(_open, scale=scale)), partial(_attempt, partial(_write, out=out))
    with ThreadPoolExecutor(workers) as pool:
        following = pool.map(open_job, batches[0]) if batches else iter(())
        for number, batch in enumerate(batches):
            states = list(following)
            following = pool.map(open_job, batches[number + 1]) if number + 1 < len(batches) else iter(())
            while waiting := [state for state in states if isinstance(state, Opened) and state.waiting]:
                serve_waiting([(state.images, state.waiting) for state in waiting], engine)
                states = list(pool.map(partial(_attempt, _grown), states))
            yield from zip(batch, pool.map(write, states), strict=True)


def _attempt(work: Callable[[Any], Any], item: Any) -> Any:
    """Return what `work` gives, or its `PictureError`; an earlier one is passed on."""
    if isinstance(item, PictureError):
        return item
    try:
        return work(item)
    except PictureError as error:
        return error


# The log


def open_log(out: Path, header: Header, outputs: Iterable[Path], names: Collection[str]) -> list[Entry]:
    """Start the log of a set, or return the entries of the one that is there.

    Raises:
        PatinaError: the folder holds pictures that were made otherwise, or of another folder than that of the `names`,
            or has no log but some of the `outputs`.
    """
    log = out / LOG_NAME
    if not log.is_file():
        refuse_strangers(outputs)
        write_lines(log, [asdict(header)])
        return []
    before, entries = read_log(log)
    if before.meaning != header.meaning:
        raise PatinaError(f"{out} holds pictures of another recipe, model, seed or scale; choose another output folder")
    if before.source != header.source and any(entry.source not in names for entry in entries):
        raise PatinaError(f"{out} holds pictures of {before.source}, too; choose another output folder")
    return entries


def read_log(log: Path) -> tuple[Header, list[Entry]]:
    """Read a log; lines that a killed run left half written are passed over.

    Raises:
        PatinaError: it is missing, or no log of a recipe.
    """
    if not log.is_file():
        raise PatinaError(f"{log}: there is no such file; expected the {LOG_NAME} of a degraded set")
    try:
        first, *lines = read_lines(log)
        header, entries = Header(**first), [Entry.from_line(line) for line in lines]
    except (ValueError, TypeError, KeyError):
        raise PatinaError(f"{log}: is no log of a recipe; expected the {LOG_NAME} of a degraded set") from None
    return header, list({entry.output: entry for entry in entries}.values())


def append_entries(out: Path, entries: Iterable[Entry]) -> None:
    """Add lines to the log of a set."""
    append_lines(out / LOG_NAME, (entry.to_line() for entry in entries))


def finish_log(out: Path, header: Header, sources: Sequence[str]) -> None:
    """Put the log in the order of the sources, and write the readable one beside it."""
    _, entries = read_log(out / LOG_NAME)
    place = {name: index for index, name in enumerate(sources)}
    entries.sort(key=lambda entry: (place.get(entry.source, len(place)), entry.output))
    write_lines(out / LOG_NAME, [asdict(header), *(entry.to_line() for entry in entries)])
    lines = [f"{entry.output} - {describe(entry.steps, entry.size)}\n" for entry in entries]
    write_text(out / READABLE_NAME, "".join(lines))


def by_source(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Group entries by their clean picture."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.source].append(entry)
    return groups


def is_made(entry: Entry, out: Path) -> bool:
    """Say whether an entry's file is there."""
    return os.path.isfile(out / entry.output)
