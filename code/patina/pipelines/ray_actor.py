"""What runs in an actor of a Ray cluster: images come in as bytes, results go back as bytes.

The work is that of a folder job on one machine, in a temporary folder, so decoding and encoding are the same code.
"""

import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from patina.errors import PatinaError, told_system_error
from patina.imaging.sources import Source
from patina.runs.fingerprint import file_digest
from patina.runs.folder_job import Outcome
from patina.version import __version__


@dataclass(frozen=True)
class ClusterItem:
    """An image, and what to make of it.

    Attributes:
        source: the image.
        task: a plain description of the results, which the work knows.
    """

    source: Source
    task: Any

    def __str__(self) -> str:
        return str(self.source)


Work = Callable[[Sequence[ClusterItem], Path], Iterable[Outcome]]
"""Makes the results of some items in a folder."""


@dataclass(frozen=True)
class ClusterWork:
    """What every actor does.

    Attributes:
        open: loads the models, and returns the work; is pickled.
        files: digests of the files that it reads, by path: models, kernels, noise.
        folder: the current folder of the command, which relative paths begin at.
        version: of Patina.
    """

    open: Callable[[], Work]
    files: Mapping[str, str]
    folder: str
    version: str = __version__


@dataclass(frozen=True)
class Answer:
    """What comes back for some items.

    Attributes:
        outcomes: in the order of the items.
        files: contents of the results by path relative to the work's folder.
        error: what stops the whole command; empty if nothing does.
    """

    outcomes: list[Outcome]
    files: dict[str, bytes]
    error: str = ""


class ImageActor:
    """The process on a device that holds the models."""

    def __init__(self) -> None:
        self._work: Work | None = None

    def open(self, work: ClusterWork) -> str:
        """Load the models; return the error that ends the command, or an empty string."""
        try:
            os.chdir(work.folder)
            _require_files(work.files)
            _require_version(work.version)
            self._work = work.open()
        except OSError as error:
            name = error.filename or work.folder
            return f"{socket.gethostname()}: {name} cannot be used ({error.strerror}); mount it on all machines"
        except PatinaError as error:
            return f"{socket.gethostname()}: {error}"
        return ""

    def make(self, items: Sequence[ClusterItem], contents: Sequence[bytes], shown: Mapping[str, str]) -> Answer:
        """Make the results of some images.

        Args:
            items: the images.
            contents: of their files.
            shown: the folders of results as messages name them, by their names in the work's folder.
        """
        names: dict[str, str] = {}
        try:
            return self._made(items, contents, shown, names)
        except PatinaError as error:
            reason = str(error)
        except OSError as error:
            reason = told_system_error(error)
        return Answer([], {}, f"{socket.gethostname()}: {_with_names(reason, names)}")

    def _made(
        self,
        items: Sequence[ClusterItem],
        contents: Sequence[bytes],
        shown: Mapping[str, str],
        names: dict[str, str],
    ) -> Answer:
        """Do what `make` does; `names` becomes the user's names of temporary files."""
        assert self._work is not None
        with TemporaryDirectory(prefix="patina-") as temporary:
            base, out = Path(temporary), Path(temporary) / "out"
            names |= {str(out / name): path for name, path in shown.items()}
            placed = []
            for number, (item, content) in enumerate(zip(items, contents, strict=True)):
                place = base / "in" / str(number) / item.source.path.name
                place.parent.mkdir(parents=True)
                place.write_bytes(content)
                names[str(place)] = str(item.source.path)
                placed.append(replace(item, source=Source(place, item.source.name)))
            outcomes = [_renamed(outcome, names) for outcome in self._work(placed, out)]
            files = (path for path in sorted(out.rglob("*")) if path.is_file())
            return Answer(outcomes, {path.relative_to(out).as_posix(): path.read_bytes() for path in files})


def _require_files(files: Mapping[str, str]) -> None:
    for name, digest in files.items():
        if file_digest(Path(name)) != digest:
            raise PatinaError(f"{name} differs from the command's file; copy that one to all machines")


def _require_version(version: str) -> None:
    if version != __version__:
        raise PatinaError(f"has Patina {__version__}, the command {version}; install one version on all machines")


def _renamed(outcome: Outcome, names: Mapping[str, str]) -> Outcome:
    """Let a message name the user's files instead of the temporary ones."""
    return outcome if outcome.failure is None else outcome._replace(failure=_with_names(outcome.failure, names))


def _with_names(text: str, names: Mapping[str, str]) -> str:
    for temporary, path in names.items():
        text = text.replace(temporary, path)
    return text
