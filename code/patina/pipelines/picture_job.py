"""Map pictures to pictures, file by file, into an output folder that continues where an earlier command stopped."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from patina.imaging.picture_files import Picture, read_picture
from patina.imaging.sources import Source
from patina.imaging.written_formats import PNG, WrittenFormat
from patina.runs.folder_job import JobReport
from patina.runs.journal import Result, Wanted
from patina.runs.output_folder import OutputFolder
from patina.runs.overlapping_job import run_overlapping_job

Pixels = tuple[np.ndarray, np.ndarray | None]
"""Pixels and alpha as `write_picture` takes them; alpha is None for opaque pictures."""


def make_outdated(
    folder: OutputFolder,
    wanted: Sequence[Wanted],
    sources: Sequence[Source],
    compute: Callable[[Source, Mapping[str, Any], Picture], Pixels],
    *,
    description: str,
    form: WrittenFormat = PNG,
) -> JobReport[Path]:
    """Make the results that are missing or outdated in a folder.

    Args:
        folder: the output folder.
        wanted: all results, one file each.
        sources: the pictures that they are made from.
        compute: maps a source, the details of the wanted result and the source's picture to the result.
        description: label of the progress bar.
        form: how the results are stored; with their sources' EXIF data.

    Returns:
        The report; its results are the files written by this call.
    """
    by_name: dict[str | None, Source] = {source.name: source for source in sources}

    def read(item: Wanted) -> tuple[str | None, Picture]:
        source, digest = by_name[item.source], None
        with suppress(OSError):  # read_picture has a better message
            digest = folder.source_digest(source.name)
        return digest, read_picture(source.path)

    def work(item: Wanted, opened: tuple[str | None, Picture]) -> tuple[str | None, Pixels]:
        digest, picture = opened
        return digest, compute(by_name[item.source], item.details, picture)

    def write(item: Wanted, made: tuple[str | None, Pixels]) -> Path:
        output, (digest, (pixels, alpha)) = folder.path / item.output, made
        form.write(output, pixels, alpha, source=by_name[item.source].path)
        folder.record([Result(item.output, item.source, digest, item.details)])
        return output

    todo = folder.outdated(wanted)
    folder.begin(todo)
    report = run_overlapping_job(
        todo, read, work, write, description=description, name=lambda item: str(by_name[item.source])
    )
    folder.finish()
    return report
