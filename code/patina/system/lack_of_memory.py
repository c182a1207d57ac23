"""Recognising that memory ran out, which every library tells in its own way, or not at all."""

import errno
import mmap
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patina.errors import PatinaError, is_of_system, one_line

_TOLD = re.compile(
    r"out of memory|(can't|cannot) allocate memory|insufficient memory|not enough memory|bad_alloc|ALLOC_FAILED"
    r"|can't start new thread|could not create a primitive"  # the latter is oneDNN's word
    r"|PyObject pointer is null|Python API call failed"  # a panic of Rust code for which Python has no memory
    r"|could not import name '\w+' from 'imagecodecs'|failed to map segment from shared object",
    re.IGNORECASE,
)

SCARCE = 64 * 2**20
"""Bytes. Where fewer are left, an unexpected error counts as one of memory: heaps of threads and parts of libraries
take as much at once."""

_RESERVE = 8 * 2**20
"""Bytes of address space, enough to save, to make a message and to print it."""

_LONGEST = 200
_STATUS = Path("/proc/self/status")
_MEANT = (KeyboardInterrupt, SystemExit, GeneratorExit)


class LackOfMemory(MemoryError):
    """An error that came of a lack of memory; the message is that error in short, and it is its cause."""


class _Reserve:
    """Address space that is held back, so that there is some when memory has run out."""

    def __init__(self) -> None:
        self._held: mmap.mmap | None = None

    def keep(self) -> None:
        if self._held is None:
            with suppress(OSError, MemoryError):
                self._held = _mapped(_RESERVE)

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


_reserve = _Reserve()


@contextmanager
def recognising_lack_of_memory() -> Iterator[None]:
    """Say of errors in a ``with`` block that come of a lack of memory what they are.

    Where memory is short, libraries fail in the oddest ways, and no list of their words is complete. So the system is
    asked about every error that nobody foresaw. What the failed work held is freed, and so is a reserve, for saving
    and telling.

    Raises:
        LackOfMemory: instead of such an error.
    """
    _reserve.keep()
    handled = sys.exc_info()[1]
    try:
        yield
    except (*_MEANT, LackOfMemory):
        raise
    except BaseException as error:  # a panic of Rust code is no Exception
        if not came_of_lack_of_memory(error, handled):
            raise
        _reserve.release()
        for one in _with_causes(error, handled):
            traceback.clear_frames(one.__traceback__)
        raise LackOfMemory(_in_short(error)) from error


def came_of_lack_of_memory(error: BaseException, handled: BaseException | None = None) -> bool:
    """Whether an error says that memory ran out, or nobody foresaw it and memory is short.

    A `PatinaError` that speaks of memory says already what to do.

    Args:
        error: the error.
        handled: another error, which was handled when this one was raised, and is not its cause.
    """
    try:
        if isinstance(error, PatinaError):
            return is_lack_of_memory(error, handled) and "memory" not in str(error)
        return is_lack_of_memory(error, handled) or (not _is_foreseen(error) and _is_short())
    except MemoryError:
        return True


def is_lack_of_memory(error: BaseException, handled: BaseException | None = None) -> bool:
    """Whether an error, or one that it came from, says that there was too little memory, of the machine or of a GPU.

    NumPy and Pillow raise MemoryError, torch, OpenCV and the operating system errors of their own. A thread needs
    memory for its stack, and is refused with another message. Libraries are loaded when they are first used, which
    fails, too; imagecodecs then says only that it cannot import its own function. Arguments as in
    `came_of_lack_of_memory`.
    """
    try:
        return any(_says_so(one) for one in _with_causes(error, handled))
    except MemoryError:  # there is not even enough for the message
        return True


def _says_so(error: BaseException) -> bool:
    if is_of_system(error):
        return error.errno == errno.ENOMEM  # the message has a file's name in it
    return isinstance(error, MemoryError) or (not isinstance(error, PatinaError) and bool(_TOLD.search(str(error))))


def _with_causes(error: BaseException, handled: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and the errors that it came from, up to `handled`: libraries that load parts late hide them so."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and cause is not handled and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__


def _is_foreseen(error: BaseException) -> bool:
    return isinstance(error, _MEANT) or is_of_system(error)


def _is_short() -> bool:
    """Whether the system refuses a little memory now, or had hardly more to give when this process was largest."""
    try:
        _mapped(SCARCE).close()
    except (OSError, MemoryError):
        return True
    limit = _limit()
    if limit is None:
        return False
    peak = re.search(r"^VmPeak:\s*(\d+) kB", _STATUS.read_text(encoding="ascii", errors="replace"), re.M)
    return peak is not None and limit - 1024 * int(peak[1]) < SCARCE


def _mapped(size: int) -> mmap.mmap:
    """Return address space of this process alone; the machine gives memory for it when it is written to."""
    if hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return mmap.mmap(-1, size)


def _limit() -> int | None:
    """Return the most bytes of address space that this process may have, if Linux limits them."""
    if sys.platform != "linux":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY or not _STATUS.is_file() else limit


def _in_short(error: BaseException) -> str:
    try:
        lines = str(error).strip().splitlines()
    except MemoryError:
        lines = []
    name = type(error).__name__
    return f"{name}: {one_line(lines[-1])[:_LONGEST]}" if lines else name
