"""Measuring the peak memory of a block of work."""

import threading
from pathlib import Path

import psutil
import torch

from patina.system.allocator import return_freed_memory

_INTERVAL = 0.002
"""Sampling interval in seconds; the convolutions of one tile take longer."""

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""Writing this to `_RESET` makes Linux reset a process's peak memory."""


class PeakMemory:
    """Peak memory of a ``with`` block, on the current GPU or of this process.

    Linux itself records a process's peak; on other systems a thread samples it.

    Args:
        on_gpu: measure the current GPU's memory.

    Attributes:
        grown: after the block, the largest growth in bytes. Freed memory is returned to the system before the block.
            C libraries that cannot do so reuse it, which is not counted: measure in a fresh process.
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
        self._recorded = _peak_was_reset()
        self._before = self._peak = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        if not self._recorded:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._on_gpu:
            self.grown = torch.cuda.max_memory_allocated() - self._before
            return
        self._done.set()
        if self._recorded:
            self._peak = _recorded_peak()
        else:
            self._thread.join()
            self._sample()
        self.grown = max(0, self._peak - self._before)

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL):
            self._sample()

    def _sample(self) -> None:
        self._peak = max(self._peak, self._process.memory_info().rss)


def _peak_was_reset() -> bool:
    """Reset the system's record of the peak; return whether the system has one."""
    try:
        _RESET.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return False
    return True


def _recorded_peak() -> int:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    kibibytes = next(line for line in lines if line.startswith("VmHWM")).split()[1]
    return 1024 * int(kibibytes)
