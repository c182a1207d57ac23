"""Results of a folder job in tars: they are made some hundred at a time in a hidden folder, and packed from there.

A killed command continues with the first missing tar, and takes what lies in the hidden folder. Results do not depend
on each other, so the tars are those of a command that was not interrupted.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from patina.errors import PatinaError
from patina.imaging.sources import Source, require_outside
from patina.pipelines.tar_merge import write_names
from patina.runs.folder_job import JobReport
from patina.runs.journal import Result, read_journal
from patina.runs.journal_place import LOG_NAME
from patina.runs.made_by import MadeBy
from patina.runs.open_tar import Sample
from patina.runs.shards import Shard
from patina.runs.tar_set import TarSet
from patina.runs.tar_target import TarLimits, TarTarget
from patina.system.stored_files import store_of

R = TypeVar("R")

PART = 1000
"""Most sources whose results are made before they are packed."""

_DIGITS = 9

Images = Callable[[Path, Result], Iterable[tuple[str, Path]]]
"""Maps the folder of a part and a result to its images: suffixes in the tar, and files."""

Packed = tuple[str, Mapping[str, Any], Iterable[tuple[str, Path]]]
"""The key of a sample, what is to be known of it, and its images as in `Images`."""

Packing = Callable[[Path, Sequence[Result]], Iterable[Packed]]
"""Maps the folder of a part and the results of one source to samples."""


def one_sample_each(images: Images | None = None) -> Packing:
    """Return a packing where every result is a sample; `images` are its images, None for its one file."""

    def packed(folder: Path, results: Sequence[Result]) -> Iterator[Packed]:
        for result in results:
            yield tar_key(result.output), result.details, (images or _own_file)(folder, result)

    return packed


def write_tars(
    target: TarTarget,
    made_by: MadeBy,
    sources: Sequence[Source],
    make: Callable[[slice, Path], JobReport[R]],
    *,
    limits: TarLimits,
    packing: Packing | None = None,
    shard: Shard | None = None,
) -> JobReport[R]:
    """Write the results of all sources into tars.

    A result becomes ``key.png`` and ``key.json`` with its source and details; the key is its name without suffix, with
    ``_`` in place of dots, because the first dot ends a key.

    Args:
        target: where to write.
        made_by: everything that decides the results.
        sources: what they are made from.
        make: makes the outdated results of some of the sources in a folder with a journal, see `OutputFolder`.
        limits: when a tar is full.
        packing: the samples of a source; None for one of every result.
        shard: what the sources are a part of, in a folder of its own, which `merge_tars` reads.

    Returns:
        The reports of all calls of `make` in one.

    Raises:
        PatinaError: two results would have one key, or see `TarSet.open`.
    """
    limits.require()
    _require_keys(target, sources)
    report: JobReport[R] = JobReport()
    size = min(PART, limits.samples)
    packing, names = packing or one_sample_each(), [source.name for source in sources]
    with TarSet.open(target, made_by if shard is None else shard.noted(made_by), names, limits) as tars:
        first = tars.used // size * size if tars.used < len(sources) else len(sources)
        for start in range(first, len(sources), size):
            part = slice(start, min(start + size, len(sources)))
            folder = target.making / f"{start:0{_DIGITS}d}"
            _extend(report, make(part, folder))
            results = _by_source(folder)
            for source in sources[max(part.start, tars.used) : part.stop]:
                if tars.add(_samples(folder, results.get(source.name, ()), packing)):
                    _remove_parts(target, before=part.start)
        tars.finish()
        if shard is not None:
            write_names(target.folder, names)
        shutil.rmtree(target.making, ignore_errors=True)
    return report


def require_apart(target: TarTarget, given: Path, recursive: bool, sources: Sequence[Source]) -> None:
    """Refuse tars that would be sources of the next call, or overwrite those of this one.

    Raises:
        PatinaError: says which.
    """
    require_outside(target.folder, given, recursive)
    for store in dict.fromkeys(stored[0] for source in sources if (stored := store_of(source.path)) is not None):
        if target.is_own(store):
            raise PatinaError(f"{store} is a source and would be overwritten; choose another -out")


def tar_key(output: str) -> str:
    """Return the key of a result: its name without suffix, and without other dots."""
    folder, slash, name = output.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0].replace('.', '_')}"


def _require_keys(target: TarTarget, sources: Sequence[Source]) -> None:
    taken: dict[str, Source] = {}
    for source in sources:
        key = tar_key(f"{source.stem}.png").casefold()
        if (other := taken.setdefault(key, source)) is not source:
            raise PatinaError(f"{other} and {source} would both have the key {key} in {target.pattern}; rename one")


def _extend(report: JobReport[R], more: JobReport[R]) -> None:
    report.results += more.results
    report.failures += more.failures
    report.notes.update(more.notes)


def _by_source(folder: Path) -> dict[str | None, list[Result]]:
    """Return the results in a part's folder by their sources."""
    found: dict[str | None, list[Result]] = {}
    if (folder / LOG_NAME).exists():
        for result in read_journal(folder / LOG_NAME).results.values():
            found.setdefault(result.source, []).append(result)
    return {source: sorted(group, key=lambda result: result.output) for source, group in found.items()}


def _samples(folder: Path, results: Sequence[Result], packing: Packing) -> list[Sample]:
    if not results:
        return []
    source = {"source": results[0].source, "source_digest": results[0].source_digest}
    samples: list[Sample] = []
    for key, details, images in packing(folder, results):
        members = [(f"{key}.{suffix}", path.read_bytes()) for suffix, path in images]
        text = json.dumps({**source, **details}, sort_keys=True) + "\n"
        samples.append([*members, (f"{key}.json", text.encode())])
    return samples


def _own_file(folder: Path, result: Result) -> Iterator[tuple[str, Path]]:
    yield result.output.rpartition(".")[2], folder / result.output


def _remove_parts(target: TarTarget, before: int) -> None:
    """Remove the folders of parts whose results are all in finished tars."""
    for folder in target.making.iterdir():
        if (number := folder.name[:_DIGITS]).isdigit() and int(number) < before:
            shutil.rmtree(folder, ignore_errors=True)
