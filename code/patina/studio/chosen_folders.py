"""The folders that the studio was opened with: nothing outside of them is listed, read or written."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from patina.errors import PatinaError
from patina.imaging.folder_scan import read_suffixes
from patina.system.inner_paths import require_inner_names, require_no_link_out

MODELS, RECIPES, PAGES = (".safetensors", ".pth", ".pt"), (".yml", ".yaml"), (".html",)
"""Suffixes of what the page offers beside images."""

_DEEPEST, _MOST = 5, 20_000
"""How far, and through how many entries, pages are searched for."""

_HEAD = 2_000
"""Bytes at the start of a page in which it says what made it."""


class ChosenFolders:
    """Folders by number, and the files in them by place: ``0/photos/a.jpg`` lies in the first folder."""

    def __init__(self, roots: Sequence[Path]) -> None:
        """Take the folders.

        Raises:
            PatinaError: one of them is no folder.
        """
        for root in roots:
            if not root.is_dir():
                raise PatinaError(f"{root} is not a folder; give `patina studio` folders that exist")
        self.roots = [root.resolve() for root in roots]

    def path(self, place: str) -> Path:
        """Return the path of a place; it may be absent.

        Raises:
            PatinaError: the place lies elsewhere, by ``..``, a link or a hidden name.
        """
        number, _, inside = place.partition("/")
        if not number.isascii() or not number.isdecimal() or int(number) >= len(self.roots):
            raise PatinaError(f"{_short(place)} is in none of the studio's folders; add its folder to `patina studio`")
        root, inside = self.roots[int(number)], inside.strip("/")
        if not inside:
            return root
        if "\\" in inside or any(part.startswith(".") for part in inside.split("/")):
            raise PatinaError(f"{_short(place)} is hidden or leads elsewhere; choose a file or folder from the list")
        try:
            require_inner_names([inside], Path("the page"))
            require_no_link_out([inside], root)
        except PatinaError as error:
            raise PatinaError(self.without_roots(str(error))) from None
        return root / inside

    def place(self, path: Path) -> str:
        """Return the place of a path in one of the folders."""
        number, root = next((n, root) for n, root in enumerate(self.roots) if path.is_relative_to(root))
        inside = path.relative_to(root).as_posix()
        return str(number) if inside == "." else f"{number}/{inside}"

    def shown(self, path: Path) -> str:
        """Return a path as the page shows it: without what is above the chosen folder."""
        root = next(root for root in self.roots if path.is_relative_to(root))
        return (Path(root.name) / path.relative_to(root)).as_posix()

    def without_roots(self, text: str) -> str:
        """Return a message without what is above the chosen folders."""
        for root in self.roots:
            text = text.replace(f"{root.parent}{os.sep}", "")
        return text

    def listing(self, place: str) -> dict[str, Any]:
        """Return what a folder holds, for the page: folders, number of images, models, recipes and pages.

        Raises:
            PatinaError: see `path`; or it is no folder that can be read.
        """
        if not place:
            tops = [{"name": root.name or str(root), "place": str(n)} for n, root in enumerate(self.roots)]
            return {"shown": "", "up": None, "folders": tops, "images": 0, "files": []}
        folder = self.path(place)
        try:
            entries = sorted(self._visible(folder), key=lambda entry: entry.name.lower())
            folders = [entry for entry in entries if entry.is_dir()]
            files = [entry.name for entry in entries if entry.is_file()]
        except OSError as error:
            raise PatinaError(f"{self.shown(folder)} cannot be listed: {error.strerror}; choose another") from None
        wanted = MODELS + RECIPES + PAGES + read_suffixes()
        return {
            "shown": self.shown(folder),
            "up": place.rpartition("/")[0],
            "folders": [{"name": entry.name, "place": f"{place}/{entry.name}"} for entry in folders],
            "images": sum(name.lower().endswith(read_suffixes()) for name in files),
            "files": [{"name": name, "place": f"{place}/{name}"} for name in files if name.lower().endswith(wanted)],
        }

    def pages(self) -> list[dict[str, str]]:
        """Return the pages that Patina wrote into the folders: place, shown path and title, newest first."""
        found: list[tuple[float, dict[str, str]]] = []
        for root in self.roots:
            for path in _below(root):
                if path.suffix.lower() in PAGES and (title := _title(path)) is not None:
                    entry = {"place": self.place(path), "shown": self.shown(path), "title": title}
                    found.append((path.stat().st_mtime, entry))
        return [entry for _, entry in sorted(found, key=lambda one: -one[0])]

    def _visible(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        for entry in os.scandir(folder):
            if not entry.name.startswith(".") and not (entry.is_symlink() and self._leads_out(Path(entry.path))):
                yield entry

    def _leads_out(self, path: Path) -> bool:
        return not any(path.resolve().is_relative_to(root) for root in self.roots)


def _below(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, but not those in hidden or linked folders."""
    count = 0
    for folder, folders, files in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = [name for name in folders if not name.startswith(".")] if depth < _DEEPEST else []
        count += len(files)
        if count > _MOST:
            return
        yield from (Path(folder) / name for name in files if not (Path(folder) / name).is_symlink())


def _title(path: Path) -> str | None:
    """Return the title of a page that Patina made; None for any other."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return None
    if '<meta name="generator" content="Patina' not in head:
        return None
    return head.partition("<title>")[2].partition("</title>")[0].removesuffix(" · Patina") or path.stem


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
