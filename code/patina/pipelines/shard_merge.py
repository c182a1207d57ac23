"""Put the shards of a command together: the files and journal that one run over the whole folder would have left."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from natsort import natsorted

from patina.data.manifest import FILE_NAME
from patina.errors import PatinaError
from patina.imaging.sources import Source, list_sources
from patina.pipelines.multiscale_set import describe_merged
from patina.pipelines.score_merge import SCORES, merge_scores, merge_tables
from patina.pipelines.set_log import COMMAND as DEGRADE
from patina.pipelines.set_log import finish_set
from patina.pipelines.tar_merge import merge_tars
from patina.pipelines.tile_set import TABLE, write_tile_table
from patina.runs.folder_lock import HIDDEN
from patina.runs.journal import Header, Journal, Result, Wanted, read_journal
from patina.runs.journal_place import READABLE_NAME, digests_file, is_beside, journal_file, remove_journal
from patina.runs.output_folder import OutputFolder
from patina.runs.shards import Shard, require_made_alike, shard_paths, without_note
from patina.runs.tar_target import TarTarget
from patina.system.place_names import path_here
from patina.system.places import working_folder
from patina.system.remote_files import split_address

_EXTRAS = (FILE_NAME, TABLE)
"""What commands leave in a folder beside their results and the journal."""


@dataclass(frozen=True)
class Merged:
    """What came of a merge.

    Attributes:
        count: number of results, or of rows of a table.
        shards: number of shards.
        missing: names of the sources that have no result in any shard.
    """

    count: int
    shards: int
    missing: tuple[str, ...] = ()


def merge(out: Path, keep: bool = False) -> Merged:
    """Put the shards beside `out` together.

    These are folders of results, tars, sets, scores of `patina evaluate`, and tables of `patina measure`. A merge that
    was killed is continued by the same call.

    Args:
        out: the output of the whole, as it was given to the command.
        keep: keep the shards afterwards.

    Raises:
        PatinaError: shards are missing, unfinished, of different versions, commands or settings, or no shards at all.
    """
    if (target := TarTarget.parse(out)) is not None:
        return Merged(*merge_tars(target, keep))
    shards = shard_paths(out)
    first = next(iter(shards.values()))
    if first.is_file():
        return Merged(*merge_tables(out, shards, keep))
    if (first / SCORES).is_file() and not journal_file(first).is_file():
        return Merged(*merge_scores(out, shards, keep))
    return _merge_folders(out, shards, keep)


def _merge_folders(out: Path, shards: dict[Shard, Path], keep: bool) -> Merged:
    journals = {shard: _journal(shard, path) for shard, path in shards.items()}
    header = _common_header(journals)
    made_by = without_note(header.made_by)
    found = {name for journal in journals.values() for name in _source_names(journal)}
    source = None if header.source is None else _source(header.source)
    sources = _sources(source, found)
    images_only = any(is_beside(journal_file(path)) for path in shards.values())
    with OutputFolder.open(out, made_by, source=source, sources=sources, images_only=images_only) as folder:
        for shard, journal in journals.items():
            _adopt(folder, shards[shard], list(journal.results.values()))
        if made_by.command == DEGRADE:
            folder.log.with_name(READABLE_NAME).unlink(missing_ok=True)
            finish_set(folder)
        else:
            folder.finish()
        results = folder.results
    if made_by.command == "prepare":
        if made_by.settings.get("mode") == "scales":
            describe_merged(source or Path(), out, sources, results, list(shards.values()))
        else:
            write_tile_table(out, results)
    if not keep:
        for shard, path in shards.items():
            _remove(path, journals[shard])
    missing = tuple(source.name for source in sources if source.name not in found)
    return Merged(len(results), len(shards), missing)


def _journal(shard: Shard, path: Path) -> Journal:
    journal = read_journal(journal_file(path))
    if journal.begun:
        raise PatinaError(f"{path} is not finished; run the command with -shard {shard} again, then merge again")
    for result in journal.results.values():
        if lost := [name for name in result.paths if not (path / name).is_file()]:
            raise PatinaError(f"{path / lost[0]} is missing; run the command with -shard {shard} again")
    return journal


def _common_header(journals: dict[Shard, Journal]) -> Header:
    (first, journal), *others = journals.items()
    header = journal.header
    for shard, other in ((shard, other.header) for shard, other in others):
        require_made_alike(first, header, shard, other)
        if other.source != header.source:
            raise PatinaError(
                f"shard {shard} was made of {other.source} and shard {first} of {header.source}; make one of them again"
            )
    return header


def _source_names(journal: Journal) -> set[str]:
    return {result.source for result in journal.results.values() if result.source is not None}


def _source(name: str) -> Path:
    """Return the path of the sources here; an address is listed, as the shards may be of other machines."""
    if split_address(name) is not None:
        with suppress(PatinaError):
            return working_folder(name)
    return path_here(name)


def _sources(path: Path | None, found: set[str]) -> list[Source]:
    """Return the sources in their order; those of the results alone where the folder is not on this machine."""
    if path is None:
        return []
    with suppress(PatinaError):
        listed = list_sources(path, recursive=any("/" in name for name in found))
        if found <= {source.name for source in listed}:
            return listed
    return [Source(path / name, name) for name in natsorted(found)]


def _adopt(folder: OutputFolder, shard: Path, results: Sequence[Result]) -> None:
    """Take over a shard's results whose files the folder does not have."""
    folder.digests.adopt(digests_file(journal_file(shard)))
    wanted = [Wanted(result.output, result.source, result.details, result.files) for result in results]
    todo = {item.output for item in folder.outdated(wanted)}
    folder.begin([item for item in wanted if item.output in todo])
    for result in results:
        if result.output in todo:
            for name in result.paths:
                _link(shard / name, folder.path / name)
            folder.record([result])


def _link(file: Path, to: Path) -> None:
    """Give a file a second name, or copy it where the file system has no links."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, to)
    except OSError:
        try:
            shutil.copy2(file, to)
        except OSError as error:
            to.unlink(missing_ok=True)
            raise PatinaError(f"{to} cannot be written: {error.strerror}; the shards are as they were") from error


def _remove(path: Path, journal: Journal) -> None:
    """Remove a shard's files and then its folders, unless something else lies in them."""
    for name in (*journal.result_files, *_EXTRAS):
        (path / name).unlink(missing_ok=True)
    shutil.rmtree(path / HIDDEN, ignore_errors=True)
    remove_journal(path)
    folders = sorted((folder for folder in path.rglob("*") if folder.is_dir()), reverse=True)
    for folder in [*folders, path]:
        with suppress(OSError):
            folder.rmdir()
