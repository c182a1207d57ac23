"""Recognising that memory ran out, which every library tells in its own way."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

_TOLD = re.compile(
    r"out of memory|(can't|cannot) allocate memory|insufficient memory|not enough memory|bad_alloc|ALLOC_FAILED"
    r"|can't start new thread|could not create a primitive"  # the latter is oneDNN's word
    r"|could not import name '\w+' from 'imagecodecs'|failed to map segment from shared object",
    re.IGNORECASE,
)


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was too little memory, of the machine or of a GPU.

    NumPy and Pillow raise MemoryError, torch, OpenCV and the operating system errors of their own. A thread needs
    memory for its stack, and is refused with another message. Libraries are loaded when they are first used, which
    fails, too; imagecodecs then says only that it cannot import its own function.
    """
    try:
        return any(isinstance(one, MemoryError) or _TOLD.search(str(one)) for one in _with_causes(error))
    except MemoryError:  # there is not even enough for the message
        return True


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that it was raised from: libraries that load parts late hide them so."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


@contextmanager
def panics_as_memory_errors() -> Iterator[None]:
    """Let Rust code that packs valid data say that memory ran out.

    Where Python has no memory for a result, PyO3 ends with a panic, which is no Exception and passes all that saves.

    Raises:
        MemoryError: instead of a panic.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise MemoryError(str(error)) from None
        raise
