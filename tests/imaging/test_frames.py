"""All images of animated and multi-page files."""

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from patina.cli.main import main
from patina.errors import PictureError
from patina.imaging.frames import frame_paths
from patina.imaging.picture_files import picture_size, read_picture
from patina.imaging.sources import list_sources

COUNT = 3
TONES = [40, 120, 200]


def frames(side: int = 16) -> list[np.ndarray]:
    return [np.full((side, side + 4, 3), tone, np.uint8) for tone in TONES]


def write_many(path) -> None:
    pictures = [Image.fromarray(pixels) for pixels in frames()]
    kind, more = path.suffix, {"save_all": True, "append_images": pictures[1:]}
    if kind == ".jxl":
        path.write_bytes(imagecodecs.jpegxl_encode(np.stack(frames()), lossless=True))
    elif kind == ".tif":
        with tifffile.TiffWriter(path) as file:
            for pixels in frames():
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
    for frame, expected in zip(found, frames(), strict=True):
        assert picture_size(frame) == expected.shape[:2]
        assert np.abs(read_picture(frame).pixels.astype(int) - expected).max() <= (3 if suffix == ".avif" else 0)
    np.testing.assert_array_equal(read_picture(path).pixels // 8, frames()[0] // 8)
    with pytest.raises(PictureError, match="cannot be read"):
        read_picture(path / "frame-0009.png")


def test_files_of_one_image_and_damaged_ones_stay_what_they_are(tmp_path):
    Image.fromarray(frames()[0]).save(tmp_path / "a.png")
    write_many(tmp_path / "b.gif")
    (tmp_path / "c.gif").write_bytes((tmp_path / "b.gif").read_bytes()[:20])
    names = [source.name for source in list_sources(tmp_path, all_frames=True)]
    assert names == ["a.png", "b.gif/frame-0001.png", "b.gif/frame-0002.png", "b.gif/frame-0003.png", "c.gif"]
    assert [source.name for source in list_sources(tmp_path)] == ["a.png", "b.gif", "c.gif"]


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
