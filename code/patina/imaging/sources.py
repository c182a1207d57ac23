"""A command's input pictures: one file, a folder, a folder with its subfolders, or what lies in tars or an LMDB."""

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from patina.errors import PatinaError
from patina.imaging.folder_scan import is_text, scan_folder
from patina.imaging.frames import frame_paths, stem_of_frame
from patina.imaging.picture_files import list_pictures
from patina.imaging.stored_sets import is_stored_set, list_stored, tars_in
from patina.system.stored_files import stem_of, store_of


@dataclass(frozen=True)
class Source:
    """An input picture.

    Attributes:
        path: the file, which may lie in a store, see `patina.system.stored_files`.
        name: relative to the folder or store, e.g. ``a.png`` or ``2019/a.png``; seeds and logs use it.
    """

    path: Path
    name: str

    @cached_property
    def stem(self) -> str:
        """The stem of its results, which share one folder: ``a``, or ``2019_a``."""
        return name_of_results(self.name)

    def __str__(self) -> str:
        return str(self.path)


def name_of_results(name: str) -> str:
    """Return the stem of a source's results; see `Source`."""
    return stem_of_frame(name).replace("/", "_")


def list_sources(
    folder: Path, recursive: bool = False, part: str | None = None, all_frames: bool = False
) -> list[Source]:
    """Return the pictures of a folder in natural order, without hidden files and folders.

    Args:
        folder: a folder of pictures, one picture, or a set in stores, see `list_stored`.
        recursive: include pictures in subfolders, but not in linked ones.
        part: of pairs in one set of tars, which to take, ``"lq"`` or ``"gt"``.
        all_frames: take all images of animated and multi-page files, not the first alone; files in stores count as one.

    Raises:
        PatinaError: as `list_pictures`.
    """
    found = _listed(folder, recursive, part)
    if not all_frames or is_in_stores(folder):
        return found
    return [
        source if path == source.path else Source(path, f"{source.name}/{path.name}")
        for source in found
        for path in frame_paths(source.path)
    ]


def _listed(folder: Path, recursive: bool, part: str | None) -> list[Source]:
    if is_in_stores(folder):
        return [Source(picture.path, picture.name) for picture in list_stored(folder, part)]
    if folder.is_file():
        if not is_text(folder.name):
            raise PatinaError(f"{folder} has a name that is not valid UTF-8; rename it")
        return [Source(folder, folder.name)]
    return [Source(path, path.relative_to(folder).as_posix()) for path in list_pictures(folder, recursive=recursive)]


def name_in(folder: Path, path: Path) -> str:
    """Return the stem of the results of a picture of `list_pictures`, in Unicode's NFC: its name in pairs of folders.

    In subfolders and in stores, it begins with the folders' names (``2019/a.png``: ``2019_a``).
    """
    return same_text(name_of_results(path.relative_to(folder).as_posix() if store_of(path) is None else stem_of(path)))


def is_in_stores(given: Path) -> bool:
    """Whether a path names a set in stores, see `list_stored`; a folder of tars has no images beside them."""
    return is_stored_set(given) or (
        given.is_dir() and bool(tars_in(given)) and not scan_folder(given, silent=True).names
    )


def same_text(name: str) -> str:
    """Normalise a name to Unicode's NFC, so that names that look alike are equal."""
    return unicodedata.normalize("NFC", name)


def source_named(folder: Path, name: str) -> Source:
    """Return the source of a name, also where its accents are encoded otherwise than in the folder (NFC and NFD)."""
    path = folder / name
    if not path.exists() and not name.isascii() and path.parent.is_dir():
        alike = (other for other in path.parent.iterdir() if same_text(other.name) == same_text(path.name))
        path = next(alike, path)
    return Source(path, name)


def some_sources(sources: list[Source], limit: int | None, rng: np.random.Generator) -> list[Source]:
    """Return at most `limit` of the sources, chosen at random, in their order; all of them for None."""
    if limit is None or limit >= len(sources):
        return sources
    return [sources[place] for place in sorted(rng.choice(len(sources), limit, replace=False))]


def folder_of(given: Path) -> Path:
    """Return the folder that source names are relative to, given that folder or one picture in it."""
    return given.parent if given.is_file() and not is_stored_set(given) else given


def require_outside(out: Path, given: Path, recursive: bool) -> None:
    """Refuse an output folder whose files would be sources of the next call.

    Args:
        out: the output folder.
        given: the folder of sources, or one picture.
        recursive: whether the sources include subfolders.

    Raises:
        PatinaError: `out` is the source folder or, with `recursive`, a folder inside it.
    """
    out, folder = out.resolve(), folder_of(given).resolve()
    if out == folder:
        raise PatinaError(f"{out}: source and output are the same folder; choose another output")
    if recursive and given.is_dir() and out.is_relative_to(folder):
        raise PatinaError(f"{out} is inside the source folder {folder}; with -recursive, choose an output outside it")


def refuse_same_folders(source: Path, out: Path, ground_truth: Path | None) -> None:
    """Refuse one folder for two of source, output and ground truth; the message says which."""
    places = {"source": source, "output": out, "gt": ground_truth}
    taken: dict[Path, str] = {}
    for name, place in places.items():
        if place is not None and (other := taken.setdefault(place.resolve(), name)) != name:
            raise PatinaError(f"{place}: {other} and {name} are the same folder; choose another")
