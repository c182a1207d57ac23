"""The shipped configuration of several test sets, as a user copies it."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from patina.cli.main import main
from patina.errors import ConfigError
from patina.imaging.picture_files import read_picture, write_picture
from patina.pipelines.configured_test import upscale_and_measure
from patina.shipped import shipped_root
from sets import picture


def write_shipped_sets(tmp_path) -> str:
    """Write the sets that the configuration's head makes, and a copy of it; return its path."""
    shutil.copy(shipped_root() / "confs" / "test-photo-x4.yml", tmp_path)
    for index, folder in enumerate(("set5", "bsds500/val")):
        gt = picture(index, 48, 64)
        write_picture(tmp_path / "datasets" / folder / "1x" / "a.png", gt)
        write_picture(tmp_path / "datasets" / folder / "4x" / "a.png", gt[::4, ::4])
    return str(tmp_path / "test-photo-x4.yml")


def enable_photos(config: str) -> None:
    text = Path(config).read_text()
    enabled = text.replace("# - name: photos", "- name: photos").replace(
        "#   lq: datasets/photos", "  lq: datasets/photos"
    )
    assert len(enabled) == len(text) - 4
    Path(config).write_text(enabled)


def test_every_folder_is_looked_for_before_the_first_set_is_computed(tmp_path):
    config = write_shipped_sets(tmp_path)
    assert [one.name for one in upscale_and_measure(config, "cpu")] == ["Set5", "BSDS500"]
    shutil.rmtree(tmp_path / "results")
    enable_photos(config)
    missing = f"{config}: set photos: {tmp_path}/datasets/photos does not exist; expected an image or a folder"
    with pytest.raises(ConfigError, match=re.escape(missing)):
        next(upscale_and_measure(config, "cpu"))
    shutil.rmtree(tmp_path / "datasets" / "bsds500" / "val" / "1x")
    with pytest.raises(ConfigError, match=r"set BSDS500: .*/1x does not exist"):
        next(upscale_and_measure(config, "cpu"))
    assert not (tmp_path / "results").exists()


def test_the_shipped_sets_are_upscaled_and_measured_where_there_is_gt(tmp_path):
    config, own = write_shipped_sets(tmp_path), picture(5, 12, 16)
    enable_photos(config)
    write_picture(tmp_path / "datasets" / "photos" / "b.png", own)
    measured = {one.name: one for one in upscale_and_measure(config, "cpu")}
    out = tmp_path / "results" / "photo-x4"
    assert [*measured] == ["Set5", "BSDS500", "photos"]
    assert [one.exit_code for one in measured.values()] == [0, 0, 0]
    scores = [json.loads((out / name / "scores.json").read_text()) for name in ("Set5", "BSDS500")]
    assert scores[0] != scores[1]
    assert measured["photos"].evaluation is None
    assert not (out / "photos" / "scores.json").exists()
    found = read_picture(out / "photos" / "b.png").pixels
    assert found.shape == (48, 64, 3)
    assert np.abs(found.reshape(12, 4, 16, 4, 3).mean(axis=(1, 3)) - own).mean() < 20


def test_sets_before_one_that_fails_keep_their_scores(tmp_path, capsys):
    config = write_shipped_sets(tmp_path)
    taken = tmp_path / "results" / "photo-x4" / "BSDS500"
    taken.parent.mkdir(parents=True)
    taken.write_text("a file")
    assert main(["test", "-opt", config, "-device", "cpu", "--json"]) == 2
    told = capsys.readouterr()
    assert [*json.loads(told.out)] == ["Set5"]
    assert json.loads(told.out)["Set5"]["mean"]["psnr"]
    assert f"error: {config}: set BSDS500: " in told.err.splitlines()[-1]
