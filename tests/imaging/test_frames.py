"""All images of animated and multi-page files."""

import os
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from encoded_pictures import noise
from patina.cli.main import main
from patina.errors import PictureError
from patina.imaging import frames
from patina.imaging.frames import frame_paths
from patina.imaging.picture_files import picture_size, read_picture
from patina.imaging.size_limit import VARIABLE
from patina.imaging.sources import list_sources
from patina.system.notes import collected
from patina.system.stored_files import file_bytes

COUNT = 3
TONES = [40, 120, 200]


def images(side: int = 16) -> list[np.ndarray]:
    return [np.full((side, side + 4, 3), tone, np.uint8) for tone in TONES]


def write_many(path) -> None:
    pictures = [Image.fromarray(pixels) for pixels in images()]
    kind, more = path.suffix, {"save_all": True, "append_images": pictures[1:]}
    if kind == ".jxl":
        path.write_bytes(imagecodecs.jpegxl_encode(np.stack(images()), lossless=True))
    elif kind == ".tif":
        with tifffile.TiffWriter(path) as file:
            for pixels in images():
                file.write(pixels, photometric="rgb")
                file.write(pixels[::2, ::2], photometric="rgb", subfiletype=1)  # a smaller copy
    else:
        pictures[0].save(path, **more, **({"lossless": True} if kind == ".webp" else {}))


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif", ".avif", ".jxl"])
def test_every_image_of_a_file_is_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_many(path)
    found = frame_paths(path)
    assert [frame.name for frame in found] == [f"frame-{number:04d}.png" for number in range(1, COUNT + 1)]
    for frame, expected in zip(found, images(), strict=True):
        assert picture_size(frame) == expected.shape[:2]
        assert np.abs(read_picture(frame).pixels.astype(int) - expected).max() <= (3 if suffix == ".avif" else 0)
    np.testing.assert_array_equal(read_picture(path).pixels // 8, images()[0] // 8)
    with pytest.raises(PictureError, match="cannot be read"):
        read_picture(path / "frame-0009.png")


def test_files_of_one_image_and_damaged_ones_stay_what_they_are(tmp_path):
    Image.fromarray(images()[0]).save(tmp_path / "a.png")
    write_many(tmp_path / "b.gif")
    (tmp_path / "c.gif").write_bytes((tmp_path / "b.gif").read_bytes()[:20])
    names = [source.name for source in list_sources(tmp_path, all_frames=True)]
    assert names == ["a.png", "b.gif/frame-0001.png", "b.gif/frame-0002.png", "b.gif/frame-0003.png", "c.gif"]
    assert [source.name for source in list_sources(tmp_path)] == ["a.png", "b.gif", "c.gif"]


def unread(path) -> tuple[int, list[str]]:
    """Return how many images a file is said to have, and what is told of those that cannot be read."""
    found, told = frame_paths(path), []
    for frame in found:
        try:
            read_picture(frame)
        except PictureError as error:
            told.append(str(error))
    return len(found), told


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".avif", ".jxl"])
def test_no_image_of_a_truncated_animation_passes_for_all_of_them(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_many(path)
    data = path.read_bytes()
    for kept in {*range(len(data) // 20, len(data), max(1, len(data) // 20)), len(data) - 1}:
        cut = tmp_path / f"{kept}{suffix}"
        cut.write_bytes(data[:kept])
        count, told = unread(cut)
        assert (count, len(told)) == (1, 1)
        assert told[0].startswith(f"{cut} ")
        assert suffix != ".jxl" or "is truncated" in told[0]


def test_pages_that_a_truncated_tiff_lacks_are_named(tmp_path):
    path = tmp_path / "a.tif"
    write_many(path)
    data = path.read_bytes()
    for kept in range(len(data) // 3, data.rindex(images()[-1].tobytes()) + 100, 97):
        cut = tmp_path / f"{kept}.tif"
        cut.write_bytes(data[:kept])
        count, told = unread(cut)
        assert told[-1].startswith(f"{cut}/frame-{count:04d}.png is truncated")


def directories(path) -> list[tuple[int, int]]:
    """Return where the directories of a TIFF begin, and where the pointer to the next stands."""
    with tifffile.TiffFile(path) as file:
        starts = [page.offset for page in file.pages]
    data = path.read_bytes()
    return [(start, start + 2 + 12 * int.from_bytes(data[start : start + 2], "little")) for start in starts]


def write_one(path, copies: int = 0) -> bytearray:
    with tifffile.TiffWriter(path, byteorder="<") as file:
        for kind in [0] + [1] * copies:  # 1: a smaller copy
            file.write(images()[0], photometric="rgb", subfiletype=kind)
    return bytearray(path.read_bytes())


def test_a_tiff_whose_smaller_copy_leads_to_itself_is_damaged(tmp_path):
    path = tmp_path / "a.tif"
    data = write_one(path, copies=1)
    start, pointer = directories(path)[1]
    data[pointer : pointer + 4] = start.to_bytes(4, "little")
    path.write_bytes(data)
    told = f"{path}/frame-0002.png is a TIFF whose pages lead in a circle; save it again or remove it"
    assert unread(path) == (2, [told])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_second_page_that_a_tiff_lacks_is_named(tmp_path, order, big):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.stack(images()[:2]), photometric="rgb", metadata=None, byteorder=order, bigtiff=big)
    whole = path.read_bytes()
    with tifffile.TiffFile(path) as file:
        first, second = (page.offset for page in file.pages)
    pointer = whole.index(second.to_bytes(8 if big else 4, "little" if order == "<" else "big"), first)
    behind = "is truncated (directory 2 reaches beyond the end of the file)"
    nonsense = f"is damaged inside (directory 2, at byte {len(whole) + 8}, has no size of an image)"
    cases = {whole: "", whole[:second]: behind, whole[: second + 9]: behind}
    for offset, told in ((len(whole) + 64, behind), (2 ** (63 if big else 31), behind), (len(whole) + 8, nonsense)):
        data = bytearray(whole + bytes(64))
        struct.pack_into(order + ("Q" if big else "I"), data, pointer, offset)
        cases[bytes(data)] = told
    for number, (data, told) in enumerate(cases.items()):
        path.write_bytes(data)
        os.utime(path, (number, number))  # files are remembered by their size and time
        expected = [f"{path}/frame-0002.png {told}; copy it again or remove it"] if told else []
        assert unread(path) == (2, expected)
        with collected() as notes:
            assert np.array_equal(read_picture(path).pixels, images()[0])
        assert len(notes) == bool(told)


@pytest.mark.parametrize("pointer", [b"", b"\0\0\0\0"])
def test_a_tiff_of_one_image_may_lack_its_last_offset(tmp_path, pointer):
    path = tmp_path / "a.tif"
    data = write_one(path)
    start, end = directories(path)[0]
    data[4:8] = len(data).to_bytes(4, "little")
    path.write_bytes(data + data[start:end] + pointer)
    with collected() as notes:
        assert frame_paths(path) == [path]
        np.testing.assert_array_equal(read_picture(path).pixels, images()[0])
    assert not notes


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".avif", ".jxl"])
def test_larger_images_than_the_limit_are_refused_before_they_are_decoded(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"a{suffix}"
    write_many(path)
    found = frame_paths(path)
    monkeypatch.setenv(VARIABLE, "0.0001")
    frames._opened.cache_clear()
    frames._made.cache_clear()
    assert frame_paths(path) == found[:1]  # not the file itself, whose first image may be read in bands
    for place in (path, found[0]):
        with pytest.raises(PictureError, match=f"{place} is 20x16; expected at most 0.0001 megapixels"):
            read_picture(place)


def test_images_of_a_gif_may_not_exceed_the_limit_beyond_its_screen(tmp_path, monkeypatch):
    path = tmp_path / "a.gif"
    write_many(path)
    data = bytearray(path.read_bytes())
    data[6:10] = b"\x01\0\x01\0"
    path.write_bytes(data)
    monkeypatch.setenv(VARIABLE, "0.0001")
    with pytest.raises(PictureError, match="is 20x16; expected at most"):
        read_picture(frame_paths(path)[0])


def test_an_image_is_decoded_once_for_its_digest_its_size_and_its_pixels(tmp_path, monkeypatch):
    calls = []
    for name in ("_reader", "_from_plugin"):
        made = getattr(frames, name)
        monkeypatch.setattr(frames, name, lambda *given, made=made, name=name: [calls.append(name), made(*given)][1])
    path = tmp_path / "a.gif"
    write_many(path)
    for frame in frame_paths(path):
        file_bytes(frame)
        picture_size(frame)
        read_picture(frame)
    assert calls == ["_reader", *["_from_plugin"] * COUNT]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_all_kinds_of_jpeg_xl_animations_are_read_like_their_first_image(tmp_path, depth, channels):
    pixels = np.stack([noise(depth, channels) for _ in range(5)])
    path = tmp_path / "a.jxl"
    path.write_bytes(imagecodecs.jpegxl_encode(pixels[..., 0] if channels == 1 else pixels, lossless=True))
    found = frame_paths(path)
    assert len(found) == 5
    with collected() as notes:
        first, whole, last = read_picture(found[0]), read_picture(path), read_picture(found[4])
    assert len(set(notes)) == (depth == 16)  # this writer calls them linear
    np.testing.assert_array_equal(first.pixels, whole.pixels)
    assert (first.gray, first.alpha is None) == (whole.gray, whole.alpha is None) == (channels == 1, channels != 4)
    assert (last.pixels != first.pixels).any()


@pytest.mark.slow
def test_commands_take_all_frames_and_replay_them(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    write_many(tmp_path / "in" / "a.gif")
    (tmp_path / "r.yml").write_text("scale: 1\nsteps: [{gaussian_noise: {sigma: [1, 9]}}]\n")
    out = tmp_path / "out"
    degrade = ["degrade", str(tmp_path / "r.yml"), str(tmp_path / "in"), str(out), "-frames", "all", "-workers", "1"]
    assert main(degrade) == 0
    names = [f"a_{number:04d}.png" for number in range(1, COUNT + 1)]
    assert sorted(path.name for path in out.glob("*.png")) == names
    means = [read_picture(out / name).pixels.mean() for name in names]
    np.testing.assert_allclose(means, TONES, atol=2)
    assert main(degrade) == 0
    assert "all images are up to date" in capsys.readouterr().err
    assert main(["replay", str(out / "log.jsonl"), "-out", str(tmp_path / "again"), "-workers", "1"]) == 0
    assert (tmp_path / "again" / names[2]).read_bytes() == (out / names[2]).read_bytes()
    upscale = ["upscale", "-model", "nearest", "-scale", "2", "-source", str(tmp_path / "in" / "a.gif")]
    assert main([*upscale, "-out", str(tmp_path / "up"), "-frames", "all"]) == 0
    assert sorted(path.name for path in (tmp_path / "up").glob("*.png")) == names
