"""Map pictures to pictures, file by file, into an output folder that continues where an earlier command stopped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from patina.imaging.picture_files import Picture, read_picture
from patina.imaging.sources import Source, folder_of, require_outside
from patina.imaging.written_formats import PNG, WrittenFormat
from patina.pipelines.ray_actor import ClusterItem
from patina.pipelines.ray_cluster import Cluster, ClusterChoice
from patina.pipelines.tar_output import require_apart, write_tars
from patina.runs.fingerprint import file_digest
from patina.runs.folder_job import JobReport, Outcome, attempt
from patina.runs.journal import Result, Wanted
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder, Replace
from patina.runs.overlapping_job import run_overlapping_job
from patina.runs.shards import Shard
from patina.runs.tar_target import TarLimits, TarTarget

RESULTS = "results"
"""Name of the results' folder in an actor."""


class Pixels(NamedTuple):
    """A result.

    Attributes:
        pixels, alpha: as `write_picture` takes them; alpha is None for opaque pictures.
        shift: how much the mean colour has changed, in grey levels of 255; None if nobody asks.
        profile: ICC profile of the colours; empty for sRGB.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    shift: np.ndarray | None = None
    profile: bytes = b""


class FromFileToFile(Protocol):
    """Makes results of pictures that are too large to be read at once."""

    def takes(self, path: Path) -> bool:
        """Whether a picture is made so."""

    def __call__(self, source: Source, details: Mapping[str, Any], output: Path) -> None:
        """Make the result of a picture, with the details of the wanted result."""


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
        images_only: keep the log beside the folder, see `OutputFolder.open`.
    """

    source: Path
    sources: Sequence[Source]
    out: Path
    made_by: MadeBy
    recursive: bool = False
    shard: Shard | None = None
    replace: Replace = "never"
    limits: TarLimits = TarLimits()  # noqa: RUF009 - frozen
    images_only: bool = False

    def folder(self, path: Path, sources: Sequence[Source]) -> AbstractContextManager[OutputFolder]:
        """Open a folder for the results of some of the pictures."""
        source = folder_of(self.source)
        return OutputFolder.open(
            path, self.made_by, source=source, sources=sources, replace=self.replace, shard=self.shard,
            images_only=self.images_only,
        )  # fmt: skip


@dataclass(frozen=True)
class PictureWork:
    """How pictures are made of pictures.

    Attributes:
        compute: maps a source, the details of the wanted result and the source's picture to the result.
        form: how the results are stored.
        keep_exif: whether they keep their sources' EXIF data and colour profile, as pictures do that are only restored.
        huge: makes results of pictures that are too large to be read at once; None refuses them.
    """

    compute: Callable[[Source, Mapping[str, Any], Picture], Pixels]
    form: WrittenFormat = PNG
    keep_exif: bool = False
    huge: FromFileToFile | None = None

    def read(self, source: Source) -> Picture | None:
        """Read a picture, with the profile of its colours where EXIF data are kept; None if made from file to file."""
        if self.huge is not None and self.huge.takes(source.path):
            return None
        return read_picture(source.path, keep_profile=self.keep_exif)

    def make(self, source: Source, details: Mapping[str, Any], picture: Picture | None, output: Path) -> Pixels | None:
        """Compute a result; None if it has been written already."""
        if picture is not None:
            return self.compute(source, details, picture)
        if self.huge is not None:
            self.huge(source, details, output)
        return None

    def write(self, source: Source, pixels: Pixels | None, output: Path) -> None:
        """Write a result."""
        if pixels is not None:
            exif_of = source.path if self.keep_exif else None
            self.form.write(output, pixels.pixels, pixels.alpha, source=exif_of, profile=pixels.profile)

    def __call__(self, items: Sequence[ClusterItem], out: Path) -> Iterator[Outcome]:
        """Make results on a cluster; yields the digests of the sources and the shifts of colour."""
        yield from (attempt(self._made, item.source, item.task, out / RESULTS) for item in items)

    def _made(self, source: Source, wanted: Wanted, out: Path) -> tuple[str, np.ndarray | None]:
        output = out / wanted.output
        pixels = self.make(source, wanted.details, self.read(source), output)
        self.write(source, pixels, output)
        return file_digest(source.path), None if pixels is None else pixels.shift


@dataclass(frozen=True)
class OnCluster:
    """Where results are made instead of in this process.

    Attributes:
        choice: which part of a cluster.
        open: returns the work in an actor; is pickled.
        device: as in `Cluster.connected`.
    """

    choice: ClusterChoice
    open: Callable[[], PictureWork]
    device: str


def make_results(
    output: Output,
    wanted: Sequence[Wanted],
    work: PictureWork,
    *,
    on_cluster: OnCluster | None = None,
    on_shift: Callable[[np.ndarray], None] = lambda shift: None,
) -> JobReport[Path]:
    """Make the results that are missing or outdated, in a folder or in tars.

    Args:
        output: the sources, and where the results go.
        wanted: all results, one file each.
        work: how they are made in this process.
        on_cluster: makes them elsewhere.
        on_shift: called with the shift of colour of every result that has one.

    Returns:
        The report; its results are the files written by this call.

    Raises:
        PatinaError: results would be sources of the next call, or see `OutputFolder.open` and `write_tars`.
    """
    target, shard = TarTarget.parse(output.out), output.shard
    if target is not None and shard is not None:
        output = replace(output, sources=shard.part(output.sources, output.source), shard=None)
    if target is None:
        require_outside(output.out, output.source, output.recursive)
    else:
        require_apart(target, output.source, output.recursive, output.sources)
    by_source: dict[str | None, list[Wanted]] = {}
    for item in wanted:
        by_source.setdefault(item.source, []).append(item)
    with _maybe_cluster(on_cluster, output.made_by) as cluster:

        def make(part: slice, path: Path) -> JobReport[Path]:
            sources = output.sources[part]
            items = [item for source in sources for item in by_source.get(source.name, ())]
            with output.folder(path, sources) as folder:
                return _make_outdated(_Part(folder, items, sources, on_shift, output.made_by.command), work, cluster)

        if target is None:
            return make(slice(None), output.out)
        return write_tars(target, output.made_by, output.sources, make, limits=output.limits, shard=shard)


def _maybe_cluster(on_cluster: OnCluster | None, made_by: MadeBy) -> AbstractContextManager[Cluster | None]:
    if on_cluster is None:
        return nullcontext()
    return Cluster.connected(on_cluster.choice, on_cluster.open, made_by.models, device=on_cluster.device)


@dataclass(frozen=True)
class _Part:
    """Results in one folder.

    Attributes:
        folder: the output folder.
        wanted: all results.
        sources: the pictures that they are made from.
        on_shift: see `make_results`.
        command: label of the progress bar.
    """

    folder: OutputFolder
    wanted: Sequence[Wanted]
    sources: Sequence[Source]
    on_shift: Callable[[np.ndarray], None]
    command: str

    def record(self, item: Wanted, digest: str | None, shift: np.ndarray | None) -> Path:
        """Write down a result whose file is complete; return the file."""
        if shift is not None:
            self.on_shift(shift)
        self.folder.record([Result(item.output, item.source, digest, item.details)])
        return self.folder.path / item.output


def _make_outdated(part: _Part, work: PictureWork, cluster: Cluster | None) -> JobReport[Path]:
    """Make the results that are missing or outdated in a folder."""
    todo = part.folder.outdated(part.wanted)
    part.folder.begin(todo)
    make = partial(_in_this_process, work=work) if cluster is None else partial(_on_cluster, cluster=cluster)
    report = make(part, todo)
    part.folder.finish()
    return report


def _in_this_process(part: _Part, todo: Sequence[Wanted], *, work: PictureWork) -> JobReport[Path]:
    by_name: dict[str | None, Source] = {source.name: source for source in part.sources}

    def read(item: Wanted) -> tuple[str | None, Picture | None]:
        source, digest = by_name[item.source], None
        with suppress(OSError):  # read_picture has a better message
            digest = part.folder.source_digest(source.name)
        return digest, work.read(source)

    def compute(item: Wanted, opened: tuple[str | None, Picture | None]) -> tuple[str | None, Pixels | None]:
        digest, picture = opened
        return digest, work.make(by_name[item.source], item.details, picture, part.folder.path / item.output)

    def write(item: Wanted, made: tuple[str | None, Pixels | None]) -> Path:
        digest, pixels = made
        work.write(by_name[item.source], pixels, part.folder.path / item.output)
        return part.record(item, digest, None if pixels is None else pixels.shift)

    return run_overlapping_job(
        todo, read, compute, write, description=part.command, name=lambda item: str(by_name[item.source])
    )


def _on_cluster(part: _Part, todo: Sequence[Wanted], *, cluster: Cluster) -> JobReport[Path]:
    by_name: dict[str | None, Source] = {source.name: source for source in part.sources}
    items = [ClusterItem(by_name[item.source], item) for item in todo]
    return cluster.run(
        items,
        {RESULTS: part.folder.path},
        description=part.command,
        on_result=lambda item, made: part.record(item.task, *made),
    )
