"""Camera raw files: a small DNG, made here."""

import numpy as np
import pytest

from patina.cli.main import main
from patina.errors import PictureError
from patina.hints import install
from patina.imaging import folder_scan
from patina.imaging.picture_files import picture_size, read_picture
from patina.system.notes import collected
from small_dng import dng

rawpy = pytest.importorskip("rawpy")

HEIGHT, WIDTH = 32, 48


def gray(tone: int = 16000) -> np.ndarray:
    mosaic = np.full((HEIGHT, WIDTH), tone, np.uint16)
    mosaic[:, : WIDTH // 2] //= 4
    return mosaic


def test_a_raw_is_developed_upright_in_sixteen_bits(tmp_path):
    (tmp_path / "a.dng").write_bytes(dng(gray()))
    with collected() as notes:
        picture = read_picture(tmp_path / "a.dng")
    assert notes == ["developed from camera raw"]
    assert picture_size(tmp_path / "a.dng") == (picture.height, picture.width) == (WIDTH, HEIGHT)  # turned
    assert picture.pixels.dtype == np.uint16
    dark, bright = picture.pixels[4:12, 8:-8], picture.pixels[-12:-4, 8:-8]
    ratio = (bright.mean() / 65535 + 0.055) / (dark.mean() / 65535 + 0.055)
    assert ratio == pytest.approx(4 ** (1 / 2.4), rel=0.02)  # sRGB's curve


def test_commands_take_raws(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.DNG").write_bytes(dng(gray()))
    (tmp_path / "in" / "b.nef").write_bytes(b"II*\0" + bytes(40))
    code = main(["upscale", "-model", "nearest", "-scale", "2", "-source", str(tmp_path / "in"), "-out",
                 str(tmp_path / "out")])  # fmt: skip
    told = capsys.readouterr().err
    assert code == 1
    assert "1 image was developed from camera raw" in told
    assert "b.nef is a camera raw that cannot be developed (" in told
    assert read_picture(tmp_path / "out" / "a.png").pixels.shape == (2 * WIDTH, 2 * HEIGHT, 3)


def test_without_the_package_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_scan, "reads_raw", lambda: False)
    (tmp_path / "a.dng").write_bytes(dng(gray()))
    with pytest.raises(PictureError, match=r"pip install 'patina-sr\[raw\]'"):
        read_picture(tmp_path / "a.dng")
    (tmp_path / "b.png").write_bytes(b"")
    assert folder_scan.scan_folder(tmp_path).told() == f"1 file left out: 1 .dng ({install('raw')})"
