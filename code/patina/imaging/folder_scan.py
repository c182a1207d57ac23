"""What lies in a folder: the pictures that are read, and everything else, counted so that nothing is lost silently."""

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from natsort import natsorted

from patina.errors import PatinaError
from patina.hints import install
from patina.system.atomic import HALF_WRITTEN
from patina.system.telling import tell

WRITTEN_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".avif")
"""The file suffixes that Patina writes, in lower case."""

HEIC_SUFFIXES = (".heic", ".heif", ".hif")
"""Suffixes that need the extra ``heic``."""

HEIC_HINT = install("heic")

RAW_SUFFIXES = (".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw")
"""Suffixes of camera raw files, which need the extra ``raw``."""

RAW_HINT = install("raw")

_ONLY_READ = (".jpe", ".jfif", ".apng", ".gif", ".jxl")
OWN_FILES = frozenset(
    {"log.jsonl", "applied_degradations.txt", "manifest.json", "tiles.csv"}
    | {f"{name}.{suffix}" for name in ("scores", "comparison", "results") for suffix in ("csv", "json", "md")}
)
"""What Patina itself writes beside pictures."""

OWN_FOLDER = ".patina"
"""The hidden folder that Patina keeps in an output folder."""

HIDDEN = "hidden image"
_SPECIAL = "special file"


@cache
def reads_heic() -> bool:
    """Return whether the extra ``heic`` is installed."""
    return find_spec("pi_heif") is not None


@cache
def reads_raw() -> bool:
    """Return whether the extra ``raw`` is installed."""
    return find_spec("rawpy") is not None


def read_suffixes() -> tuple[str, ...]:
    """Return the file suffixes that Patina reads, in lower case."""
    extras = (HEIC_SUFFIXES if reads_heic() else ()) + (RAW_SUFFIXES if reads_raw() else ())
    return WRITTEN_SUFFIXES + _ONLY_READ + extras


@dataclass
class FolderScan:
    """What lies in a folder.

    Attributes:
        names: the pictures in natural order, relative to the folder, e.g. ``a.png`` or ``2019/a.png``.
        subfolders: the folders that were not looked into, as names.
        left_out: count of the other files by kind: a suffix, or e.g. "broken link"; of hidden files only the images.
    """

    names: list[str] = field(default_factory=list)
    subfolders: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """Return what was left out in words, e.g. "3 files left out: 2 .psd, 1 broken link"; empty for nothing."""
        if not self.left_out:
            return ""
        kinds = [_counted(kind, count) for kind, count in self.left_out.most_common()]
        total = self.left_out.total()
        return f"{total} file{'s' if total > 1 else ''} left out: {', '.join(kinds)}"


def _counted(kind: str, count: int) -> str:
    for suffixes, hint in ((HEIC_SUFFIXES, HEIC_HINT), (RAW_SUFFIXES, RAW_HINT)):
        if kind in suffixes:
            return f"{count} {kind} ({hint})"
    return f"{count} {kind}{'s' if count > 1 and not kind.startswith(('.', 'without')) else ''}"


def scan_folder(folder: Path, recursive: bool = False, *, silent: bool = False) -> FolderScan:
    """Look through a folder and say once, on standard error, what is left out.

    Args:
        folder: the folder.
        recursive: look into subfolders, but not through links, which may lead in circles.
        silent: say nothing, because the folder is looked through again to take its images.

    Raises:
        PatinaError: `folder` is missing, is not a folder, or cannot be read.
    """
    if not folder.exists():
        raise PatinaError(f"{folder} does not exist; expected an image or a folder of images")
    if not folder.is_dir():
        raise PatinaError(f"{folder} is not a folder; expected a folder of images")
    scan = FolderScan()
    try:
        _scan(folder, "", recursive, scan)
    except OSError as error:
        raise PatinaError(f"{folder} cannot be read: {error.strerror}") from None
    scan.names = natsorted(scan.names)
    if scan.names and scan.left_out and not silent:
        tell_once(f"{folder}: {scan.told()}")
    return scan


def is_text(name: str) -> bool:
    """Whether a file's name is text; some systems allow any bytes, which no log and no table can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_hidden_image(name: str) -> bool:
    """Whether a hidden file has an image's suffix, and is none that a killed run of Patina has left half-written."""
    return name.lower().endswith(read_suffixes()) and not name.startswith(HALF_WRITTEN)


@cache
def tell_once(line: str) -> None:
    """Print a line on standard error, the first time that it is told."""
    tell(line)


def _scan(folder: Path, prefix: str, recursive: bool, scan: FolderScan) -> None:
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            if hidden := _hidden_images(entry, recursive):
                scan.left_out[HIDDEN] += hidden
        elif not is_text(entry.name):
            scan.left_out["without a UTF-8 name"] += 1
        elif not entry.is_dir():
            kind = _kind(entry)
            if kind in read_suffixes():
                scan.names.append(prefix + entry.name)
            elif entry.name not in OWN_FILES:
                scan.left_out[kind] += 1
        elif not recursive:
            scan.subfolders.append(entry.name)
        elif entry.is_symlink():
            scan.left_out["linked folder"] += 1
        else:
            try:
                _scan(Path(entry.path), f"{prefix}{entry.name}/", recursive, scan)
            except PermissionError:
                scan.left_out["forbidden folder"] += 1


def _hidden_images(entry: os.DirEntry[str], recursive: bool) -> int:
    """Return the number of images that a hidden file or folder is or holds."""
    if not entry.is_dir():
        return int(is_hidden_image(entry.name) and entry.is_file())
    if not recursive or entry.is_symlink() or entry.name == OWN_FOLDER:
        return 0
    return sum(is_hidden_image(name) for _, _, names in os.walk(entry.path) for name in names)


def _kind(entry: os.DirEntry[str]) -> str:
    if not entry.is_file():
        return "broken link" if entry.is_symlink() else _SPECIAL
    return os.path.splitext(entry.name)[1].lower() or "without a suffix"
