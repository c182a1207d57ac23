"""Put the tars of several jobs with -shard together: the tars that one job would have written."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from patina.errors import PatinaError
from patina.runs.made_by import MadeBy
from patina.runs.open_tar import Sample
from patina.runs.shards import Shard, require_made_alike, shard_paths, whole, without_note
from patina.runs.tar_set import TarSet, TarStatistics, read_statistics
from patina.runs.tar_target import TarLimits, TarTarget
from patina.system.atomic import write_text
from patina.system.stored_files import key_of
from patina.system.tar_index import read_member, tar_index

SOURCES = "sources.json"
"""The names of a shard's sources; it is written when the shard is finished."""


def write_names(folder: Path, names: Sequence[str]) -> None:
    """Say that a shard is finished, and of which sources."""
    write_text(folder / SOURCES, json.dumps(list(names)) + "\n")


def merge_tars(target: TarTarget, keep: bool) -> tuple[int, int, tuple[str, ...]]:
    """Write the tars of all shards beside a folder of tars; a merge that was killed is continued.

    Args:
        target: of the whole.
        keep: keep the shards' tars.

    Returns:
        The numbers of samples and of shards, and the names of sources without a sample.

    Raises:
        PatinaError: shards are missing, unfinished or made otherwise, or the tars cannot be written.
    """
    folders = shard_paths(target.folder)
    parts = [_Part.read(shard, TarTarget(path / target.pattern.name)) for shard, path in folders.items()]
    made_by, limits = _common(parts)
    names = whole([part.names for part in parts])
    streams, missing, count = [part.samples() for part in parts], list[str](), 0
    following = [next(stream, None) for stream in streams]
    with TarSet.open(target, made_by, names, limits) as tars:
        first = tars.used
        for place, name in enumerate(names):
            number, samples = place % len(parts), list[Sample]()
            while (found := following[number]) is not None and found[0] == name:
                samples.append(found[1])
                following[number] = next(streams[number], None)
            count += len(samples)
            if not samples:
                missing.append(name)
            if place >= first:
                tars.add(samples)
        tars.finish()
        with suppress(OSError):
            target.making.rmdir()
    if not keep:
        for part in parts:
            part.remove()
    return count, len(parts), tuple(missing)


@dataclass(frozen=True)
class _Part:
    """The tars of one shard."""

    shard: Shard
    target: TarTarget
    names: list[str]
    statistics: list[TarStatistics]

    @classmethod
    def read(cls, shard: Shard, target: TarTarget) -> "_Part":
        again = f"run the command with -shard {shard} again, then merge again"
        try:
            names = json.loads((target.folder / SOURCES).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise PatinaError(f"{target.folder} is not finished; {again}") from None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise PatinaError(f"{target.folder / SOURCES} holds no names; {again}")
        numbers = target.numbers()
        for number in range(max(numbers, default=-1) + 1):
            if not target.tar(number).is_file():
                raise PatinaError(f"{target.tar(number)} is missing; {again}")
        found = [read_statistics(target.tar(number)) for number in numbers]
        for number, statistics in zip(numbers, found, strict=True):
            if target.tar(number).stat().st_size != statistics.bytes:
                raise PatinaError(f"{target.tar(number)} is incomplete; remove it, and {again}")
        return cls(shard, target, names, found)

    def samples(self) -> Iterator[tuple[str, Sample]]:
        """Yield the samples with the names of their sources, in order."""
        for number in range(len(self.statistics)):
            tar, members = self.target.tar(number), list[tuple[str, bytes]]()
            for name in tar_index(tar).places:
                members.append((name, read_member(tar, name)))
                if name == f"{key_of(name)}.json":  # the last member of a sample
                    yield json.loads(members[-1][1])["source"], members
                    members = []

    def remove(self) -> None:
        for number in range(len(self.statistics)):
            tar = self.target.tar(number)
            tar.unlink(missing_ok=True)
            tar.with_suffix(".json").unlink(missing_ok=True)
        (self.target.folder / SOURCES).unlink(missing_ok=True)
        with suppress(OSError):
            self.target.folder.rmdir()


def _common(parts: Sequence[_Part]) -> tuple[MadeBy, TarLimits]:
    """Return what made all tars, and when they were full."""
    made = [(part.shard, statistics) for part in parts for statistics in part.statistics]
    if not made:
        raise PatinaError(f"{parts[0].target.folder.parent}: no shard has a sample; see why all images failed")
    (first, one), *others = made
    for shard, other in others:
        require_made_alike(first, one, shard, other)
    settings = one.made_by.settings
    return without_note(one.made_by), TarLimits(settings["shard_size"], settings["shard_mb"])
