"""What the C library does with memory that is freed, where it is glibc; elsewhere nothing here has an effect."""

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
"""Options of glibc's `mallopt`."""

KEEPING = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: -1}
BY_ITSELF = {M_MMAP_MAX: 2**16, M_MMAP_THRESHOLD: 2**25, M_TRIM_THRESHOLD: 2**26}
"""What glibc's own values are once a large block was freed."""


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within the block, hand freed memory out again instead of returning it to the system; behind it, return it.

    By itself glibc maps every block of 32 MiB or more anew and unmaps it when it is freed: a network whose feature maps
    are that large spends up to half of its time on pages that the system clears for it. Blocks of many sizes do not
    fill kept memory without gaps, so a block of work should end where sizes change, for example with a picture.
    """
    _set(KEEPING)
    try:
        yield
    finally:
        _set(BY_ITSELF)
        return_freed_memory()


def return_freed_memory() -> None:
    """Return to the system what was freed and is not in use."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _set(options: Mapping[int, int]) -> None:
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        for option, value in options.items():
            libc.mallopt(option, value)
