"""Words in which libraries say that memory ran out."""

import imagecodecs
import pytest

from patina.system.lack_of_memory import is_lack_of_memory


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
