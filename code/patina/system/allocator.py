"""Control of glibc's handling of freed memory; no effect with other C libraries."""

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
"""Options of glibc's `mallopt`."""

KEEPING = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: -1}
BY_ITSELF = {M_MMAP_MAX: 2**16, M_MMAP_THRESHOLD: 2**25, M_TRIM_THRESHOLD: 2**26}
"""The values that glibc sets on its own once a large block was freed."""


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Reuse freed memory within the ``with`` block instead of returning it to the system; return it afterwards.

    By default, glibc maps every allocation of 32 MiB or more and unmaps it when it is freed. A network with feature
    maps that large spends up to half of its time waiting for the system to clear pages. Allocations of many sizes
    fragment reused memory, so end the block where sizes change, for example after every picture.
    """
    _set(KEEPING)
    try:
        yield
    finally:
        _set(BY_ITSELF)
        return_freed_memory()


def keep_blocks_of_images() -> None:
    """Reuse freed blocks below 32 MiB from now on, of which up to 64 MiB stay with this process.

    Glibc does so by itself once a block of that size was freed. Until then it returns most blocks of an image of some
    hundred pixels a side at once, and asks for them again in the next operation: a third of the time of classical
    degradations, and of what a fit measures, goes into clearing their pages.
    """
    _set(BY_ITSELF)


def return_freed_memory() -> None:
    """Return all freed memory to the system."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _set(options: Mapping[int, int]) -> None:
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        for option, value in options.items():
            libc.mallopt(option, value)
