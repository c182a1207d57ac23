"""Camera raw files: a small DNG, made here."""

import struct

import numpy as np
import pytest

from patina.cli.main import main
from patina.errors import PictureError
from patina.imaging import folder_scan
from patina.imaging.picture_files import picture_size, read_picture
from patina.system.notes import collected

rawpy = pytest.importorskip("rawpy")

HEIGHT, WIDTH = 32, 48
_SHORT, _LONG, _BYTE, _TEXT, _FRACTION = 3, 4, 1, 2, 10
_CODES = {_SHORT: "H", _LONG: "I", _BYTE: "B", _TEXT: "B", _FRACTION: "i"}


def dng(mosaic: np.ndarray) -> bytes:
    """Return a DNG of an RGGB mosaic, 16 bit; its sensor sees XYZ."""
    height, width = mosaic.shape
    unit = [number for row in np.eye(3, dtype=int) for value in row for number in (int(value), 1)]
    tags = {
        254: (_LONG, [0]), 256: (_LONG, [width]), 257: (_LONG, [height]), 258: (_SHORT, [16]), 259: (_SHORT, [1]),
        262: (_SHORT, [32803]), 271: (_TEXT, b"Maker\0"), 272: (_TEXT, b"Camera\0"), 273: (_LONG, [8]),
        274: (_SHORT, [6]), 277: (_SHORT, [1]), 278: (_LONG, [height]), 279: (_LONG, [mosaic.nbytes]),
        33421: (_SHORT, [2, 2]), 33422: (_BYTE, [0, 1, 1, 2]), 50706: (_BYTE, [1, 4, 0, 0]),
        50708: (_TEXT, b"Maker Camera\0"), 50717: (_LONG, [65535]), 50721: (_FRACTION, unit),
        50728: (5, [1, 1, 1, 1, 1, 1]), 50778: (_SHORT, [21]),
    }  # fmt: skip
    start = 8 + mosaic.nbytes
    entries, beyond = b"", b""
    room = start + 2 + 12 * len(tags) + 4
    for tag, (code, values) in tags.items():
        packed = bytes(values) if code == _TEXT else struct.pack(f"<{len(values)}{_CODES.get(code, 'I')}", *values)
        count = len(values) // (2 if code in (5, _FRACTION) else 1)
        if len(packed) > 4:
            entries += struct.pack("<HHII", tag, code, count, room + len(beyond))
            beyond += packed + b"\0" * (len(packed) % 2)
        else:
            entries += struct.pack("<HHI", tag, code, count) + packed.ljust(4, b"\0")
    header = b"II*\0" + struct.pack("<I", start)
    return header + mosaic.tobytes() + struct.pack("<H", len(tags)) + entries + bytes(4) + beyond


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
    with pytest.raises(PictureError, match=r"pip install -e '\.\[raw\]'"):
        read_picture(tmp_path / "a.dng")
    (tmp_path / "b.png").write_bytes(b"")
    assert folder_scan.scan_folder(tmp_path).told() == "1 file left out: 1 .dng (pip install -e '.[raw]')"
