"""Matches the pictures of two folders by their stems (file names without suffix)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from patina.errors import PatinaError, listed
from patina.imaging.picture_files import list_pictures
from patina.imaging.sources import name_in, same_text
from patina.system.stored_files import stem_of


@dataclass(frozen=True)
class Match:
    """Two files of one stem.

    Attributes:
        stem: the file name without suffix.
        first, second: the file in the first and in the second folder.
    """

    stem: str
    first: Path
    second: Path


def match_by_stem(
    first_folder: Path,
    second_folder: Path,
    without: Collection[str] = (),
    template: str = "{}",
    recursive: bool = False,
) -> list[Match]:
    """Find every picture's partner in the other folder, however the accents in their names are encoded.

    Args:
        first_folder, second_folder: folders of pictures, any format, or sets in stores; of pairs in one set of tars,
            the parts ``lq`` and ``gt``.
        without: stems to leave out, with or without a partner.
        template: how the first folder's stems are made of the second's: ``{}x2`` for ``bird``'s partner ``birdx2``.
        recursive: include subfolders. Their names are part of the stems, as those in stores are: ``2019/a.png`` has the
            stem ``2019_a``.

    Returns:
        One match per stem, in the natural order of the first folder.

    Raises:
        PatinaError: a folder is missing or has no pictures, a stem occurs twice, or a picture has no partner.
    """
    first = _files_by_stem(first_folder, without, "lq", recursive, template)
    second = _files_by_stem(second_folder, without, "gt", recursive)
    alone = _without_partner(first, second, second_folder) + _without_partner(second, first, first_folder)
    if alone:
        raise PatinaError(listed(alone))
    return [Match(stem, path, second[stem]) for stem, path in first.items()]


def scene_of(stem: str) -> str:
    """Return a stem without its trailing numbers: tiles of one scene differ in those alone (``toy_0016_0976``)."""
    return re.sub(r"([_-]?\d+)+$", "", stem) or stem


TEMPLATE = r"[^{}/]*\{\}[^{}/]*"
"""Pattern of names with ``{}`` in place of another name."""


def is_template(text: str) -> bool:
    """Whether a text is a name with one ``{}`` in place of another name."""
    return re.fullmatch(TEMPLATE, text) is not None


def _files_by_stem(
    folder: Path, without: Collection[str], part: str, recursive: bool, template: str = "{}"
) -> dict[str, Path]:
    files: dict[str, Path] = {}
    without = set(map(same_text, without))
    shared: list[str] = []
    foreign: list[str] = []
    before, _, after = same_text(template).partition("{}")
    for path in list_pictures(folder, part, recursive):
        stem, name = same_text(stem_of(path)).rpartition("/")[2], name_in(folder, path)
        if not (stem.startswith(before) and stem.endswith(after) and len(stem) > len(before) + len(after)):
            foreign.append(f"{path} is not named like {template}")
            continue
        stem = name.removesuffix(stem) + stem.removeprefix(before).removesuffix(after)
        if stem in without:
            continue
        if (other := files.setdefault(stem, path)) != path:
            shared.append(f"{other} and {path} share a name")
    if foreign:
        raise PatinaError(f"{listed(foreign)}; rename them, or give the template that their names have")
    if shared:
        raise PatinaError(f"{listed(shared)}; remove or rename one of each")
    return files


def _without_partner(files: dict[str, Path], partners: dict[str, Path], folder: Path) -> list[str]:
    return [f"{path} has no partner named {stem} in {folder}" for stem, path in files.items() if stem not in partners]
