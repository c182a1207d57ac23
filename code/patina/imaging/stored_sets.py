"""Sets of images in stores: one tar, a range of them (``clean-{000000..000009}.tar``), a folder of tars, an LMDB.

Members of one key, the name up to its first dot, are one sample (WebDataset): ``a.png`` and ``a.json``, or the pair
``a.lq.png`` and ``a.gt.png``, whose parts are ``lq`` and ``gt``. A multi-scale set has parts ``1x``, ``8x`` and so on;
``set.tar/8x`` are the images at one scale, as ``set/8x`` are those of a set in folders.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from natsort import natsorted

from patina.errors import PatinaError, counted, listed
from patina.imaging.folder_scan import HIDDEN, FolderScan, is_hidden_image, is_text, read_suffixes, tell_once
from patina.system import lmdb_store, tar_index
from patina.system.lmdb_store import lmdb_names, require_lmdb
from patina.system.stored_files import key_of
from patina.system.tar_index import tar_index as index_of

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_SCALE = re.compile(r"\d+x")
_MOST_TARS = 1_000_000


@dataclass(frozen=True)
class StoredPicture:
    """An image in a store.

    Attributes:
        path: the store's path with the member's name, see `patina.system.stored_files`.
        name: its name in the set: the key with the suffix, without the part.
    """

    path: Path
    name: str


def is_stored_set(given: Path) -> bool:
    """Whether a path names tars or an LMDB, whether or not they exist; a folder of tars does not count.

    One scale of a multi-scale set in stores counts, also in a folder of tars.
    """
    if _SCALE.fullmatch(given.name) and _are_stores(given):
        return True
    if given.suffix == lmdb_store.SUFFIX:
        return (given / lmdb_store.DATA).exists() or not given.exists()
    return given.suffix == tar_index.SUFFIX and not given.is_dir()


def _are_stores(scale: Path) -> bool:
    """Whether what a scale's path is in (``set.tar`` of ``set.tar/8x``) are stores."""
    folder = scale.parent
    return is_stored_set(folder) or (not scale.exists() and folder.is_dir() and bool(tars_in(folder)))


def tars_in(folder: Path) -> list[Path]:
    """Return the tars in a folder, in natural order, without hidden ones."""
    names = [name for name in os.listdir(folder) if name.endswith(tar_index.SUFFIX) and name[0] != "."]
    return [folder / name for name in natsorted(names)]


def list_stored(given: Path, part: str | None = None) -> list[StoredPicture]:
    """Return the images of a set in stores, in the order of the stores and of their members.

    Args:
        given: one tar, a range of tars, a folder of tars, or an LMDB, or a scale of one of them.
        part: which image of a sample to take where it has several, e.g. ``"lq"``.

    Raises:
        PatinaError: a store is missing or damaged, two samples have one key, a sample has several images and none of
            them is that part, or lacks the scale, or there are no images.
    """
    scale = given.name if _SCALE.fullmatch(given.name) and _are_stores(given) else None
    given = given if scale is None else given.parent
    scan, found = FolderScan(), dict[str, StoredPicture]()
    for store, members in _members(given, scan):
        for key, names in members.items():
            name = names[0] if len(names) == 1 and not scale else _chosen(store, key, names, scale or part)
            picture = StoredPicture(store / name, key + os.path.splitext(name)[1])
            if (other := found.setdefault(key, picture)) is not picture:
                raise PatinaError(f"{picture.path} and {other.path} have the same key; rename or remove one")
    if not found:
        raise PatinaError(f"{given} contains no images; expected members ending in {', '.join(read_suffixes())}")
    if scan.left_out:
        tell_once(f"{given}: {scan.told()}")
    return list(found.values())


def _members(given: Path, scan: FolderScan) -> Iterator[tuple[Path, dict[str, list[str]]]]:
    """Yield every store with the images in it, by key; count the others."""
    if given.suffix == lmdb_store.SUFFIX:
        require_lmdb(given)
        yield given, _by_key(lmdb_names(given), scan)
        return
    for tar in tars_in(given) if given.is_dir() else _expanded(given):
        index = index_of(tar)
        if index.others:
            scan.left_out["links or special files"] += index.others
        yield tar, _by_key(index.places, scan)


def _by_key(names: "list[str] | dict[str, tuple[int, int]]", scan: FolderScan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    left: list[str] = []
    for name in names:
        if any(folder.startswith(".") for folder in name.split("/")):
            scan.left_out.update([HIDDEN] * is_hidden_image(name))
        elif not is_text(name):
            scan.left_out["without a UTF-8 name"] += 1
        elif os.path.splitext(name)[1].lower() in read_suffixes():
            found.setdefault(key_of(name), []).append(name)
        else:
            left.append(name)
    for name in left:
        suffix = os.path.splitext(name)[1].lower()
        if suffix != ".json" or key_of(name) not in found:
            scan.left_out[suffix or "without a suffix"] += 1
    return found


def _chosen(store: Path, key: str, names: list[str], part: str | None) -> str:
    """Return the image of a sample that is the part, or the only one without a part."""
    parts = {name: name[len(key) + 1 :].rpartition(".")[0] for name in names}
    for wanted in (part,) if part is not None and _SCALE.fullmatch(part) else (part, ""):
        fitting = [name for name in names if parts[name] == wanted]
        if len(fitting) == 1:
            return fitting[0]
    if part is not None and _SCALE.fullmatch(part):
        raise PatinaError(f"{store}: {key} lacks {key}.{part}.png; `patina prepare -scales` makes tars of all scales")
    expected = "one" if part is None else f"one, or one named {key}.{part}.png"
    raise PatinaError(f"{store}: {key} has {counted(len(names), 'image')}, {listed(names)}; expected {expected}")


def _expanded(given: Path) -> list[Path]:
    """Return the tars of a range, or the one tar.

    Raises:
        PatinaError: the range is empty or one of its tars is missing.
    """
    texts = [os.fspath(given)]
    while found := _RANGE.search(texts[0]):
        first, last = found[1], found[2]
        numbers = range(int(first), int(last) + 1)
        if not 1 <= len(numbers) * len(texts) <= _MOST_TARS:
            raise PatinaError(f"{given}: {found[0]} is not a range; expected e.g. {{000000..000009}}")
        width = len(first) if first.startswith("0") or len(first) == len(last) else 0
        texts = [_RANGE.sub(f"{number:0{width}d}", text, count=1) for text in texts for number in numbers]
    paths = [Path(text) for text in texts]
    if missing := [str(path) for path in paths if not path.is_file()]:
        of = f" of {given}" if len(paths) > 1 else ""
        raise PatinaError(f"{listed(missing)}: no such tar{of}; copy or make {'it' if len(missing) == 1 else 'them'}")
    return paths
