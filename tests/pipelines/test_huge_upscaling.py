"""Images above the limit of megapixels are upscaled in bands, and the result is that of the whole image."""

import errno
import io
import re
from functools import partial
from weakref import WeakSet

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

import small_deflow
import small_ludif
import small_ludvae
from degraded_sets import run
from patina.imaging.huge_pictures import RowReader, write_rows
from patina.imaging.matlab_resize import imresize, imresize_bands
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.size_limit import VARIABLE
from patina.models.generator_files import save_generator
from patina.models.rrdbnet import RRDBNetSettings
from patina.pipelines import huge_translation
from sets import contents, picture

pyvips = pytest.importorskip("pyvips")
pytestmark = [pytest.mark.distributed, pytest.mark.usefixtures("one_process")]
HEIGHT, WIDTH = 150, 97


def pixels(dtype=np.uint8, gray=False) -> np.ndarray:
    found = picture(3, HEIGHT, WIDTH)
    found = found.mean(axis=2).astype(np.uint8) if gray else found
    return found if dtype == np.uint8 else found.astype(np.uint16) * 257 + 11


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(3)
    network = RRDBNetSettings(scale=2, features=4, blocks=1, growth=4).build()
    last = network.model[-1]
    with torch.no_grad():
        last.weight *= 0.2 / network(torch.rand(1, 3, 32, 32)).std()
        last.bias.fill_(0.5)
    save_generator(network, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def both(tmp_path, monkeypatch, source, *command):
    """Upscale a file as a whole and in bands; return what was read of both results."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert run("upscale", *command, "-source", source, "-out", tmp_path / "whole") == 0
    monkeypatch.setenv(VARIABLE, "0.001")
    assert run("upscale", *command, "-source", source, "-out", tmp_path / "bands") == 0
    monkeypatch.delenv(VARIABLE)
    (whole,), (bands,) = ([*(tmp_path / name).glob(f"{source.stem}.*")] for name in ("whole", "bands"))
    assert whole.name == bands.name
    return read_picture(whole), read_picture(bands)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bicubic_in_bands_is_that_of_the_whole_image(tmp_path, monkeypatch, suffix, gray, dtype, capsys):
    source, form = tmp_path / f"a{suffix}", "png" if suffix == ".tif" else "tiff"
    write_picture(source, pixels(dtype, gray))
    whole, bands = both(tmp_path, monkeypatch, source, "-model", "bicubic", "-scale", "3", "-format", form)
    assert bands.pixels.dtype == dtype
    assert bands.gray == whole.gray == gray
    assert np.array_equal(whole.pixels, bands.pixels)
    assert "1 image was upscaled in bands, without EXIF data" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("tile", [(16, 8), (48, 16), (512, 32)])
def test_a_network_in_bands_is_that_on_the_whole_image(tmp_path, monkeypatch, model, tile):
    write_picture(tmp_path / "a.png", pixels())
    options = ["-model", model, "-tile", tile[0], "-overlap", tile[1]]
    whole, bands = both(tmp_path, monkeypatch, tmp_path / "a.png", *options)
    assert np.array_equal(whole.pixels, bands.pixels)
    assert whole.pixels.std() > 1


def test_colour_profiles_are_converted_in_every_band(tmp_path, monkeypatch):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = bytearray(profile)
    places = [profile.index(name, 128) for name in (b"rXYZ", b"gXYZ")]
    for place, other in zip(places, places[::-1], strict=True):
        swapped[place : place + 4] = profile[other : other + 4]
    stream = io.BytesIO()
    Image.fromarray(pixels()).save(stream, "PNG", icc_profile=bytes(swapped))
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    whole, bands = both(tmp_path, monkeypatch, tmp_path / "a.png", "-model", "bicubic", "-scale", "2")
    assert np.array_equal(whole.pixels, bands.pixels)
    assert not np.array_equal(whole.pixels, imresize(pixels(), 2))


@pytest.mark.parametrize("layout", [{"tile": (32, 32)}, {"rowsperstrip": 7}, {"compression": "lzw"}, {"bigtiff": True}])
def test_tiffs_of_all_layouts_are_read(tmp_path, layout):
    tifffile.imwrite(tmp_path / "a.tif", pixels(), photometric="rgb", **layout)
    reader = RowReader(tmp_path / "a.tif")
    assert np.array_equal(reader.rows(0, HEIGHT), pixels())


def test_the_memory_holds_a_few_rows(tmp_path):
    write_picture(tmp_path / "a.png", pixels())
    reader, most = RowReader(tmp_path / "a.png"), 0

    def rows(start, stop):
        nonlocal most
        found = reader.rows(start, stop)
        most = max(most, len(reader._kept))
        return found

    bands = list(imresize_bands(rows, (HEIGHT, WIDTH), 2))
    assert np.array_equal(np.concatenate(bands), imresize(pixels(), 2))
    assert most < 32


def test_finished_results_are_kept_and_smaller_images_read_as_a_whole(tmp_path, monkeypatch, capsys):
    write_picture(tmp_path / "in" / "a.png", pixels())
    write_picture(tmp_path / "in" / "b.png", pixels()[:8, :8])
    monkeypatch.setenv(VARIABLE, "0.001")
    command = ["upscale", "-model", "bicubic", "-scale", "2", "-source", tmp_path / "in", "-out", tmp_path / "out"]
    assert run(*command) == 0
    before = contents(tmp_path / "out")
    assert run(*command) == 0
    assert contents(tmp_path / "out") == before
    told = capsys.readouterr().err
    assert "2 images made" in told
    assert "1 image was upscaled in bands" in told


def test_what_bands_cannot_do_is_refused_by_name(tmp_path, monkeypatch, capsys):
    write_picture(tmp_path / "in" / "a.png", pixels(), np.full((HEIGHT, WIDTH), 9, np.uint8))
    data = (tmp_path / "in" / "a.png").read_bytes()
    write_picture(tmp_path / "in" / "b.png", pixels())
    data = (tmp_path / "in" / "b.png").read_bytes()
    middle = len(data) // 2
    (tmp_path / "in" / "c.png").write_bytes(data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels()).save(tmp_path / "in" / "d.png", exif=exif)
    Image.fromarray(pixels()).save(tmp_path / "in" / "e.jpg")
    monkeypatch.setenv(VARIABLE, "0.001")
    options = ["-source", tmp_path / "in", "-out"]
    assert run("upscale", "-model", "bicubic", "-scale", "2", *options, tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert "a.png exceeds the limit of megapixels; larger images must be opaque" in told
    assert "c.png is damaged or truncated" in told
    assert "d.png exceeds the limit of megapixels; larger images must be stored upright" in told
    assert "e.jpg is 97x150; expected at most 0.001 megapixels" in told
    assert [path.name for path in sorted((tmp_path / "out").glob("*.png"))] == ["b.png"]
    assert run("upscale", "-model", "lanczos", "-scale", "2", *options, tmp_path / "lanczos") == 1
    assert "b.png is 97x150; expected at most 0.001 megapixels" in capsys.readouterr().err
    monkeypatch.setattr("patina.imaging.huge_pictures.reads_huge", lambda: False)
    assert run("upscale", "-model", "bicubic", "-scale", "2", *options, tmp_path / "without") == 1
    assert "take larger PNGs and TIFFs with the extra huge: pip install" in capsys.readouterr().err


def test_a_truncated_file_leaves_no_result(tmp_path, monkeypatch, capsys):
    for name in ("a.png", "b.tif"):
        write_picture(tmp_path / "in" / name, pixels())
        data = (tmp_path / "in" / name).read_bytes()
        (tmp_path / "in" / name).write_bytes(data[: len(data) * 2 // 3])
    monkeypatch.setenv(VARIABLE, "0.001")
    command = ["upscale", "-model", "bicubic", "-scale", "2", "-source", tmp_path / "in", "-out", tmp_path / "out"]
    assert run(*command) == 1
    assert "2 of 2 images failed" in capsys.readouterr().err
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix in (".png", ".tif")]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_rows_are_written_as_other_readers_read_them(tmp_path, suffix, dtype):
    expected = pixels(dtype)
    bands = [expected[start:stop] for start, stop in ((0, 1), (1, 70), (70, 71), (71, HEIGHT))]
    write_rows(tmp_path / f"a{suffix}", iter(bands), HEIGHT, WIDTH, np.dtype(dtype), gray=False)
    assert np.array_equal(read_picture(tmp_path / f"a{suffix}").pixels, expected)
    if dtype == np.uint8:
        assert np.array_equal(np.asarray(Image.open(tmp_path / f"a{suffix}")), expected)


def translated(tmp_path, monkeypatch, command):
    """Translate a file as a whole and in bands; return what was read of both results."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert run(*command, "-out", tmp_path / "whole") == 0
    monkeypatch.setenv(VARIABLE, "0.001")
    assert run(*command, "-out", tmp_path / "bands") == 0
    monkeypatch.delenv(VARIABLE)
    return read_picture(tmp_path / "whole" / "a.png"), read_picture(tmp_path / "bands" / "a.png")


@pytest.mark.parametrize("domain", ["X", "Y"])
@pytest.mark.parametrize("kind", ["ludvae", "deflow", "ludif"])
def test_translations_in_bands_are_those_of_the_whole_image(tmp_path, monkeypatch, kind, domain, capsys):
    write = {
        "ludvae": small_ludvae.write_model,
        "deflow": small_deflow.write_model,
        "ludif": partial(small_ludif.write_model, replace_impulses=True),
    }[kind]
    source, model = tmp_path / ("a.tif" if domain == "X" else "a.png"), write(tmp_path / "net.safetensors")
    noisy = pixels(np.uint16 if domain == "X" else np.uint8)
    noisy[::7, ::5], noisy[2::31, 1::4] = 0, np.iinfo(noisy.dtype).max  # which a LUD-DIF replaces in real images
    write_picture(source, noisy)
    command = ["translate", "-model_path", model, "-source", source, "-source_domain", domain, "-tile", "64"]
    command += {"ludvae": ["-detail", "0.4"], "deflow": ["-heat", "0.8"], "ludif": ["-steps", "4"]}[kind]
    whole, bands = translated(tmp_path, monkeypatch, command)
    assert np.array_equal(whole.pixels, bands.pixels)
    assert whole.pixels.dtype == bands.pixels.dtype == (np.uint16 if domain == "X" else np.uint8)
    assert "1 image was translated in bands" in capsys.readouterr().err


def test_how_far_a_large_image_is_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("patina.system.progress.LINE_EVERY", 0)
    assert in_bands(tmp_path, monkeypatch, "-steps", "3") == 0
    told = capsys.readouterr().err
    for title in ("step 1 of 3", "step 3 of 3", "a.png"):
        assert re.search(rf"^{title}: \d+ of {HEIGHT} rows, \d+ s left, ", told, re.MULTILINE)


def in_bands(tmp_path, monkeypatch, *options):
    """Translate an image in bands by a small LUD-DIF; return the exit code."""
    write_picture(tmp_path / "a.png", pixels())
    model = small_ludif.write_model(tmp_path / "net.safetensors")
    monkeypatch.setenv(VARIABLE, "0.001")
    command = ["translate", "-model_path", model, "-source", tmp_path / "a.png", "-source_domain", "X", "-tile", "64"]
    return run(*command, "-out", tmp_path / "out", *options)


def test_many_steps_in_bands_open_the_image_a_few_times_at_once(tmp_path, monkeypatch):
    readers, most = WeakSet(), []

    class Counted(RowReader):
        def __init__(self, path):
            super().__init__(path)
            readers.add(self)
            most.append(len(readers))

    monkeypatch.setattr(huge_translation, "RowReader", Counted)
    assert in_bands(tmp_path, monkeypatch, "-steps", "8") == 0
    assert len(most) > 8
    assert max(most) <= 3


def test_a_disk_without_room_for_the_rows_between_steps_is_one_line(tmp_path, monkeypatch, capsys):
    def write(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("patina.imaging.row_files.RowFile.write", write)
    assert in_bands(tmp_path, monkeypatch, "-steps", "2") != 0
    assert "a.png cannot be written: No space left on device; free some space" in capsys.readouterr().err
    assert not [*(tmp_path / "out").glob("*.png")]
