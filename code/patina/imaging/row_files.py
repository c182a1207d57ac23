"""Rows of a picture that the memory does not hold: they lie in a file without a name, which ends with the process."""

import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np
import torch


class RowFile:
    """A picture ``[C, H, W]`` of float32 whose rows are written and read in any order; the context closes it.

    Args:
        folder: where the file lies; it needs ``4 C H W`` bytes there and is in no list of files.
        channels: C.
        size: H and W.

    Raises:
        OSError: the disk is full, or the folder is not writable; from `write`, too.
    """

    def __init__(self, folder: Path, channels: int, size: tuple[int, int]):
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by the context
        self._channels, (self._height, self._width) = channels, size

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __call__(self, start: int, stop: int) -> torch.Tensor:
        """Return rows ``[C, stop - start, W]``, which must have been written."""
        found = np.empty((self._channels, stop - start, self._width), np.float32)
        for channel, plane in enumerate(found):
            self._seek(channel, start)
            if self._file.readinto(plane.data) != plane.nbytes:
                raise ValueError(f"rows {start} to {stop} were not written")
        return torch.from_numpy(found)

    def write(self, start: int, rows: torch.Tensor) -> None:
        """Write rows ``[C, h, W]``, beginning at row `start`."""
        for channel, plane in enumerate(rows.numpy()):
            self._seek(channel, start)
            self._file.write(np.ascontiguousarray(plane).data)
        self._file.flush()

    def _seek(self, channel: int, row: int) -> None:
        self._file.seek(4 * self._width * (channel * self._height + row))
