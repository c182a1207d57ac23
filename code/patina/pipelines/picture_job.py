"""Map pictures to pictures, file by file, into an output folder that continues where an earlier command stopped."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from patina.imaging.picture_files import Picture, read_picture
from patina.imaging.sources import Source, folder_of, require_outside
from patina.imaging.written_formats import PNG, WrittenFormat
from patina.pipelines.tar_output import require_apart, write_tars
from patina.runs.folder_job import JobReport
from patina.runs.journal import Result, Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder, Replace
from patina.runs.overlapping_job import run_overlapping_job
from patina.runs.shards import Shard
from patina.runs.tar_target import TarLimits, TarTarget

Pixels = tuple[np.ndarray, np.ndarray | None]
"""Pixels and alpha as `write_picture` takes them; alpha is None for opaque pictures."""


class FromFileToFile(Protocol):
    """Makes results of pictures that are too large to be read at once."""

    def takes(self, path: Path) -> bool:
        """Whether a picture is made so."""

    def __call__(self, source: Path, output: Path) -> None:
        """Make the result of a picture."""


@dataclass(frozen=True)
class Output:
    """What a command reads, and where its results go.

    Attributes:
        source: a folder of pictures, one picture, or a set in stores.
        sources: the pictures in it.
        out: a folder, or a pattern of tars.
        made_by: everything that decides the results.
        recursive: whether the sources include subfolders.
        shard: the part of the pictures to take; None for all.
        replace: which earlier results to remove, see `OutputFolder.open`.
        limits: when a tar is full.
    """

    source: Path
    sources: Sequence[Source]
    out: Path
    made_by: MadeBy
    recursive: bool = False
    shard: Shard | None = None
    replace: Replace = "never"
    limits: TarLimits = TarLimits()  # noqa: RUF009 - frozen

    def folder(self, path: Path, sources: Sequence[Source]) -> AbstractContextManager[OutputFolder]:
        """Open a folder for the results of some of the pictures."""
        source = folder_of(self.source)
        return OutputFolder.open(
            path, self.made_by, source=source, sources=sources, replace=self.replace, shard=self.shard
        )


def make_results(
    output: Output,
    wanted: Sequence[Wanted],
    compute: Callable[[Source, Mapping[str, Any], Picture], Pixels],
    *,
    form: WrittenFormat = PNG,
    keep_exif: bool = False,
    huge: FromFileToFile | None = None,
) -> JobReport[Path]:
    """Make the results that are missing or outdated, in a folder or in tars; arguments as in `make_outdated`.

    Raises:
        PatinaError: results would be sources of the next call, or see `OutputFolder.open` and `write_tars`.
    """
    target = TarTarget.parse(output.out)
    how: dict[str, Any] = {"description": output.made_by.command, "form": form, "keep_exif": keep_exif, "huge": huge}
    if target is None:
        require_outside(output.out, output.source, output.recursive)
        with output.folder(output.out, output.sources) as folder:
            return make_outdated(folder, wanted, output.sources, compute, **how)
    require_apart(target, output.source, output.recursive, output.sources)
    by_source: dict[str | None, list[Wanted]] = {}
    for item in wanted:
        by_source.setdefault(item.source, []).append(item)

    def make(part: slice, path: Path) -> JobReport[Path]:
        sources = output.sources[part]
        items = [item for source in sources for item in by_source[source.name]]
        with output.folder(path, sources) as folder:
            return make_outdated(folder, items, sources, compute, **how)

    return write_tars(target, output.made_by, output.sources, make, limits=output.limits)


def make_outdated(
    folder: OutputFolder,
    wanted: Sequence[Wanted],
    sources: Sequence[Source],
    compute: Callable[[Source, Mapping[str, Any], Picture], Pixels],
    *,
    description: str,
    form: WrittenFormat = PNG,
    keep_exif: bool = False,
    huge: FromFileToFile | None = None,
) -> JobReport[Path]:
    """Make the results that are missing or outdated in a folder.

    Args:
        folder: the output folder.
        wanted: all results, one file each.
        sources: the pictures that they are made from.
        compute: maps a source, the details of the wanted result and the source's picture to the result.
        description: label of the progress bar.
        form: how the results are stored.
        keep_exif: whether they keep their sources' EXIF data, as pictures do that are only restored.
        huge: makes results of pictures that are too large to be read at once; None refuses them.

    Returns:
        The report; its results are the files written by this call.
    """
    by_name: dict[str | None, Source] = {source.name: source for source in sources}

    def read(item: Wanted) -> tuple[str | None, Picture | None]:
        source, digest = by_name[item.source], None
        with suppress(OSError):  # read_picture has a better message
            digest = folder.source_digest(source.name)
        return digest, None if huge is not None and huge.takes(source.path) else read_picture(source.path)

    def work(item: Wanted, opened: tuple[str | None, Picture | None]) -> tuple[str | None, Pixels | None]:
        (digest, picture), source = opened, by_name[item.source]
        if picture is not None:
            return digest, compute(source, item.details, picture)
        if huge is not None:
            huge(source.path, folder.path / item.output)
        return digest, None

    def write(item: Wanted, made: tuple[str | None, Pixels | None]) -> Path:
        output, (digest, pixels) = folder.path / item.output, made
        if pixels is not None:
            form.write(output, *pixels, source=by_name[item.source].path if keep_exif else None)
        folder.record([Result(item.output, item.source, digest, item.details)])
        return output

    todo = folder.outdated(wanted)
    folder.begin(todo)
    report = run_overlapping_job(
        todo, read, work, write, description=description, name=lambda item: str(by_name[item.source])
    )
    folder.finish()
    return report
