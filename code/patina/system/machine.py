"""What this machine offers, and how much of its processor was used."""

import os
import platform
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_CPU = Path("/proc/cpuinfo")
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux keeps a container's limit of memory, in versions 2 and 1 of its control groups."""

SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps what processes share; loader processes hand batches over there."""


@dataclass(frozen=True)
class Processor:
    """The processor.

    Attributes:
        name: as its maker calls it, or the architecture.
        threads: how many of its threads this process may use.
        features: instructions for reduced precision in this order, of those it has; None where the system hides them.
    """

    name: str
    threads: int
    features: tuple[str, ...] | None

    @classmethod
    def of_this_machine(cls) -> "Processor":
        """Return the processor of this machine."""
        allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        try:
            text = _CPU.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return cls(platform.processor() or platform.machine(), allowed, None)
        name = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
        flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.M)
        return cls(name.group(1) if name else platform.machine(), allowed, _reduced(flags.group(1)) if flags else None)


def _reduced(flags: str) -> tuple[str, ...]:
    known = {"avx512_bf16": "AVX-512 bf16", "amx_bf16": "AMX bf16", "amx_int8": "AMX int8", "bf16": "bf16"}
    return tuple(told for flag, told in known.items() if flag in flags.split())


@dataclass(frozen=True)
class Room:
    """Space in bytes.

    Attributes:
        free: what can still be used.
        total: what there is.
    """

    free: int
    total: int


def memory() -> Room:
    """Return the memory that this process may use; within a container, its share."""
    found = psutil.virtual_memory()
    limits = [path.read_text(encoding="ascii").strip() for path in _LIMITS if path.is_file()]
    total = min([found.total, *(int(limit) for limit in limits if limit.isdigit())])
    return Room(min(found.available, total), total)


def disk(folder: Path) -> Room:
    """Return the space on the disk of a folder, or of the nearest folder above it that exists."""
    usage = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists()))
    return Room(usage.free, usage.total)


def processor_seconds() -> float:
    """Return the processor time of this process and of the children it has waited for; other programs do not count."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
