"""The pictures of a folder that a command works on, with those in its subfolders where that is asked for."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from natsort import natsorted

from patina.errors import PatinaError
from patina.imaging.picture_files import SUFFIXES, list_pictures


@dataclass(frozen=True)
class Source:
    """A picture and what it is called.

    Attributes:
        path: the file.
        name: from the folder, e.g. ``a.png``, or in a subfolder ``2019/a.png``; seeds and logs know it by that.
    """

    path: Path
    name: str

    @property
    def stem(self) -> str:
        """What its results are called, in one folder for all: ``a``, or ``2019_a``."""
        return name_of_results(self.name)

    def __str__(self) -> str:
        return str(self.path)


def name_of_results(name: str) -> str:
    """Return what results of a source of that name are called, without suffix; see `Source`."""
    return "_".join(PurePosixPath(name).with_suffix("").parts)


def list_sources(folder: Path, recursive: bool = False) -> list[Source]:
    """Return the pictures of a folder, in natural order; hidden files and folders are left out.

    Args:
        folder: of pictures, or one picture.
        recursive: also those in subfolders.

    Raises:
        PatinaError: as `list_pictures`.
    """
    if folder.is_file():
        return [Source(folder, folder.name)]
    if not recursive:
        return [Source(path, path.name) for path in list_pictures(folder)]
    if not folder.is_dir():
        raise PatinaError(f"{folder} does not exist; expected a folder of pictures")
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    shown = [name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)]
    found = [Source(folder / name, name) for name in natsorted(shown) if (folder / name).is_file()]
    if not found:
        raise PatinaError(f"{folder} contains no pictures, nor do its subfolders; expected {', '.join(SUFFIXES)}")
    return found


def folder_of(given: Path) -> Path:
    """Return the folder that names of sources begin in, for a folder or one picture."""
    return given.parent if given.is_file() else given


def require_outside(out: Path, given: Path, recursive: bool) -> None:
    """Refuse an output folder that is the folder of the sources or, where its subfolders count, lies in it.

    Args:
        out: the output folder.
        given: the folder of sources, or one picture.
        recursive: whether subfolders of the folder count.

    Raises:
        PatinaError: what is written there would be a source of the next call.
    """
    out, folder = out.resolve(), folder_of(given).resolve()
    if out == folder:
        raise PatinaError(f"{out}: source and output are the same folder; choose another output")
    if recursive and given.is_dir() and out.is_relative_to(folder):
        raise PatinaError(f"{out} lies in {folder}, whose subfolders are sources, too; choose another output")
