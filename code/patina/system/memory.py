"""How much memory a piece of work takes."""

import threading
from pathlib import Path

import psutil
import torch

from patina.system.allocator import return_freed_memory

_INTERVAL = 0.002
"""Seconds between two looks; the convolutions of one tile last longer."""

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""What makes Linux forget the largest memory so far."""


class PeakMemory:
    """The memory that is taken while a ``with`` block runs: a GPU's own, or that of this process.

    Of the process, Linux keeps count, elsewhere it is watched.

    Args:
        on_gpu: whether to ask the current GPU.

    Attributes:
        grown: after the block, by how many bytes it grew at most. Memory that was freed before is returned first; where
            the C library does not do that, what is used again does not count, so measure in a process of its own.
    """

    def __init__(self, on_gpu: bool = False):
        self._on_gpu = on_gpu

    def __enter__(self) -> "PeakMemory":
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()
            return self
        return_freed_memory()
        self._process = psutil.Process()
        self._counted = _peak_was_reset()
        self._before = self._peak = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        if not self._counted:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._on_gpu:
            self.grown = torch.cuda.max_memory_allocated() - self._before
            return
        self._done.set()
        if self._counted:
            self._peak = _counted_peak()
        else:
            self._thread.join()
            self._look()
        self.grown = max(0, self._peak - self._before)

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL):
            self._look()

    def _look(self) -> None:
        self._peak = max(self._peak, self._process.memory_info().rss)


def _peak_was_reset() -> bool:
    """Make the system count anew; say whether it does."""
    try:
        _RESET.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return False
    return True


def _counted_peak() -> int:
    line = next(each for each in _STATUS.read_text(encoding="ascii").splitlines() if each.startswith("VmHWM"))
    return 1024 * int(line.split()[1])
