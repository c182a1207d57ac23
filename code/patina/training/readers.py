"""The processes that read a training's images: whether one of them died, told between two steps."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class Readers:
    """The processes that read for one training; those of other loaders in this process do not concern it.

    torch's handler of the signal of dead children looks at the readers of all loaders that the program still holds,
    and raises its error wherever the program is: also for a reader of an earlier training, and halfway through a change
    of the weights, which could not be saved then.

    Args:
        processes: the readers, started; none if the training reads by itself.
    """

    def __init__(self, processes: Sequence[BaseProcess]) -> None:
        self._processes = processes
        self._is_waiting = False

    def between_steps(self, batches: Iterator[T]) -> Iterator[T]:
        """Yield the batches; a reader that dies during a step is reported after the step.

        Raises:
            RuntimeError: a reader died.
        """
        with _watch.over(self):
            while (batch := self._next(batches)) is not None:
                yield batch

    def on_signal(self) -> None:
        """Raise an error if a batch is waited for and a reader died.

        Raises:
            RuntimeError: a reader died.
        """
        if self._is_waiting:
            self._require_alive()

    def have_died(self, within: float = 0.0) -> bool:
        """Return whether a reader was killed or failed, now or in the next seconds."""
        if self._processes:
            ended = wait([process.sentinel for process in self._processes], within)
            for process in self._processes:
                if process.sentinel in ended:
                    process.join(5)  # it ends a moment after its sentinel
        return any(process.exitcode for process in self._processes)

    def __bool__(self) -> bool:
        return bool(self._processes)

    @property
    def were_terminated(self) -> bool:
        """Whether SIGTERM ended a reader."""
        return any(process.exitcode == -signal.SIGTERM for process in self._processes)

    def _next(self, batches: Iterator[T]) -> T | None:
        with self._waiting():
            self._require_alive()
            return next(batches, None)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._is_waiting = True
        try:
            yield
        finally:
            self._is_waiting = False

    def _require_alive(self) -> None:
        for process in self._processes:
            code = process.exitcode
            if code:
                how = f"is killed by signal: {signal.strsignal(-code)}" if code < 0 else "exited unexpectedly"
                raise RuntimeError(f"DataLoader worker (pid {process.pid}) {how}")


class _Watch:
    """Takes the signal of dead children in place of torch's handler, for trainings in the main thread.

    It stays when a training has ended: Python ends what is left of the readers, which is no error.
    """

    def __init__(self) -> None:
        self._watched: set[Readers] = set()
        self._before: object = None

    @contextmanager
    def over(self, readers: Readers) -> Iterator[None]:
        """Tell `readers` of the signal in a ``with`` block."""
        if _is_main_thread():
            self._watched.add(readers)
        try:
            yield
        finally:
            self._watched.discard(readers)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take the place of the handler that torch sets in a ``with`` block; the one before torch's is still called."""
        if not _is_main_thread() or not hasattr(signal, "SIGCHLD"):
            yield
            return
        before = signal.getsignal(signal.SIGCHLD)
        if before != self._on_signal and not _is_torchs(before):
            self._before = before
        try:
            yield
        finally:
            signal.signal(signal.SIGCHLD, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if callable(self._before):
            self._before(number, frame)
        for readers in tuple(self._watched):
            readers.on_signal()


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_torchs(handler: object) -> bool:
    return getattr(handler, "__module__", "") == "torch.utils.data._utils.signal_handling"


_watch = _Watch()

replacing_torchs_handler = _watch.installed
"""A context in which a loader starts, and torch sets its handler, which is replaced by the one for `Readers`."""
