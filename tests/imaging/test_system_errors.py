"""Errors of the operating system are told as what they are, not as damage of a file."""

import errno
import os
import sys
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest
import torch

from patina.errors import PatinaError, PictureError, told_system_error
from patina.imaging.frames import frame_paths
from patina.imaging.huge_pictures import RowReader
from patina.imaging.picture_files import picture_size, read_picture, write_picture
from patina.imaging.plugin_pictures import open_with_plugin
from patina.imaging.video_files import ClipFrame, ClipInfo, clip_info, write_part
from patina.models.model_files import load_state_dict_file

needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
TOLD = r"cannot be (read|used).*Too many open files.*; allow more open files, e\.g\. by `ulimit -n 4096`"
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@contextmanager
def no_file_left():
    """Lower the limit of open files to what is open."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@needs_limits
@pytest.mark.parametrize("read", [read_picture, picture_size])
def test_too_many_open_files_are_no_damage_of_an_image(tmp_path, read):
    write_picture(tmp_path / "a.png", PIXELS)
    with no_file_left(), pytest.raises(PictureError, match=rf"a\.png {TOLD}"):
        read(tmp_path / "a.png")


@needs_limits
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_too_many_open_files_are_no_damage_of_a_huge_image(tmp_path, suffix):
    pytest.importorskip("pyvips")
    path = tmp_path / f"a.{suffix}"
    write_picture(path, PIXELS)
    reader = RowReader(path)
    for read in (lambda: RowReader(path), reader._opened, *([lambda: reader.rows(0, 4)] if suffix == "png" else [])):
        with no_file_left(), pytest.raises(PictureError, match=rf"a\.{suffix} {TOLD}"):
            read()
    assert np.array_equal(RowReader(path).rows(0, 4), PIXELS)


@needs_limits
def test_too_many_open_files_do_not_make_one_image_of_many(tmp_path):
    path = tmp_path / "a.tif"
    write_picture(path, PIXELS)
    with no_file_left(), pytest.raises(OSError, match="Too many open files") as caught:
        frame_paths(path)
    assert "`ulimit -n 4096`" in told_system_error(caught.value)
    assert frame_paths(path) == [path]


@needs_limits
def test_too_many_open_files_are_no_damage_of_a_clip(tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "a.nut"
    write_part(
        path, iter([ClipFrame(np.zeros((16, 16, 3), np.uint8), 0)]), ClipInfo(1, Fraction(25), Fraction(1, 25)), 1
    )
    with no_file_left(), pytest.raises(PictureError, match=rf"a\.nut {TOLD}"):
        clip_info(path)


@needs_limits
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_too_many_open_files_are_no_damage_of_a_model(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    torch.save({"weight": torch.zeros(1)}, path)
    with no_file_left(), pytest.raises(PatinaError, match=rf"a{suffix} {TOLD}"):
        load_state_dict_file(path)


def test_an_error_of_the_system_in_a_decoder_stays_what_it_is(monkeypatch):
    def fails(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setitem(open_with_plugin.__globals__["_PLUGINS"], "BMP", fails)
    with pytest.raises(OSError, match="Input/output error"):
        open_with_plugin("BMP", b"BM")
