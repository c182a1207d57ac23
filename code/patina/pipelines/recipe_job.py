"""What `degrade` and `replay` share: plans over the pictures of a folder, on all cores, and their log."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
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
from patina.imaging.sources import Source
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.runs.fingerprint import digest_if_readable, digest_of
from patina.runs.folder_job import JobReport, run_folder_job
from patina.runs.journal import Header, Result, Wanted, read_journal
from patina.runs.output_folder import OutputFolder
from patina.system.atomic import atomic_path, write_text
from patina.system.progress import progress

COMMAND = "degrade"
READABLE_NAME = "applied_degradations.txt"


@dataclass(frozen=True)
class Entry:
    """One LQ picture that is to be made, or was made: a line of the log.

    Attributes:
        output: file, relative to the set's folder.
        source: name of the clean picture, see `Source`.
        source_digest: of the clean picture's file.
        variant: of the recipe; empty where it has none.
        size: of the clean picture, cropped to a multiple of the scale.
        steps: all that is done to the clean picture.
        digest: of the written file; if it is given, the file must come out with it.
    """

    output: str
    source: str
    source_digest: str | None
    variant: str
    size: Size
    steps: Plan
    digest: str = ""

    @property
    def details(self) -> dict[str, Any]:
        """What the log says besides output and source, as plain values."""
        steps = [step.to_dict() for step in self.steps]
        return {"variant": self.variant, "size": self.size, "steps": steps, "digest": self.digest}

    def to_result(self) -> Result:
        """Return the journal's line."""
        return Result(self.output, self.source, self.source_digest, self.details)

    @classmethod
    def from_result(cls, result: Result) -> "Entry":
        """Undo `to_result`.

        Raises:
            KeyError, TypeError: the line is of something else.
        """
        details = dict(result.details)
        steps = tuple(Step(**step) for step in details.pop("steps"))
        size = tuple(details.pop("size"))
        return cls(result.output, result.source or "", result.source_digest, size=size, steps=steps, **details)


@dataclass(frozen=True)
class Job:
    """One clean picture and what to make of it.

    Attributes:
        source: the clean picture.
        plan: gives the entries for the picture's cropped size and its file's digest.
        ground_truth: file for the cropped clean picture; None for no such file.
    """

    source: Source
    plan: Callable[[Size, str | None], list[Entry]]
    ground_truth: Path | None = None


@dataclass(frozen=True)
class Made:
    """What was made of one clean picture.

    Attributes:
        entries: the LQ pictures.
        ground_truth: the cropped clean picture, if it was asked for.
    """

    entries: list[Entry]
    ground_truth: Result | None = None


@dataclass
class Opened:
    """A picture in the middle of its job."""

    made: Made
    images: Images
    dtype: np.dtype
    waiting: list[Plan]


# Running


@dataclass(frozen=True)
class PictureMaker:
    """What runs jobs; the results do not depend on `workers`.

    Without an engine every worker is a process. With one, workers are threads around it, and it takes the pictures in
    batches of the same composition every time.

    Attributes:
        out: the set's folder.
        scale: pictures are cropped to a multiple of it.
        engine: computes the steps that need one; None if there are none.
        workers: processes or threads.
    """

    out: Path
    scale: int
    engine: Engine | None
    workers: int

    def run(self, jobs: Sequence[Job], description: str, on_result: Callable[[Made], None]) -> JobReport[Made]:
        """Do all jobs; a picture that cannot be used is skipped and reported.

        Args:
            jobs: what to do.
            description: of the progress bar.
            on_result: called with what was made of a picture, as soon as it is written.
        """
        if self.engine is None:
            return run_folder_job(
                jobs, partial(_make, out=self.out, scale=self.scale),
                description=description, name=_name, workers=self.workers, on_result=on_result,
            )  # fmt: skip
        report: JobReport[Made] = JobReport()
        for job, outcome in progress(self._with_engine(jobs, self.engine), description, total=len(jobs)):
            if isinstance(outcome, PictureError):
                report.failures.append((_name(job), str(outcome)))
            else:
                report.results.append(outcome)
                on_result(outcome)
        return report

    def _with_engine(self, jobs: Sequence[Job], engine: Engine) -> Iterator[tuple[Job, Made | PictureError]]:
        """Yield the outcome of every job; while the engine works on a batch, the next one is being opened."""
        batches = [jobs[start : start + BATCH] for start in range(0, len(jobs), BATCH)]
        open_job = partial(_attempt, partial(_open, scale=self.scale))
        write = partial(_attempt, partial(_write, out=self.out))
        with ThreadPoolExecutor(self.workers) as pool:
            following = pool.map(open_job, batches[0]) if batches else iter(())
            for number, batch in enumerate(batches):
                states = list(following)
                following = pool.map(open_job, batches[number + 1]) if number + 1 < len(batches) else iter(())
                while waiting := [state for state in states if isinstance(state, Opened) and state.waiting]:
                    serve_waiting([(state.images, state.waiting) for state in waiting], engine)
                    states = list(pool.map(partial(_attempt, _grown), states))
                yield from zip(batch, pool.map(write, states), strict=True)


def _name(job: Job) -> str:
    return str(job.source)


def _make(job: Job, out: Path, scale: int) -> Made:
    return _write(_open(job, scale), out)


def _open(job: Job, scale: int) -> Opened:
    """Read a picture, draw what is to be done to it, and do as much of that as needs no engine."""
    path, digest = job.source.path, digest_if_readable(job.source.path)
    pixels = cropped_to_scale(read_picture(path, alpha="refuse").pixels, scale, str(path))
    made = Made(job.plan(pixels.shape[:2], digest))
    if job.ground_truth is not None:
        write_picture(job.ground_truth, pixels)
        made = replace(made, ground_truth=Result(job.ground_truth.name, job.source.name, digest))
    return _grown(Opened(made, {(): to_values(pixels)}, pixels.dtype, []))


def cropped_to_scale(pixels: np.ndarray, scale: int, name: str) -> np.ndarray:
    """Return a view of a clean picture, cropped to a multiple of the scale.

    Raises:
        PictureError: the picture, which the message calls `name`, is smaller than the scale.
    """
    if min(pixels.shape[:2]) < scale:
        raise PictureError(f"{name} is {pixels.shape[1]}x{pixels.shape[0]}; scale {scale} needs more pixels")
    return crop_to_multiple(pixels, scale)


def _grown(opened: Opened) -> Opened:
    opened.waiting = grow(opened.images, [entry.steps for entry in opened.made.entries])
    return opened


def _write(opened: Opened, out: Path) -> Made:
    written = []
    for entry in opened.made.entries:
        encoded = png_bytes(values_to_pixels(opened.images[entry.steps], opened.dtype))
        digest = digest_of(encoded)
        if entry.digest not in ("", digest):
            raise PictureError(f"{entry.output} comes out otherwise than logged; it is left as it is")
        with atomic_path(out / entry.output) as temporary:
            temporary.write_bytes(encoded)
        written.append(replace(entry, digest=digest))
    return replace(opened.made, entries=written)


def _attempt(work: Callable[[Any], Any], item: Any) -> Any:
    """Return what `work` gives, or its `PictureError`; an earlier one is passed on."""
    if isinstance(item, PictureError):
        return item
    try:
        return work(item)
    except PictureError as error:
        return error


# The log


def read_set_log(log: Path) -> tuple[Header, list[Entry]]:
    """Read the log of a degraded set; half a line that a killed run has left is passed over.

    Raises:
        PatinaError: the log is missing, or is of something else.
    """
    journal = read_journal(log, COMMAND)
    try:
        return journal.header, [Entry.from_result(result) for result in journal.results.values()]
    except (KeyError, TypeError):
        raise PatinaError(f"{log} has lines that are not of `patina {COMMAND}`; expected the log of a set") from None


def begin_set(folder: OutputFolder, todo: Sequence[Wanted]) -> None:
    """Begin what is to be made in the folder of a set, whose readable log is outdated then."""
    if todo:
        (folder.path / READABLE_NAME).unlink(missing_ok=True)
    folder.begin(todo)


def finish_set(folder: OutputFolder) -> None:
    """Finish the log of a set, and write its readable form beside it where that is missing."""
    readable = folder.path / READABLE_NAME
    if not readable.exists():
        entries = map(Entry.from_result, folder.results)
        lines = [f"{entry.output} - {describe(entry.steps, entry.size)}\n" for entry in entries]
        write_text(readable, "".join(lines))
    folder.finish()


def by_source(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Group entries by their clean picture."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.source].append(entry)
    return groups
