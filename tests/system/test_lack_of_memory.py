"""Recognising that memory ran out: by the words of libraries, and by asking the system."""

import errno
import subprocess
import sys

import imagecodecs
import pytest

from patina.errors import PatinaError
from patina.system import lack_of_memory
from patina.system.lack_of_memory import LackOfMemory, is_lack_of_memory, recognising_lack_of_memory

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits address space")


class Panic(BaseException):
    """As PyO3 raises it: no Exception."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        imagecodecs.DelayedImportError("png_decode"),
        ImportError("libx.so.1: failed to map segment from shared object"),
        Panic("PyObject pointer is null"),
    ],
    ids=range(7),
)
def test_each_is_known(error):
    assert is_lack_of_memory(error)
    with pytest.raises(LackOfMemory, match=type(error).__name__), recognising_lack_of_memory():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        ImportError("No module named 'imagecodecs'"),
        ValueError("odd"),
        OSError(28, "full"),
        FileNotFoundError(errno.ENOENT, "No such file", "out of memory.png"),
        PatinaError("out of memory.png: is truncated"),
        Panic("index out of bounds"),
        KeyboardInterrupt(),
    ],
)
def test_other_errors_are_others_where_memory_is_plenty(error):
    assert not is_lack_of_memory(error)
    with pytest.raises(type(error)) as caught, recognising_lack_of_memory():
        raise error
    assert caught.value is error


def test_an_error_whose_message_needs_more_memory_than_there_is_is_one():
    class Wordless(RuntimeError):
        def __str__(self) -> str:
            raise MemoryError

    assert is_lack_of_memory(Wordless())
    with pytest.raises(LackOfMemory, match=r"^Wordless$"), recognising_lack_of_memory():
        raise Wordless


def test_an_error_that_was_raised_from_one_is_one():
    late = RuntimeError("Failed to import diffusers.schedulers")
    late.__cause__ = ImportError("no scheduler")
    late.__cause__.__cause__ = MemoryError()
    assert is_lack_of_memory(late)
    late.__cause__.__cause__ = None
    assert not is_lack_of_memory(late)


def fail(first: Exception, then: Exception) -> None:
    try:
        raise first
    except Exception:
        raise then from None


def test_a_message_of_ours_that_blames_something_else_is_not_believed():
    with (
        pytest.raises(LackOfMemory, match=r"^PatinaError: x: cannot be read; remove it$"),
        recognising_lack_of_memory(),
    ):
        fail(MemoryError(), PatinaError("x: cannot be read; remove it"))
    with pytest.raises(PatinaError, match=r"^too much memory; choose"), recognising_lack_of_memory():
        fail(MemoryError(), PatinaError("too much memory; choose a smaller -tile"))


def test_an_error_while_another_is_handled_is_judged_by_itself():
    try:
        raise MemoryError
    except MemoryError:
        with pytest.raises(PatinaError, match=r"^disk is full$"), recognising_lack_of_memory():
            raise PatinaError("disk is full") from None


def test_what_failed_work_held_is_freed_for_saving():
    held = []

    class Large:
        def __del__(self):
            held.remove(1)

    def work():
        large = Large()
        held.append(1)
        raise MemoryError(str(id(large)))

    try:
        with recognising_lack_of_memory():
            work()
    except LackOfMemory:
        assert not held


IN_LITTLE = """
import mmap, resource, sys
from pathlib import Path
from patina.system.lack_of_memory import LackOfMemory, recognising_lack_of_memory

def size(name):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])

left, taken, held, kind = int(sys.argv[1]) * 2**20, int(sys.argv[2]) * 2**20, sys.argv[3] == "held", sys.argv[4]
limit = size("VmPeak") + left
resource.setrlimit(resource.RLIMIT_DATA if kind == "data" else resource.RLIMIT_AS, (limit, limit))
if kind == "data":
    resource.setrlimit(resource.RLIMIT_DATA, (size("VmData") + left, limit))
try:
    with recognising_lack_of_memory():
        block = mmap.mmap(-1, taken, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) if taken else None
        if block and not held:
            block.close()
        raise KeyError("odd")
except LackOfMemory as error:
    print("short", error)
except KeyError as error:
    print("plenty", error)
"""


@LINUX
@pytest.mark.parametrize(
    ("left", "taken", "held", "kind", "told"),
    [
        (300, 0, "no", "space", "plenty 'odd'"),
        (300, 100, "no", "space", "plenty 'odd'"),
        (300, 270, "held", "space", "short KeyError: 'odd'"),  # nothing is left
        (300, 270, "no", "space", "short KeyError: 'odd'"),  # it was freed on the way
        (20, 0, "no", "space", "short KeyError: 'odd'"),
        (300, 0, "no", "data", "plenty 'odd'"),
        (300, 270, "held", "data", "short KeyError: 'odd'"),
    ],
)
def test_the_system_is_asked_about_errors_of_no_known_kind(left, taken, held, kind, told):
    line = [sys.executable, "-c", IN_LITTLE, str(left), str(taken), held, kind]
    ended = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout.strip() == told, ended.stderr


def test_a_reserve_is_freed_for_the_message():
    held = []

    def fail_with_a_reserve() -> None:
        held.append(lack_of_memory._reserve._held)
        raise MemoryError

    with pytest.raises(LackOfMemory), recognising_lack_of_memory():
        fail_with_a_reserve()
    assert held[0] is not None
    assert held[0].closed
