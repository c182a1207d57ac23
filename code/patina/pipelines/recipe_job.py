"""Jobs of `degrade` and `replay`: plans over the pictures of a folder, on all cores."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from patina.degradations.base import Size
from patina.degradations.execution import BATCH, Engine, Images, grow, serve_waiting
from patina.degradations.plans import Plan
from patina.errors import PictureError
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.picture_files import png_bytes, read_picture, write_picture
from patina.imaging.sources import Source
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.pipelines.set_log import Entry
from patina.runs.fingerprint import digest_if_readable, digest_of
from patina.runs.folder_job import Attempts, JobReport, Outcome, attempt, continued, reported, run_folder_job
from patina.runs.journal import Result
from patina.system.atomic import atomic_path


@dataclass(frozen=True)
class Job:
    """A clean picture, and what to make from it.

    Attributes:
        source: the clean picture.
        plan: maps the picture's size, cropped to multiples of the scale, and the digest of its file to entries.
        ground_truth: file to write the cropped clean picture to; None to write none.
    """

    source: Source
    plan: Callable[[Size, str | None], list[Entry]]
    ground_truth: Path | None = None


@dataclass(frozen=True)
class Made:
    """The results of a job.

    Attributes:
        entries: the LQ pictures.
        ground_truth: the cropped clean picture; None if the job asks for none.
    """

    entries: list[Entry]
    ground_truth: Result | None = None


@dataclass
class _Opened:
    """A job in progress.

    Attributes:
        made: its results, without the digests of files that are not written yet.
        images: the picture by the steps that are done.
        dtype: dtype of the clean picture's pixels.
        waiting: plans whose next step needs the engine.
    """

    made: Made
    images: Images
    dtype: np.dtype
    waiting: list[Plan]


@dataclass(frozen=True)
class PictureMaker:
    """Runs jobs. The results do not depend on the number of workers.

    Without an engine, workers are processes. With an engine, workers are threads around it, and the engine gets batches
    that always consist of the same pictures.

    Attributes:
        out: folder of the set.
        scale: clean pictures are cropped to multiples of it.
        engine: computes the steps that need a model or an accelerator; None if there are none.
        workers: number of processes or threads.
    """

    out: Path
    scale: int
    engine: Engine | None
    workers: int

    def run(self, jobs: Sequence[Job], description: str, on_result: Callable[[Made], None]) -> JobReport[Made]:
        """Run all jobs; pictures that cannot be used are skipped and reported.

        Args:
            jobs: the jobs.
            description: label of the progress bar.
            on_result: called with the results of every job as soon as they are written.
        """
        if self.engine is None:
            return run_folder_job(
                jobs, partial(_make, out=self.out, scale=self.scale),
                description=description, name=_name, workers=self.workers, on_result=on_result,
            )  # fmt: skip
        return reported(self._with_engine(jobs, self.engine), jobs, description, _name, on_result)

    def attempts(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield the outcome of every job, in order, made in this process alone."""
        if self.engine is None:
            yield from (attempt(_make, job, self.out, self.scale) for job in jobs)
        else:
            yield from (outcome for _, outcome in self._with_engine(jobs, self.engine))

    def _with_engine(self, jobs: Sequence[Job], engine: Engine) -> Attempts:
        """Yield every job's place and outcome; while the engine works on a batch, threads open the next one."""
        batches = [jobs[start : start + BATCH] for start in range(0, len(jobs), BATCH)]
        open_job = partial(attempt, partial(_open, scale=self.scale))
        write = partial(continued, work=partial(_write, out=self.out))
        with ThreadPoolExecutor(self.workers) as pool:
            following = pool.map(open_job, batches[0]) if batches else iter(())
            for number in range(len(batches)):
                states = list(following)
                following = pool.map(open_job, batches[number + 1]) if number + 1 < len(batches) else iter(())
                while waiting := [state.result for state in states if state.failure is None and state.result.waiting]:
                    serve_waiting([(opened.images, opened.waiting) for opened in waiting], engine)
                    states = list(pool.map(partial(continued, work=_grown), states))
                yield from enumerate(pool.map(write, states), start=number * BATCH)


def _name(job: Job) -> str:
    return str(job.source)


def _make(job: Job, out: Path, scale: int) -> Made:
    return _write(_open(job, scale), out)


def _open(job: Job, scale: int) -> _Opened:
    """Read the picture of a job, draw its plans, and execute them up to the first step that needs the engine."""
    path = job.source.path
    digest = digest_if_readable(path)  # before the picture is read, so that a change in between is noticed later
    pixels = cropped_to_scale(read_picture(path, alpha="refuse").pixels, scale, str(path))
    made = Made(job.plan(pixels.shape[:2], digest))
    if job.ground_truth is not None:
        write_picture(job.ground_truth, pixels)
        made = replace(made, ground_truth=Result(job.ground_truth.name, job.source.name, digest))
    return _grown(_Opened(made, {(): to_values(pixels)}, pixels.dtype, []))


def cropped_to_scale(pixels: np.ndarray, scale: int, name: str) -> np.ndarray:
    """Return a view of a clean picture, cropped to a multiple of the scale.

    Raises:
        PictureError: the picture, which the message calls `name`, is smaller than the scale.
    """
    if min(pixels.shape[:2]) < scale:
        raise PictureError(f"{name} is {pixels.shape[1]}x{pixels.shape[0]}; scale {scale} needs more pixels")
    return crop_to_multiple(pixels, scale)


def _grown(opened: _Opened) -> _Opened:
    opened.waiting = grow(opened.images, [entry.steps for entry in opened.made.entries])
    return opened


def _write(opened: _Opened, out: Path) -> Made:
    written = []
    for entry in opened.made.entries:
        encoded = png_bytes(values_to_pixels(opened.images[entry.steps], opened.dtype))
        digest = digest_of(encoded)
        if entry.digest not in ("", digest):
            raise PictureError(f"{entry.output} would differ from the log; it is left as it is")
        with atomic_path(out / entry.output) as temporary:
            temporary.write_bytes(encoded)
        written.append(replace(entry, digest=digest))
    return replace(opened.made, entries=written)
