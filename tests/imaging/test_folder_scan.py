"""Every file of a folder is read, or counted by what it is; no suffix of a picture is left out in silence."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import golden_numbers
from encoded_pictures import encoded, smooth
from patina.cli.main import main
from patina.data.manifest import FILE_NAME
from patina.errors import PatinaError, PictureError
from patina.hints import install
from patina.imaging import folder_scan, heic_pictures
from patina.imaging.folder_scan import HEIC_SUFFIXES, scan_folder
from patina.imaging.picture_files import list_pictures, picture_size, read_picture, write_picture
from patina.imaging.sources import list_sources
from patina.pipelines.set_log import READABLE_NAME
from patina.pipelines.tile_set import TABLE
from patina.runs.folder_lock import HIDDEN
from patina.runs.journal_place import LOG_NAME

OTHERS = [("b.jfif", "JPEG"), ("c.jpe", "JPEG"), ("d.avif", "AVIF"), ("e.gif", "GIF"), ("f.apng", "PNG")]


def without_heic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_scan, "reads_heic", lambda: False)
    monkeypatch.setattr("patina.imaging.gif_and_boxes.reads_heic", lambda: False)


def heic() -> bytes:
    """The picture `smooth` as an encoder wrote it; Patina's package only decodes."""
    pytest.importorskip("pi_heif")
    return (golden_numbers.FOLDER / "smooth.heic").read_bytes()


def test_pictures_of_every_suffix_are_taken_and_read(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name, kind in OTHERS:
        options = {"quality": 95} if kind in ("JPEG", "AVIF") else {}
        (tmp_path / name).write_bytes(encoded(Image.fromarray(smooth()), kind, **options))
    paths = list_pictures(tmp_path)
    assert [path.name for path in paths] == [name for name, _ in OTHERS]
    for path in paths:
        picture = read_picture(path)
        assert picture_size(path) == picture.pixels.shape[:2] == smooth().shape[:2]
        assert np.abs(picture.pixels.astype(int) - smooth()).mean() < 6
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_avif_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(smooth())
    (tmp_path / "a.avif").write_bytes(encoded(image, "AVIF", quality=95, exif=exif))
    turn = {6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}.get(orientation)
    expected = np.asarray(image if turn is None else image.transpose(turn)).astype(int)
    picture = read_picture(tmp_path / "a.avif")
    assert picture_size(tmp_path / "a.avif") == picture.pixels.shape[:2] == expected.shape[:2]
    assert np.abs(picture.pixels - expected).mean() < 6


def test_heic_is_read_with_its_package(tmp_path: Path) -> None:
    (tmp_path / "a.HEIC").write_bytes(heic())
    (path,) = list_pictures(tmp_path)
    picture = read_picture(path)
    assert picture_size(path) == picture.pixels.shape[:2] == smooth().shape[:2]
    assert np.abs(picture.pixels.astype(int) - smooth()).mean() < 6


def test_half_a_heic_is_refused_and_damaged_exif_passed_over(tmp_path: Path) -> None:
    whole = heic()
    exif = whole.index(b"Exif\0\0", whole.index(b"mdat")) + 6
    (tmp_path / "half.heic").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PictureError, match=r"half\.heic"):
        read_picture(tmp_path / "half.heic")
    (tmp_path / "exif.heic").write_bytes(whole[:exif] + bytes(8) + whole[exif + 8 :])
    assert read_picture(tmp_path / "exif.heic").pixels.shape == smooth().shape


def test_a_heic_that_ends_its_decoder_is_one_failure(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(heic())
    expected = read_picture(tmp_path / "a.heic").pixels
    reader = heic_pictures._readers[os.getpid()]
    reader.kill()
    reader.wait()
    with pytest.raises(PictureError, match=r"a\.heic cannot be opened as HEIC \(damage that ends its decoder\)"):
        read_picture(tmp_path / "a.heic")
    assert np.array_equal(read_picture(tmp_path / "a.heic").pixels, expected)


def test_heic_without_its_package_is_counted_and_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    without_heic(monkeypatch)
    head = b"\0\0\0\x18ftypheic" + bytes(60)
    for name in ("a.heic", "b.HEIC", "c.png", "d.png"):
        (tmp_path / name).write_bytes(head)
    assert [path.name for path in list_pictures(tmp_path)] == ["c.png", "d.png"]
    told = capsys.readouterr().err
    assert told == f"{tmp_path}: 2 files left out: 2 .heic ({install('heic')})\n"
    for name in ("a.heic", "c.png"):
        with pytest.raises(PictureError, match=r"is HEIC, which needs .* pip install 'patina-sr\[heic\]'"):
            read_picture(tmp_path / name)
    (tmp_path / "c.png").unlink()
    (tmp_path / "d.png").unlink()
    with pytest.raises(PatinaError, match=r"contains no images; .*; 2 files left out: 2 \.heic \(pip install"):
        list_pictures(tmp_path)


def fill(folder: Path) -> None:
    for name in ("1.png", "2.png", "a.psd", "b.PSD", "Makefile", ".hidden.psd", LOG_NAME, FILE_NAME):
        (folder / name).touch()
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "again.png").symlink_to(folder / "1.png")


@pytest.mark.parametrize("recursive", [False, True])
def test_everything_else_is_counted_in_one_line(tmp_path: Path, recursive: bool, capsys: pytest.CaptureFixture) -> None:
    fill(tmp_path)
    for _ in range(2):
        assert [item.name for item in list_sources(tmp_path, recursive)] == ["1.png", "2.png", "again.png"]
    (line,) = capsys.readouterr().err.splitlines()
    start, _, kinds = line.partition(": 2 .psd, ")  # the most frequent first
    assert start == f"{tmp_path}: 4 files left out"
    assert set(kinds.split(", ")) == {"1 without a suffix", "1 broken link"}


def test_linked_folders_are_not_followed_but_counted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "in" / "2019").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for folder in ("in", "in/2019", "elsewhere"):
        (tmp_path / folder / "a.png").touch()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "circle").symlink_to(tmp_path / "in")
    assert [item.name for item in list_sources(tmp_path / "in", recursive=True)] == ["2019/a.png", "a.png"]
    assert capsys.readouterr().err.endswith("2 files left out: 2 linked folders\n")
    list_pictures(tmp_path / "in")
    assert "ignoring the images in its 3 subfolders" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").touch()
    scan = scan_folder(tmp_path)
    assert scan.names == ["b.png"]
    assert scan.told() == "1 file left out: 1 special file"


def test_files_that_patina_writes_beside_pictures_are_known() -> None:
    assert {LOG_NAME, FILE_NAME, READABLE_NAME, TABLE} <= folder_scan.OWN_FILES
    assert folder_scan.OWN_FOLDER == HIDDEN
    assert all(suffix == suffix.lower() for suffix in HEIC_SUFFIXES)


def test_images_in_hidden_folders_are_counted_with_subfolders(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for folder in (".", "2019/.thumbs/deep", HIDDEN):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name in ("a.png", "a.psd"):
            (tmp_path / folder / name).touch()
    assert [item.name for item in list_sources(tmp_path, recursive=True)] == ["a.png"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}: 2 files left out: ")
    assert line.endswith((": 1 .psd, 1 hidden image", ": 1 hidden image, 1 .psd"))


def test_a_tar_beside_images_is_told_of_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "b.tar", "sub/c.psd"):
        (tmp_path / name).touch()
    assert [item.name for item in list_sources(tmp_path, recursive=True)] == ["a.png"]
    assert capsys.readouterr().err.count("left out") == 1


def test_scores_beside_the_pictures_are_no_files_left_out(tmp_path, capsys):
    for name in ("out", "gt"):
        write_picture(tmp_path / name / "a.png", smooth())
    given = ["-results", tmp_path / "out", "-truth", tmp_path / "gt", "-out", tmp_path / "out", "-no_lpips"]
    assert main(["evaluate", *map(str, given)]) == 0
    assert len(list((tmp_path / "out").iterdir())) > 1
    capsys.readouterr()
    assert [path.name for path in list_pictures(tmp_path / "out")] == ["a.png"]
    assert capsys.readouterr().err == ""


def test_hidden_images_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("a.png", ".b.png", "...PNG", ".DS_Store", ".part-a.png"):
        write_picture(tmp_path / "a.png", smooth())
        (tmp_path / name).write_bytes((tmp_path / "a.png").read_bytes())
    assert [path.name for path in list_pictures(tmp_path)] == ["a.png"]
    assert "2 files left out: 2 hidden images" in capsys.readouterr().err
    (tmp_path / "a.png").rename(tmp_path / "a.psd")
    with pytest.raises(PatinaError, match=r"contain no images; .*; 3 files left out: 2 hidden images, 1 \.psd"):
        list_sources(tmp_path, recursive=True)
