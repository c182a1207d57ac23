"""Words in which libraries say that memory ran out."""

import imagecodecs
import pytest

from patina.system.lack_of_memory import is_lack_of_memory, panics_as_memory_errors


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        imagecodecs.DelayedImportError("png_decode"),
        ImportError("libx.so.1: failed to map segment from shared object"),
    ],
    ids=range(6),
)
def test_each_is_known(error):
    assert is_lack_of_memory(error)


@pytest.mark.parametrize(
    "error", [ImportError("No module named 'imagecodecs'"), ValueError("odd"), OSError(28, "full")]
)
def test_other_errors_are_others(error):
    assert not is_lack_of_memory(error)


def test_an_error_whose_message_needs_more_memory_than_there_is_is_one():
    class Wordless(RuntimeError):
        def __str__(self) -> str:
            raise MemoryError

    assert is_lack_of_memory(Wordless())


def test_an_error_that_was_raised_from_one_is_one():
    late = RuntimeError("Failed to import diffusers.schedulers")
    late.__cause__ = ImportError("no scheduler")
    late.__cause__.__cause__ = MemoryError()
    assert is_lack_of_memory(late)
    late.__cause__.__cause__ = None
    assert not is_lack_of_memory(late)


def test_a_panic_of_rust_code_is_one_and_other_errors_stay():
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    with pytest.raises(MemoryError, match="PyObject pointer is null"), panics_as_memory_errors():
        raise panic("PyObject pointer is null")
    with pytest.raises(KeyboardInterrupt), panics_as_memory_errors():
        raise KeyboardInterrupt
