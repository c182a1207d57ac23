"""Results in numbered tars (WebDataset), each written whole or not at all, with a statistics file that says it is done.

with TarSet.open(TarTarget.parse(Path("shards/%06d.tar")), made_by, names) as tars:
    for index in range(tars.used, len(names)):
        tars.add([[("a.png", data), ("a.json", text)]])  # the samples made from the next source
    tars.finish()
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from patina.errors import PatinaError
from patina.runs.folder_lock import folder_lock
from patina.runs.made_by import MadeBy, plain
from patina.runs.open_tar import OpenTar, Sample, tar_bytes, telling_errors
from patina.runs.tar_target import TarLimits, TarTarget
from patina.system.inner_paths import require_no_link_out
from patina.system.typed_values import Malformed, parsed_object, typed
from patina.version import __version__

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class TarStatistics:
    """The statistics file of a finished tar.

    Attributes:
        count: samples.
        sources: source images that they are made from, with those that failed.
        names: digest of the sources' names.
        bytes: size of the tar.
        sha256: digest of the tar.
        version: of Patina.
        made_by: what made it.
    """

    count: int
    sources: int
    names: str
    bytes: int
    sha256: str
    version: str
    made_by: MadeBy


class TarSet:
    """Tars that one command at a time writes; made by `open`.

    Attributes:
        target: where.
        used: number of sources that are in finished tars or were added.
        number: of the tar in progress.
    """

    def __init__(self, target: TarTarget, made_by: MadeBy, names: Sequence[str], limits: TarLimits):
        settings = {**plain(made_by.settings), "shard_size": limits.samples, "shard_mb": limits.megabytes}
        self.target = target
        self.used = self.number = 0
        self._made_by = MadeBy(made_by.command, settings, made_by.models, made_by.notes)
        self._names = names
        self._limits = limits
        self._tar: OpenTar | None = None
        self._first = 0

    @classmethod
    @contextmanager
    def open(
        cls, target: TarTarget, made_by: MadeBy, names: Sequence[str], limits: TarLimits | None = None
    ) -> Iterator["TarSet"]:
        """Lock the folder, and find the finished tars; `used` then says how many sources are in them.

        Args:
            target: where to write.
            made_by: the command with its settings and models.
            names: of all sources, in order.
            limits: when a tar is full.

        Raises:
            PatinaError: another command writes there, or tars are there that this command has not made so.
        """
        tars = cls(target, made_by, names, TarLimits() if limits is None else limits)
        with folder_lock(target.folder, made_by.command):
            require_no_link_out([target.making.name], target.folder)
            tars._continue()
            try:
                yield tars
            finally:
                if tars._tar is not None:
                    tars._tar.close()

    def add(self, samples: Sequence[Sample]) -> bool:
        """Add the samples made from the next source; return whether that finished a tar.

        Args:
            samples: none if the source failed. They lie in one tar.
        """
        size = sum(tar_bytes(data) for sample in samples for _, data in sample)
        is_full = self._tar is not None and self._tar.count > 0 and (
            self._tar.count + len(samples) > self._limits.samples
            or self._tar.size + size > self._limits.megabytes * _MEGABYTE
        )  # fmt: skip
        if is_full:
            self.finish()
        if self._tar is None:
            self._tar, self._first = OpenTar(self.target.making / "tar"), self.used
        for sample in samples:
            self._tar.add(sample)
        self.used += 1
        return is_full

    def finish(self) -> None:
        """Finish the tar in progress, if any, even if it is not full."""
        if self._tar is None:
            return
        tar, self._tar = self._tar, None
        size, sha256 = tar.close()
        if tar.count:
            names = digest_of_names(self._names[self._first : self.used])
            statistics = TarStatistics(
                tar.count, self.used - self._first, names, size, sha256, __version__, self._made_by
            )
            self._publish(statistics)
            self.number += 1

    def _publish(self, statistics: TarStatistics) -> None:
        """Give the finished tar its name, and then its statistics; `_complete` makes up for a kill in between."""
        making, tar = self.target.making, self.target.tar(self.number)
        with telling_errors(tar):
            with (making / "json").open("w", encoding="utf-8") as file:
                file.write(json.dumps(asdict(statistics), indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(making / "tar", tar)
            os.replace(making / "json", tar.with_suffix(".json"))
            _sync_folder(self.target.folder)

    # Continuing

    def _continue(self) -> None:
        self._complete()
        numbers = self.target.numbers()
        while (statistics := self._finished(self.number)) is not None:
            names = self._names[self.used : self.used + statistics.sources]
            if digest_of_names(names) != statistics.names:
                raise PatinaError(f"{self.target.tar(self.number)} was made of other images; choose another -out")
            self.used += statistics.sources
            self.number += 1
        if others := [number for number in numbers if number >= self.number]:
            raise PatinaError(self._unfinished(others[0]))

    def _unfinished(self, number: int) -> str:
        there, missing = self.target.tar(number), self.target.tar(self.number)
        if number > self.number:
            return (
                f"{missing} is missing, but {there.name} is there; remove the tars from it on, or choose another -out"
            )
        lost = there if not there.exists() else there.with_suffix(".json")
        return f"{there} or its statistics were not made by this command, or {lost.name} is missing; remove it, or choose another -out"  # noqa: E501

    def _finished(self, number: int) -> TarStatistics | None:
        """Return the statistics of a tar; None if it is not finished.

        Raises:
            PatinaError: the file is something else, or the tar was made otherwise.
        """
        tar = self.target.tar(number)
        path = tar.with_suffix(".json")
        if not (tar.is_file() and path.is_file()):
            return None
        statistics = read_statistics(tar)
        if difference := self._made_by.difference(statistics.made_by):
            raise PatinaError(f"{tar} was {difference}; remove it or choose another -out")
        if (size := tar.stat().st_size) != statistics.bytes:
            raise PatinaError(f"{tar} has {size} bytes, expected {statistics.bytes}; remove it and all that follow")
        return statistics

    def _complete(self) -> None:
        """Finish what a kill between the two renames has left."""
        making = self.target.making
        if (making / "json").is_file() and not (making / "tar").exists():
            with suppress(Malformed, OSError):
                statistics: TarStatistics = typed(TarStatistics, parsed_object((making / "json").read_bytes()))
                numbers = [number for number in self.target.numbers() if self.target.tar(number).is_file()]
                tar = self.target.tar(numbers[-1]) if numbers else None
                if tar is not None and tar.stat().st_size == statistics.bytes:
                    os.replace(making / "json", tar.with_suffix(".json"))
        with suppress(FileNotFoundError):
            (making / "json").unlink()


def read_statistics(tar: Path) -> TarStatistics:
    """Return what the statistics file of a tar says.

    Raises:
        PatinaError: it is something else.
    """
    path = tar.with_suffix(".json")
    try:
        statistics: TarStatistics = typed(TarStatistics, parsed_object(path.read_bytes()))
    except (Malformed, OSError):
        raise PatinaError(f"{path} does not belong to tars of results; choose another output") from None
    return statistics


def digest_of_names(names: Sequence[str]) -> str:
    """Return a digest of names and their order."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every system syncs folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
