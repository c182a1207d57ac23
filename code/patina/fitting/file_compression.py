"""How a photo's file was compressed: what its header says or, for lossless files, what the pixels show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patina.fitting.chroma_subsampling import is_halved_horizontally
from patina.fitting.former_chroma import former_chroma
from patina.fitting.former_jpeg import FormerJpeg, former_jpeg
from patina.imaging.compression_headers import CompressionHeader, Table, standard_table
from patina.imaging.recompress import JPEG_SUBSAMPLINGS

JPEG, WEBP, NONE = "jpeg", "webp", "none"
CODEC_NAMES = {JPEG: "JPEG", WEBP: "WebP"}
"""Names of lossy formats, for messages."""

UNSEEN = 100
"""Quality of a JPEG compression that shows in the chroma alone."""


@dataclass(frozen=True)
class FileCompression:
    """The last compression of a photo.

    Attributes:
        format: ``"jpeg"``, ``"webp"`` or ``"none"``.
        quality: 1 to 100 as encoders count it; 100 for none.
        subsampling: of JPEG's chroma, a key of `JPEG_SUBSAMPLINGS`.
        tables: JPEG's tables of luma and, for colour files, chroma, where they are not those of the quality.
        grid: row and column, 0 to 7, where a block begins; (0, 0) but for former JPEGs that were cropped.
        former: the JPEG compression before, of a file that is a JPEG itself; None where it shows none.
        seen_in_pixels: whether it was found in the pixels of a lossless file.
    """

    format: str = NONE
    quality: int = 100
    subsampling: str = "4:2:0"
    tables: tuple[Table, ...] = ()
    grid: tuple[int, int] = (0, 0)
    former: FormerJpeg | None = None
    seen_in_pixels: bool = False

    @property
    def shows_in_chroma_alone(self) -> bool:
        """Whether nothing is known of it but the chroma's subsampling."""
        return self.format == JPEG and self.quality == UNSEEN and self.subsampling != "4:2:0" and not self.tables

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of a recipe that do it."""
        if self.format == NONE:
            return []
        if self.former is None:
            return [self._last_step]
        shift = {} if self.former.grid == (0, 0) else {"shift": [0, 7]}
        return [{"jpeg": {"quality": self.former.quality, **shift}}, self._last_step]

    @property
    def _last_step(self) -> dict[str, Any]:
        subsampling = {"subsampling": self.subsampling} if self.format == JPEG and self.subsampling != "4:2:0" else {}
        if self.tables:
            names = zip(("luma", "chroma"), self.tables, strict=False)
            return {"jpeg_tables": {**{name: list(table) for name, table in names}, **subsampling}}
        return {self.format: {"quality": self.quality, **subsampling}}


def file_compression(header: CompressionHeader | None, planes: Sequence[np.ndarray]) -> FileCompression:
    """Return how a photo was compressed.

    Args:
        header: of its file; None for lossless files.
        planes: luma and two chroma planes of its crops, float32 ``[H, W, 3]`` in grey levels.
    """
    luma = [np.ascontiguousarray(plane[..., 0]) for plane in planes]
    if header is not None:
        # A gray file has no chroma that could be subsampled; unusual ways are brought to the usual one.
        subsampling = header.subsampling if header.subsampling in JPEG_SUBSAMPLINGS else "4:2:0"
        # Divisors above 255 stand in files of 12 bit alone, which are not read.
        tables = () if header.standard or max(map(max, header.tables)) > 255 else header.tables[:2]
        former = former_jpeg(luma, header.quality, header.tables[0]) if header.format == JPEG else None
        return FileCompression(header.format, header.quality, subsampling, tables, former=former)
    found = former_jpeg(luma)
    if found is not None:
        return _once_jpeg(found, planes)
    if is_halved_horizontally(planes):
        return FileCompression(JPEG, UNSEEN, "4:2:2", seen_in_pixels=True)
    return FileCompression()


def _once_jpeg(luma: FormerJpeg, planes: Sequence[np.ndarray]) -> FileCompression:
    """Return a compression that pixels show, from that of luma: chroma tells its own part, or that of the quality."""
    chroma = former_chroma(planes, luma)
    own = None if chroma is None else chroma.table
    tables: tuple[Table, ...] = ()
    if luma.luma is not None or own is not None:
        tables = (luma.luma or standard_table(luma.quality), own or standard_table(luma.quality, chroma=True))
    if chroma is None:
        subsampling = "4:2:2" if is_halved_horizontally(planes) else "4:2:0"
    else:
        subsampling = chroma.subsampling
    return FileCompression(JPEG, luma.quality, subsampling, tables, grid=luma.grid, seen_in_pixels=True)
