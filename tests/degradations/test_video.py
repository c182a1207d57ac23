"""Frames compressed by video codecs: as in a file of FFmpeg's own containers, for any size, the same every time."""

import io
import sys

import numpy as np
import pytest
import skimage.data

from patina.cli.main import run_command
from patina.degradations.recipe import load_recipe
from patina.degradations.video import CODECS, encoder_of, recompress_frame
from patina.errors import PatinaError
from sets import write_config, write_pictures

av = pytest.importorskip("av")
PHOTO = skimage.data.astronaut()[100:228, 100:292]


def psnr(result: np.ndarray, image: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(result.astype(float) - image).mean()))


@pytest.mark.parametrize("codec", CODECS)
def test_coarser_quantisers_lose_more_and_the_same_one_the_same(codec):
    kind = CODECS[codec]
    results = [recompress_frame(PHOTO, codec, quantiser) for quantiser in (1, kind.largest // 2, kind.largest)]
    levels = [psnr(result, PHOTO) for result in results]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 34
    assert 15 < levels[2] < levels[1] - 1
    assert (recompress_frame(PHOTO, codec, kind.largest) == results[2]).all()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [(1, 1), (7, 40), (33, 65)])
def test_any_size_comes_back_and_its_colours_stay(codec, size):
    pixels = np.ascontiguousarray(PHOTO[: size[0], : size[1]])
    result = recompress_frame(pixels, codec, 2)
    assert result.shape == pixels.shape
    assert result.dtype == np.uint8
    assert np.abs(result.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() < 3


@pytest.mark.parametrize(("codec", "container"), [("h264", "matroska"), ("vp9", "webm"), ("mpeg2", "matroska")])
def test_a_file_of_the_codec_holds_the_same_frame(codec, container):
    """PyAV's own way through a container, with the same settings."""
    kind, file = CODECS[codec], io.BytesIO()
    with av.open(file, "w", format=container) as written:
        stream = written.add_stream(encoder_of(codec), rate=25)
        stream.width, stream.height, stream.pix_fmt = PHOTO.shape[1], PHOTO.shape[0], "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.gop_size = 1
        if kind.option:
            stream.options = {**kind.options, kind.option: "20"}
        else:
            stream.codec_context.qmin = stream.codec_context.qmax = 20
            stream.codec_context.bit_rate = 10**9
        written.mux(stream.encode(av.VideoFrame.from_ndarray(PHOTO, format="rgb24")))
        written.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as opened:
        frame = next(opened.decode(video=0)).to_ndarray(format="rgb24")
    assert (frame == recompress_frame(PHOTO, codec, 20)).all()


def test_a_missing_library_is_said_before_any_image_is_touched(tmp_path, monkeypatch, capsys):
    recipe = write_config(
        tmp_path / "r.yml", {"scale": 1, "steps": [{"video_codec": {"codec": "h264", "quantiser": 20}}]}
    )
    encoder_of.cache_clear()
    monkeypatch.setitem(sys.modules, "av", None)
    source = write_pictures(tmp_path / "in", 2)
    assert run_command("degrade", [str(recipe), str(source), str(tmp_path / "out")]) == 2
    assert "needs PyAV, which is not installed: pip install" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    encoder_of.cache_clear()


def test_a_missing_codec_and_odd_settings_are_one_line(tmp_path, monkeypatch):
    encoder_of.cache_clear()
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    with pytest.raises(PatinaError, match=r"has no h264 \(libx264\)"):
        encoder_of("h264")
    encoder_of.cache_clear()
    for settings, message in (
        ({"codec": "h264", "quantiser": [20, 60]}, "quantiser is up to 60, expected at most 51 for h264"),
        ({"codec": "h265", "quantiser": 20}, "h265"),
    ):
        path = write_config(tmp_path / "odd.yml", {"scale": 1, "steps": [{"video_codec": settings}]})
        with pytest.raises(PatinaError, match=message):
            load_recipe(path)
