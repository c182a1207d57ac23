"""Preparing a multi-scale set of what it cannot be made of."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mixed_pictures import write_mixed_pictures
from patina.cli.main import run_command
from patina.data.manifest import load_manifest
from patina.errors import PatinaError
from patina.imaging.picture_files import list_pictures, write_picture
from patina.pipelines.multiscale_set import prepare
from sets import contents


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_mixed_pictures(tmp_path / "source")


def test_pictures_that_cannot_be_used_are_named_and_skipped(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    write_picture(source / "tiny.png", np.zeros((7, 100, 3), np.uint8))
    write_picture(source / "glass.png", np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.uint8))
    (source / "cut.png").write_bytes((source / "8.png").read_bytes()[:500])
    arguments = ["-source", str(source), "--target", str(tmp_path / "set"), "-scales", "1", "8", "-workers", "1"]
    assert run_command("prepare", arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [Path(line.split()[0]).name for line in lines[:3]] == ["cut.png", "glass.png", "tiny.png"]
    assert "100x7" in lines[2]
    assert lines[3] == "3 of 8 images failed and were skipped"
    assert len(lines) == 4
    assert len(list_pictures(tmp_path / "set" / "1x")) == 5


def test_a_full_disk_ends_the_job_without_a_manifest(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "set"
    prepare(source, target, [1, 8], workers=1)
    written = contents(target)
    (target / "8x" / "deep.png").unlink()

    def no_space(made: Path, path: Path, replace=os.replace) -> None:
        if Path(path).suffix == ".png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(made, path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", no_space)
        with pytest.raises(PatinaError, match=r"deep\.png cannot be written: No space"):
            prepare(source, target, [1, 8], workers=1)
    assert not (target / "manifest.json").exists()
    assert not list(target.rglob(".part-*"))
    prepare(source, target, [1, 8], workers=1)
    assert contents(target) == written


@pytest.mark.parametrize("key", ["source", "output"])
@pytest.mark.parametrize("name", ["../0.png", "/0.png", ""])
def test_a_manifest_names_nothing_outside_of_its_set(source: Path, tmp_path: Path, key: str, name: str) -> None:
    prepare(source, tmp_path / "set", [1, 8], workers=1)
    file = tmp_path / "set" / "manifest.json"
    values = json.loads(file.read_text())
    values["pictures"][0][key] = name
    file.write_text(json.dumps(values))
    with pytest.raises(PatinaError, match=r"manifest\.json names .*, a file outside of its folder; choose another one"):
        load_manifest(tmp_path / "set")


def test_nothing_usable_leaves_no_manifest(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_picture(source / "a.png", np.zeros((4, 4, 3), np.uint8))
    report = prepare(source, tmp_path / "set", [1, 8], workers=1)
    assert (report.results, report.exit_code) == ([], 1)
    with pytest.raises(PatinaError, match=r"has no manifest\.json"):
        load_manifest(tmp_path / "set")


@pytest.mark.parametrize(
    ("scales", "workers", "message"),
    [
        ([0, 8], 1, "scales must be"),
        ([-1], 1, "scales must be"),
        ([2, 2], 1, "scales must be"),
        ([], 1, "scales must be"),
        ([1], 0, "-workers is"),
    ],
)
def test_bad_numbers(source: Path, tmp_path: Path, scales: list[int], workers: int, message: str) -> None:
    with pytest.raises(PatinaError, match=message):
        prepare(source, tmp_path / "set", scales, workers=workers)


def test_bad_folders(source: Path, tmp_path: Path) -> None:
    with pytest.raises(PatinaError, match="does not exist"):
        prepare(tmp_path / "missing", tmp_path / "set", [1])
    with pytest.raises(PatinaError, match="choose another target"):
        prepare(source, source, [1])
    before = contents(source)
    shutil.copytree(source, tmp_path / "set" / "1x")
    with pytest.raises(PatinaError, match="choose another target"):
        prepare(tmp_path / "set" / "1x", tmp_path / "set", [1])
    assert contents(tmp_path / "set" / "1x") == before
    with pytest.raises(PatinaError, match="is a file"):
        prepare(source, source / "8.png", [1])


def test_two_sources_of_one_name_are_refused(source: Path, tmp_path: Path) -> None:
    write_picture(source / "8.jpg", np.zeros((40, 40, 3), np.uint8))
    write_picture(source / "gray.webp", np.zeros((40, 40, 3), np.uint8))
    clashes = r"8\.jpg and .*8\.png would both become .*; .*gray\.bmp and .*gray\.webp would both become"
    with pytest.raises(PatinaError, match=clashes):
        prepare(source, tmp_path / "set", [1])
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "source": "a"}'])
def test_broken_manifests(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(PatinaError, match=r"manifest\.json is not a manifest of this version"):
        load_manifest(tmp_path)
