"""Images in tars and LMDBs are sources like those of a folder; what is wrong with a store is one line."""

import gzip
import multiprocessing
import os
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoded_pictures import encoded, smooth
from hostile_tars import ATTACKS, huge, nested
from patina.data.matching import match_by_stem
from patina.errors import PatinaError, PictureError
from patina.imaging.picture_files import list_pictures, picture_size, read_picture
from patina.imaging.sources import list_sources
from patina.runs.fingerprint import file_digest
from patina.runs.source_digests import SourceDigests
from patina.system import lmdb_store
from sets import write_pictures
from stores import tarred, write_lmdb, write_tar

FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "bmp": "BMP", "tif": "TIFF", "gif": "GIF", "avif": "AVIF"}


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "in", 5)


@pytest.fixture
def tars(folder, tmp_path):
    """Return the range of two tars with the images of the folder."""
    tarred(folder, tmp_path / "tars" / "a-000009.tar", ["0.png", "1.png", "2.png"])
    tarred(folder, tmp_path / "tars" / "a-000010.tar", ["3.png", "4.png"])
    return tmp_path / "tars" / "a-{000009..000010}.tar"


def test_a_range_a_folder_and_one_tar_are_read_as_the_folder_of_images(folder, tars):
    expected = list_sources(folder)
    for given in (tars, tars.parent):
        found = list_sources(given)
        assert [source.name for source in found] == [source.name for source in expected]
        assert list_pictures(given) == [source.path for source in found]
        for stored, plain in zip(found, expected, strict=True):
            assert np.array_equal(read_picture(stored.path).pixels, read_picture(plain.path).pixels)
            assert picture_size(stored.path) == picture_size(plain.path)
            assert file_digest(stored.path) == file_digest(plain.path)
    assert [source.name for source in list_sources(tars.parent / "a-000010.tar")] == ["3.png", "4.png"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_headers_of_every_format_are_read_inside_a_tar(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {} if suffix in ("bmp", "gif") else {"exif": exif}
    data = encoded(Image.fromarray(smooth()), FORMATS[suffix], **options)
    (tmp_path / f"a.{suffix}").write_bytes(data)
    write_tar(tmp_path / "t.tar", [("odd", b"123"), (f"a.{suffix}", data)])
    inside = tmp_path / "t.tar" / f"a.{suffix}"
    assert picture_size(inside) == picture_size(tmp_path / f"a.{suffix}")
    assert np.array_equal(read_picture(inside).pixels, read_picture(tmp_path / f"a.{suffix}").pixels)


def test_sources_in_tars_travel_to_other_processes(tars):
    source = pickle.loads(pickle.dumps(list_sources(tars)[3]))
    assert str(source) == f"{tars.parent}/a-000010.tar/3.png"
    assert picture_size(source.path) == (48, 64)


def test_names_of_tar_itself_and_folders_inside(folder, tmp_path):
    data = (folder / "0.png").read_bytes()
    write_tar(tmp_path / "t.tar", [("./b/2.png", data), ("./a/2.png", data), ("./._x.png", b"mac")])
    sources = list_sources(tmp_path / "t.tar")
    assert [source.name for source in sources] == ["b/2.png", "a/2.png"]
    assert [source.stem for source in sources] == ["b_2", "a_2"]
    assert read_picture(sources[1].path).width == 64


def test_a_source_whose_tar_was_written_again_is_read_again(folder, tars, tmp_path):
    digests, source = SourceDigests(tmp_path / "digests.jsonl"), list_sources(tars)[0]
    before = digests.of(source)
    tarred(folder, tars.parent / "a-000009.tar", ["1.png", "2.png"])
    write_tar(tars.parent / "a-000009.tar", [("0.png", (folder / "4.png").read_bytes())])
    os.utime(tars.parent / "a-000009.tar", ns=(1, 1))
    assert digests.of(source) == file_digest(folder / "4.png") != before


def test_parts_of_pairs_are_chosen(folder, tmp_path):
    members = [
        (f"{key}.{part}", (folder / "0.png").read_bytes()) for key in ("s/1", "s/2") for part in ("lq.png", "gt.png")
    ]
    tar = write_tar(tmp_path / "t.tar", [*members, ("s/1.json", b"{}"), ("s/3.txt", b"")])
    assert [(str(s.path.relative_to(tar)), s.name) for s in list_sources(tar, part="gt")] == [
        ("s/1.gt.png", "s/1.png"), ("s/2.gt.png", "s/2.png"),
    ]  # fmt: skip
    matches = match_by_stem(tar, tar)
    assert [(match.stem, match.first.name, match.second.name) for match in matches] == [
        ("s_1", "1.lq.png", "1.gt.png"), ("s_2", "2.lq.png", "2.gt.png"),
    ]  # fmt: skip
    with pytest.raises(PatinaError, match=r"s/1 has 2 images, s/1\.lq\.png; s/1\.gt\.png; expected one$"):
        list_sources(tar)


def test_others_are_counted(folder, tmp_path, capsys):
    data = (folder / "0.png").read_bytes()
    names = ["a.png", "a.json", "b.txt", "c.txt", "d.json", "e"]
    list_sources(write_tar(tmp_path / "t.tar", [(name, data) for name in names]))
    assert "t.tar: 4 files left out: 2 .txt, 1 .json, 1 without a suffix" in capsys.readouterr().err


def _cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


def test_bad_tars_are_one_line(folder, tars, tmp_path):
    data, one, tar = (folder / "0.png").read_bytes(), tars.parent / "a-000010.tar", tmp_path / "t.tar"

    def refuse(match: str, given: Path = tar) -> None:
        with pytest.raises(PatinaError, match=match) as caught:
            list_sources(given)
        assert "\n" not in str(caught.value)

    whole = one.read_bytes()
    for length in (len(whole) // 3, len(whole) - 10240 + 700, 512 + 10, 3):
        _cut(one, length)
        refuse(r"a-000010\.tar is truncated", tars)
    one.write_bytes(whole.replace(b"4.png", b"4.pnG", 1))  # no longer the header's checksum
    refuse(r"a-000010\.tar is truncated or damaged after 1 members", tars)
    one.unlink()
    refuse(r"a-000010\.tar: no such tar of .*a-\{000009\.\.000010\}\.tar; copy or make it$", tars)
    refuse("is not a range", tmp_path / "a-{3..1}.tar")
    write_tar(tar, [("a.png", data), ("a.png", data)])
    refuse(r"holds more than one member named a\.png")
    write_tar(tar, [("a.png", data), ("a.jpg", data)])
    refuse(r"a has 2 images, a\.png; a\.jpg; expected one")
    write_tar(tar, [("../a.png", data)])
    refuse(r"names \.\./a\.png, a file outside of its folder")
    write_tar(tar, [("/a.png", data)])
    refuse("a file outside of its folder")
    write_tar(tar, [("a.txt", data)])
    refuse("contains no images; expected members ending in")
    tar.write_bytes(gzip.compress(write_tar(tmp_path / "u.tar", [("a.png", data)]).read_bytes()))
    refuse("is not a tar .* expected an uncompressed tar")
    write_tar(tmp_path / "v" / "1.tar", [("a.png", data)])
    write_tar(tmp_path / "v" / "2.tar", [("a.png", data)])
    refuse(r"2\.tar/a\.png and .*1\.tar/a\.png have the same key", tmp_path / "v")


@pytest.mark.parametrize("attack", ATTACKS)
def test_headers_of_any_content_are_one_line_and_no_hang(folder, tmp_path, attack):
    rng, images = np.random.default_rng(1), {path.name: path.read_bytes()[:900] for path in folder.iterdir()}
    for _ in range(20):
        (tmp_path / "t.tar").write_bytes(attack(images, rng))
        with suppress(PatinaError):
            list_sources(tmp_path / "t.tar")
            (tmp_path / "whole").touch()
    assert (tmp_path / "whole").exists() or attack in (huge, nested)


def test_a_damaged_image_in_a_tar_is_named(tmp_path):
    write_tar(tmp_path / "t.tar", [("a.png", b"\x89PNG\r\n\x1a\n123"), ("b.png", b"")])
    for name, match in (("a", "t.tar/a.png .*truncated|damaged"), ("b", "t.tar/b.png is an empty file")):
        for read in (read_picture, picture_size):
            with pytest.raises(PictureError, match=match):
                read(tmp_path / "t.tar" / f"{name}.png")
    with pytest.raises(PictureError, match=r"t\.tar/c\.png cannot be read \(no such member\)"):
        read_picture(tmp_path / "t.tar" / "c.png")


@pytest.fixture
def lmdb_set(folder, tmp_path):
    pytest.importorskip("lmdb")
    images = {f"{name}.png": (folder / f"{name}.png").read_bytes() for name in ("3", "1", "4")}
    return write_lmdb(tmp_path / "set.lmdb", images)


def test_an_lmdb_of_basicsr_is_read(folder, lmdb_set):
    sources = list_sources(lmdb_set)
    assert [source.name for source in sources] == ["3.png", "1.png", "4.png"]
    for source in sources:
        assert np.array_equal(read_picture(source.path).pixels, read_picture(folder / source.name).pixels)
        assert picture_size(source.path) == (48, 64)
        assert file_digest(source.path) == file_digest(folder / source.name)
    assert [match.stem for match in match_by_stem(lmdb_set, lmdb_set)] == ["3", "1", "4"]


def test_forked_processes_read_an_lmdb(lmdb_set):
    sources = list_sources(lmdb_set)
    expected = [picture_size(source.path) for source in sources]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(picture_size, [source.path for source in sources]) == expected
    assert picture_size(sources[0].path) == expected[0]


def test_bad_lmdbs_are_one_line(lmdb_set, monkeypatch):
    listed = lmdb_set / "meta_info.txt"
    listed.write_text("3.png (48,64,3) 1\n9.png (48,64,3) 1\n")
    with pytest.raises(PictureError, match=r"9\.png cannot be read \(no such key in data\.mdb\)"):
        read_picture(list_sources(lmdb_set)[1].path)
    for text, match in (
        ("3.png 48\n", r"line 1: expected `name\.png \(height,width,channels\) compression`"),
        ("3.png (48,64,3) 1\n3.png (48,64,3) 1\n", r"line 2: 3\.png is already in line 1"),
        ("../3.png (48,64,3) 1\n", r"names \.\./3\.png, a file outside"),
    ):
        listed.write_text(text)
        with pytest.raises(PatinaError, match=match):
            list_sources(lmdb_set)
    listed.unlink()
    with pytest.raises(PatinaError, match=r"meta_info\.txt cannot be read .*expected the list of images"):
        list_sources(lmdb_set)
    monkeypatch.setattr(lmdb_store, "find_spec", lambda _name: None)
    with pytest.raises(PatinaError, match="needs another package to be read: pip install"):
        list_sources(lmdb_set)
