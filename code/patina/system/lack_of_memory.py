"""Recognising that memory ran out, which every library tells in its own way."""

import re

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
    return isinstance(error, MemoryError) or bool(_TOLD.search(str(error)))
