"""The shipped configuration of several test sets, as a user copies it."""

import json
import shutil

import numpy as np

from patina.imaging.picture_files import read_picture, write_picture
from patina.pipelines.configured_test import upscale_and_measure
from patina.shipped import shipped_root
from sets import picture


def test_the_shipped_sets_are_upscaled_and_measured_where_there_is_gt(tmp_path):
    shutil.copy(shipped_root() / "confs" / "test-photo-x4.yml", tmp_path)
    for index, folder in enumerate(("set5", "bsds500/val")):
        gt = picture(index, 48, 64)
        write_picture(tmp_path / "datasets" / folder / "1x" / "a.png", gt)
        write_picture(tmp_path / "datasets" / folder / "4x" / "a.png", gt[::4, ::4])
    own = picture(5, 12, 16)
    write_picture(tmp_path / "datasets" / "photos" / "b.png", own)
    measured = {one.name: one for one in upscale_and_measure(str(tmp_path / "test-photo-x4.yml"), "cpu")}
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
