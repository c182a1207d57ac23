"""How much memory a piece of work takes."""

import threading

import psutil

_INTERVAL = 0.002
"""Seconds between two looks; the convolutions of one tile last longer."""


class PeakMemory:
    """Watches this process while a ``with`` block runs.

    Attributes:
        grown: after the block, by how many bytes its memory grew at most. Memory that was freed before and is used
            again does not count, so measure in a process of its own.
    """

    def __enter__(self) -> "PeakMemory":
        self._process = psutil.Process()
        self._before = self._peak = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._look()
        self.grown = self._peak - self._before

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL):
            self._look()

    def _look(self) -> None:
        self._peak = max(self._peak, self._process.memory_info().rss)
