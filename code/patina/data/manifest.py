"""The manifest of a multi-scale set: its scales, channel statistics, and the source of every picture.

`patina prepare` writes it when the set is complete; training reads it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina.errors import PatinaError
from patina.imaging.channel_statistics import ChannelStatistics
from patina.system.atomic import write_text
from patina.system.inner_paths import require_inner_names
from patina.system.typed_values import Malformed, parsed_object, typed

FILE_NAME = "manifest.json"
VERSION = 1
KERNEL = "matlab bicubic, antialiased"


@dataclass(frozen=True)
class ManifestPicture:
    """A picture of the set.

    Attributes:
        source: file name in the source folder.
        output: file name in every scale's folder.
        height, width: size at scale 1, after the crop.
    """

    source: str
    output: str
    height: int
    width: int


@dataclass(frozen=True)
class ManifestFailure:
    """A source picture that is not in the set, and why."""

    source: str
    message: str


@dataclass(frozen=True)
class _Scale:
    """One scale of the set, as the manifest stores it."""

    count: int
    statistics: ChannelStatistics


@dataclass(frozen=True)
class Manifest:
    """A multi-scale set: folders ``1x/``, ``8x/``, … with the same pictures, each smaller by its scale.

    Attributes:
        source: the folder that the pictures are from.
        crop_multiple: sizes at scale 1 are multiples of it.
        statistics: per scale, over all its pixels.
        pictures: in the natural order of their sources.
        failures: sources that were skipped.
        kernel: the kernel that shrank the pictures.
    """

    source: str
    crop_multiple: int
    statistics: dict[int, ChannelStatistics]
    pictures: tuple[ManifestPicture, ...]
    failures: tuple[ManifestFailure, ...] = ()
    kernel: str = KERNEL

    @property
    def scales(self) -> tuple[int, ...]:
        """The scales in the set, ascending."""
        return tuple(sorted(self.statistics))

    def to_json(self) -> str:
        """Return the file's text: a line for every picture and every failure."""
        summary = json.dumps(self._summary(), indent=1, ensure_ascii=False).removesuffix("\n}")
        return f'{summary},\n "pictures": {_lines(self.pictures)},\n "failures": {_lines(self.failures)}\n}}\n'

    def _summary(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "source": self.source,
            "kernel": self.kernel,
            "crop_multiple": self.crop_multiple,
            "scales": {
                str(scale): {"count": len(self.pictures), "statistics": self.statistics[scale].to_dict()}
                for scale in self.scales
            },
        }

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Undo `to_json`.

        Raises:
            Malformed: no manifest of this version.
        """
        values = parsed_object(text)
        if values.pop("version", None) != VERSION:
            raise Malformed(f"expected version {VERSION}")
        scales = typed(dict[int, _Scale], values.pop("scales", None))
        statistics = {scale: entry.statistics for scale, entry in scales.items()}
        return typed(cls, {**values, "statistics": statistics})


def load_manifest(folder: Path | str) -> Manifest:
    """Load the manifest of a set from its folder or from one of its scales' folders.

    Raises:
        PatinaError: there is none, it cannot be read, or it names files outside of the set.
    """
    path = _find(Path(folder))
    try:
        manifest = Manifest.from_json(path.read_text(encoding="utf-8"))
        require_inner_names((name for picture in manifest.pictures for name in (picture.source, picture.output)), path)
        return manifest
    except OSError as error:
        raise PatinaError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise PatinaError(f"{path} is not a manifest of this version ({error}); run `patina prepare` again") from None


def save_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a set into its folder.

    Raises:
        PatinaError: the file cannot be written, e.g. because the disk is full.
    """
    write_text(folder / FILE_NAME, manifest.to_json())


def _lines(entries: Iterable[ManifestPicture | ManifestFailure]) -> str:
    """Return a JSON list with a line for every entry."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    lines = ",\n".join(f"  {encode(vars(entry))}" for entry in entries)
    return f"[\n{lines}\n ]" if lines else "[]"


def _find(folder: Path) -> Path:
    path = folder / FILE_NAME
    if not path.is_file() and re.fullmatch(r"\d+x", folder.resolve().name):
        path = folder.resolve().parent / FILE_NAME
    if not path.is_file():
        raise PatinaError(f"{folder} has no {FILE_NAME}; make the set with `patina prepare`")
    return path
