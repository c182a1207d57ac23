"""Preparing a multi-scale set: its content, its manifest, and going on after anything."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mixed_pictures import RNG, write_mixed_pictures
from patina.cli.main import run_command
from patina.data.manifest import load_manifest
from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.pipelines.multiscale_set import prepare
from patina.runs.journal import read_journal
from sets import contents, write_pictures

CODE = Path(__file__).parents[2] / "code"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_mixed_pictures(tmp_path / "source")


def times(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.png")}


def test_the_set_of_another_folder_is_not_mixed_in(tmp_path, capsys):
    first, other = write_pictures(tmp_path / "first", 3), write_pictures(tmp_path / "other", 2)
    target = tmp_path / "set"
    flags = ["-target", str(target), "-scales", "1", "2", "-workers", "1"]
    assert run_command("prepare", ["-source", str(first), *flags]) == 0
    assert run_command("prepare", ["-source", str(other), *flags]) == 2
    assert "with 1 image that" in capsys.readouterr().err
    assert len(list_pictures(target / "1x")) == 3
    moved = first.rename(tmp_path / "moved")
    assert run_command("prepare", ["-source", str(moved), *flags]) == 0


def test_every_scale_holds_every_picture(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "set"
    report = prepare(source, target, [8, 1, 2], workers=1)
    assert report.exit_code == 0
    for path in list_pictures(source):
        original = read_picture(path).pixels
        height, width = original.shape[0] // 8 * 8, original.shape[1] // 8 * 8
        cropped = original[:height, :width]
        for scale, expected in [(1, cropped), (2, imresize(cropped, 1 / 2)), (8, imresize(cropped, 1 / 8))]:
            written = read_picture(target / f"{scale}x" / f"{path.stem}.png")
            assert not written.gray
            assert written.pixels.dtype == original.dtype
            np.testing.assert_array_equal(written.pixels, expected)


def test_the_manifest_describes_the_set(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "set"
    (source / "broken.png").write_bytes(b"no image")
    prepare(source, target, [1, 8], workers=1)
    manifest = load_manifest(target)
    assert load_manifest(target / "8x") == load_manifest(target / "1x") == manifest
    assert (manifest.scales, manifest.crop_multiple, manifest.source) == ((1, 8), 8, str(source.resolve()))
    assert manifest.kernel == "matlab bicubic, antialiased"
    for scale in (1, 8):
        pictures = [read_picture(path).pixels for path in list_pictures(target / f"{scale}x")]
        pixels = np.concatenate([p.reshape(-1, 3) / (257 if p.dtype == np.uint16 else 1) for p in pictures])
        np.testing.assert_allclose(manifest.statistics[scale].mean, pixels.mean(0), rtol=1e-12)
        np.testing.assert_allclose(manifest.statistics[scale].std, pixels.std(0), rtol=1e-12)
        assert manifest.statistics[scale].pixels == len(pixels)
    assert [picture.source for picture in manifest.pictures] == ["8.png", "9.png", "10.png", "deep.tif", "gray.bmp"]
    assert (manifest.pictures[3].output, manifest.pictures[3].height, manifest.pictures[3].width) == (
        "deep.png",
        24,
        24,
    )
    assert [failure.source for failure in manifest.failures] == ["broken.png"]
    written = json.loads((target / "manifest.json").read_text())
    assert written["version"] == 1
    assert written["scales"]["8"]["count"] == 5


@pytest.mark.slow
@pytest.mark.usefixtures("folder_processes")
def test_two_workers_write_the_same_bytes_as_one(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "one", [1, 4], workers=1)
    prepare(source, tmp_path / "two", [1, 4], workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_only_what_is_missing_is_made_again(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "set"
    prepare(source, target, [1, 8], workers=1)
    before, written = times(target), contents(target)
    prepare(source, target, [1, 8], workers=1)
    assert times(target) == before
    (target / "8x" / "9.png").unlink()
    (target / "1x" / "10.png").write_bytes(b"replaced by somebody")
    (target / "1x" / ".part-10.png").write_bytes(b"left by a killed run")
    prepare(source, target, [1, 8], workers=1)
    assert contents(target) == written
    again = {name for name, when in times(target).items() if before[name] != when}
    assert again == {"8x/9.png", "1x/10.png"}


def test_an_unfinished_picture_is_made_again(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "set"
    prepare(source, target, [1, 8], workers=1)
    written = contents(target)
    log, kept = target / "log.jsonl", []
    for line in log.read_text().splitlines(keepends=True):
        kept.append(line if '"1x/9.png"' not in line and '"8x/10.png"' not in line else '{"begun": ' + line[10:])
    log.write_text("".join(kept) + '{"output": "1x/8')
    (target / "manifest.json").unlink()
    prepare(source, target, [1, 8], workers=1)
    assert contents(target) == written


def test_a_changed_source_is_made_again(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "set"
    prepare(source, target, [1, 8], workers=1)
    changed = np.full((40, 48, 3), 90, np.uint8)
    write_picture(source / "9.png", changed)
    prepare(source, target, [1, 8], workers=1)
    np.testing.assert_array_equal(read_picture(target / "1x" / "9.png").pixels, changed)
    assert load_manifest(target).pictures[1].height == 40


def test_another_scale_that_fits_the_crop_is_added(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    target = tmp_path / "set"
    prepare(source, target, [1, 8], workers=1)
    before = times(target)
    prepare(source, target, [1, 4, 8], workers=1)
    after = times(target)
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[0] for name in set(after) - set(before)} == {"4x"}
    assert load_manifest(target).scales == (1, 4, 8)
    assert capsys.readouterr().err == ""
    prepare(source, target, [1, 8], workers=1)
    assert "set has what this set does not: 4x/; remove it" in capsys.readouterr().err
    assert load_manifest(target).scales == (1, 8)


def test_another_crop_makes_everything_again(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "set", [1, 8], workers=1)
    prepare(source, tmp_path / "set", [1, 4, 6], workers=1)
    prepare(source, tmp_path / "fresh", [1, 4, 6], workers=1)
    assert load_manifest(tmp_path / "set") == load_manifest(tmp_path / "fresh")
    assert load_manifest(tmp_path / "set").crop_multiple == 12
    for scale in (1, 4, 6):
        assert contents(tmp_path / "set" / f"{scale}x") == contents(tmp_path / "fresh" / f"{scale}x")


def test_outputs_of_removed_sources_are_named(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    target = tmp_path / "set"
    prepare(source, target, [1, 8], workers=1)
    (source / "9.png").unlink()
    assert prepare(source, target, [1, 8], workers=1).exit_code == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"warning: {target} has what this set does not: 1x/9.png, 8x/9.png; remove it"]
    assert [picture.source for picture in load_manifest(target).pictures] == ["8.png", "10.png", "deep.tif", "gray.bmp"]


def _heed_ctrl_c() -> None:
    """Undo what shells do to jobs in the background, which ignore Ctrl-C and hand that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.long
@pytest.mark.slow
def test_ctrl_c_leaves_whole_pictures_and_the_next_run_goes_on(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "set"
    # Large enough that a busy machine cannot do all of it before the signal.
    pixels = RNG.integers(0, 256, (480, 640, 3)).astype(np.uint8)
    write_picture(source / "0.png", pixels)
    for index in range(1, 120):
        os.link(source / "0.png", source / f"{index}.png")
    arguments = ["-source", str(source), "-target", str(target), "-scales", "1", "8", "-workers", "2"]
    command = [sys.executable, "create_DeFlow_train_dataset.py", *arguments]
    process = subprocess.Popen(
        command, cwd=CODE, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=_heed_ctrl_c
    )
    deadline, log = time.monotonic() + 30, target / "log.jsonl"
    while '"sums"' not in (log.read_text() if log.is_file() else "") and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches parent and workers
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert not (target / "manifest.json").exists()
    assert not list(target.rglob(".part-*"))
    recorded = read_journal(log).result_files
    before = {name: when for name, when in times(target).items() if name in recorded}
    assert 0 < len(before) < 240
    for name in times(target):
        read_picture(target / name)
    prepare(source, target, [1, 8], workers=1)
    after = times(target)
    assert len(after) == 240
    assert {name: after[name] for name in before} == before
    assert load_manifest(target).statistics[1].pixels == 120 * 480 * 640


def test_workers_do_not_import_torch() -> None:
    check = "import sys, patina.pipelines.multiscale_set, patina.cli.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=CODE, check=False).returncode == 0
