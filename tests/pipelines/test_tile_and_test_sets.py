"""`patina prepare` in the modes that make tiles for training and test sets."""

import csv
import importlib

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from patina.cli.main import run_command
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.runs.journal import read_journal
from sets import picture, write_pictures


def prepare(mode, source, target, *flags) -> int:
    return run_command(
        "prepare", ["-mode", mode, "-source", str(source), "-target", str(target), "-workers", "1", *flags]
    )


@pytest.fixture
def source(tmp_path):
    for name, (height, width) in {"big": (70, 100), "exact": (32, 64), "small": (20, 40)}.items():
        write_picture(tmp_path / "pictures" / f"{name}.png", picture(7, height, width))
    return tmp_path / "pictures"


def recorded(target) -> set[str]:
    """Return the files of all results."""
    return read_journal(target / "log.jsonl").result_files


def rows(target) -> dict[str, dict[str, int]]:
    with (target / "tiles.csv").open() as file:
        return {row.pop("source"): {key: int(value) for key, value in row.items()} for row in csv.DictReader(file)}


def test_tiles_move_leftovers_back_and_count_them(source, tmp_path, capsys):
    target = tmp_path / "set"
    assert prepare("tiles", source, target, "-side", "32") == 0
    found = rows(target)
    counts = {name: (row["whole"], row["leftover"], row["dropped"]) for name, row in found.items()}
    assert counts == {"big.png": (6, 6, 0), "exact.png": (2, 0, 0), "small.png": (0, 0, 1), "sum": (8, 6, 1)}
    assert len(list_pictures(target)) == 14
    big = read_picture(source / "big.png").pixels
    assert np.array_equal(read_picture(target / "big_002_003.png").pixels, big[38:70, 68:100])
    assert np.array_equal(read_picture(target / "big_001_002.png").pixels, big[32:64, 64:96])
    assert found["sum"]["source_bytes"] == sum(path.stat().st_size for path in list_pictures(source))
    assert found["sum"]["tile_bytes"] == sum(path.stat().st_size for path in list_pictures(target))
    assert found["sum"]["saved_bytes"] == found["sum"]["source_bytes"] - found["sum"]["tile_bytes"]
    assert "14 tiles from 3 images (8 whole, 6 leftover, 1 dropped)" in capsys.readouterr().out


def test_noise_frames_take_what_is_too_small(source, tmp_path):
    target = tmp_path / "set"
    assert prepare("noise-framed", source, target, "-side", "32", "-least", "6") == 0
    found = {name: (row["whole"], row["framed"], row["dropped"]) for name, row in rows(target).items()}
    # 70x100 leaves strips of 6 rows and 4 columns: the rows are framed, the columns and their corner dropped.
    assert found == {"big.png": (6, 3, 3), "exact.png": (2, 0, 0), "small.png": (0, 2, 0), "sum": (8, 5, 3)}
    square = read_picture(target / "small_000_000.png").pixels
    assert square.shape == (32, 32, 3)
    assert np.array_equal(square[6:26], read_picture(source / "small.png").pixels[:, :32])
    assert prepare("noise-framed", source, tmp_path / "same", "-side", "32", "-least", "6") == 0
    for path in list_pictures(target):
        assert path.read_bytes() == (tmp_path / "same" / path.name).read_bytes()
    assert prepare("noise-framed", source, tmp_path / "other", "-side", "32", "-least", "6", "-seed", "1") == 0
    assert (tmp_path / "other/small_000_000.png").read_bytes() != (target / "small_000_000.png").read_bytes()


def test_what_is_there_is_kept_and_what_is_not_is_made(source, tmp_path):
    target = tmp_path / "set"
    assert prepare("tiles", source, target, "-side", "32") == 0
    (target / "exact_000_001.png").unlink()
    before = {path: path.stat().st_mtime_ns for path in list_pictures(target)}
    assert prepare("tiles", source, target, "-side", "32") == 0
    after = {path.name for path in list_pictures(target) if before.get(path) == path.stat().st_mtime_ns}
    assert "exact_000_001.png" in {path.name for path in list_pictures(target)}
    assert {name for name in after if name.startswith("big")} == {p.name for p in before if p.name.startswith("big")}


@pytest.mark.parametrize(
    ("mode", "work"),
    [
        ("tiles", "patina.pipelines.tile_set.split_picture"),
        ("noise-framed", "patina.pipelines.tile_set.split_picture"),
        ("categories", "patina.pipelines.test_sets.write_pairs"),
    ],
)
def test_the_same_command_goes_on_after_an_interruption(source, tmp_path, monkeypatch, mode, work):
    (source / "small.png").unlink()
    target, flags = tmp_path / "set", ("-side", "16")
    assert prepare(mode, source, tmp_path / "whole", *flags) == 0
    module, name = work.rsplit(".", 1)
    original = getattr(importlib.import_module(module), name)

    def interrupted(path, **options):
        if path.name == "exact.png":
            raise KeyboardInterrupt
        return original(path, **options)

    monkeypatch.setattr(work, interrupted)
    assert prepare(mode, source, target, *flags) == 130
    monkeypatch.undo()
    before = {path: path.stat().st_mtime_ns for path in target.rglob("big*.png")}
    assert before
    assert prepare(mode, source, target, *flags) == 0
    assert {path: path.stat().st_mtime_ns for path in target.rglob("big*.png")} == before
    files = [
        {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*.png")} for top in (target, tmp_path / "whole")
    ]
    assert files[0] == files[1]
    assert {path.name for path in target.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}


@pytest.mark.parametrize("mode", ["tiles", "categories"])
def test_two_folders_are_not_one_set_and_what_is_gone_leaves_nothing(source, tmp_path, capsys, mode):
    (source / "small.png").unlink()
    target = tmp_path / "set"
    assert prepare(mode, source, target, "-side", "16") == 0
    write_picture(tmp_path / "other" / "else.png", picture(3, 64, 64))
    assert prepare(mode, tmp_path / "other", target, "-side", "16") == 2
    assert "images that" in capsys.readouterr().err
    assert list(target.rglob("exact*.png"))
    (source / "exact.png").unlink()
    assert prepare(mode, source, target, "-side", "16") == 0
    assert not list(target.rglob("exact*.png"))
    assert "of 1 image that is gone from" in capsys.readouterr().err
    before = {path: path.stat().st_mtime_ns for path in target.rglob("big*.png")}
    assert prepare(mode, source.rename(tmp_path / "moved"), target, "-side", "16") == 0
    assert {path: path.stat().st_mtime_ns for path in target.rglob("big*.png")} == before != {}


@pytest.mark.parametrize(("mode", "sides"), [("tiles", (5000, 32)), ("categories", (5000, 16))])
def test_a_folder_in_which_nothing_was_made_may_be_used_otherwise(source, tmp_path, mode, sides):
    (source / "small.png").unlink()
    assert prepare(mode, source, tmp_path / "set", "-side", str(sides[0])) != 0
    assert prepare(mode, source, tmp_path / "set", "-side", str(sides[1])) == 0


def test_tiles_that_a_killed_run_began_are_no_part_of_another_set(source, tmp_path, monkeypatch):
    target = tmp_path / "set"

    def killed(path, pixels, original=write_picture):
        if path.name == "big_002_001.png":
            raise KeyboardInterrupt
        original(path, pixels)

    monkeypatch.setattr("patina.pipelines.tile_set.write_picture", killed)
    assert prepare("tiles", source / "big.png", target, "-side", "16") == 130
    monkeypatch.undo()
    assert list(target.glob("big_*.png"))
    assert prepare("tiles", source / "big.png", target, "-side", "64") == 0
    assert recorded(target) == {path.name for path in list_pictures(target)}


def test_a_users_own_pictures_beside_a_category_stay(source, tmp_path):
    (source / "small.png").unlink()
    target = tmp_path / "set"
    assert prepare("categories", source, target, "-side", "16") == 0
    own = [target / "original" / "sr" / "mine.png", target / "original" / "lq" / "mine.png"]
    for path in own:
        write_picture(path, picture(1, 16, 16))
    (source / "exact.png").write_bytes((source / "exact.png").read_bytes()[:100])
    assert prepare("categories", source, target, "-side", "16") == 1
    assert all(path.is_file() for path in own)
    assert not list(target.rglob("exact.png"))


def test_an_exchanged_picture_leaves_no_tiles_of_the_one_before(source, tmp_path):
    target = tmp_path / "set"
    assert prepare("tiles", source, target, "-side", "32") == 0
    write_picture(source / "big.png", picture(3, 40, 40))
    assert prepare("tiles", source, target, "-side", "32") == 0
    assert recorded(target) == {path.name for path in list_pictures(target)}


def test_folders_and_flags_that_do_not_fit_are_refused(source, tmp_path, capsys):
    target = tmp_path / "set"
    assert prepare("tiles", source, target, "-side", "32") == 0
    capsys.readouterr()
    for mode, where, flags, text in (
        ("tiles", target, ("-side", "16"), "made with side 32, now 16"),
        ("tiles", source, (), "same folder"),
        ("tiles", tmp_path, (), "is not empty"),
        ("tiles", target, ("-least", "3"), "-least does not apply to mode tiles"),
        ("scales", tmp_path / "x", ("-side", "3"), "-side does not apply to mode scales"),
        ("noise-framed", tmp_path / "x", ("-least", "500"), "-least 500"),
        ("tiles", tmp_path / "x", ("-side", "5000"), "no image is large enough for a tile of 5000"),
        ("categories", tmp_path / "y", ("-scale", "0"), "a side that the scale divides"),
        ("categories", target, (), "made with mode tiles, now categories"),
        ("categories", tmp_path / "x", ("-side", "30"), "a side that the scale divides"),
    ):
        assert prepare(mode, source, where, *flags) == 2
        assert text in capsys.readouterr().err


def test_a_broken_picture_is_named_and_skipped(source, tmp_path, capsys):
    (source / "broken.png").write_bytes(b"no image")
    assert prepare("tiles", source, tmp_path / "set", "-side", "32") == 1
    assert "broken.png" in capsys.readouterr().err
    assert set(rows(tmp_path / "set")) == {"big.png", "exact.png", "small.png", "sum"}
    assert len(read_journal(tmp_path / "set/log.jsonl").results) == 3


def test_the_three_categories_by_one_command(tmp_path, capsys):
    source = write_pictures(tmp_path / "pictures", 2, height=70, width=90)
    write_picture(source / "tiny.png", picture(1, 40, 90))
    target = tmp_path / "test"
    assert prepare("categories", source, target, "-side", "32", "-blur", "1.5") == 1
    assert "tiny.png is 90x40; expected at least 64 pixels" in capsys.readouterr().err
    pixels = read_picture(source / "0.png").pixels
    middle, wide = pixels[19:51, 29:61], pixels[3:67, 13:77]
    blurred = gaussian_filter(middle / 255, (1.5, 1.5, 0), mode="mirror")
    expected = {
        "original": (imresize(middle, 0.25), middle),
        "novel": (imresize(wide, 0.125), imresize(wide, 0.5)),
        "distorted": (imresize(np.uint8(np.rint(blurred * 255)), 0.25), middle),
    }
    for category, (lq, gt) in expected.items():
        assert [path.name for path in list_pictures(target / category / "lq")] == ["0.png", "1.png"]
        assert np.abs(read_picture(target / category / "lq/0.png").pixels.astype(int) - lq).max() <= 1
        assert np.array_equal(read_picture(target / category / "gt/0.png").pixels, gt)
