"""Synthesised pictures are measured as photos are, whatever the number of processes."""

import sys

import numpy as np
import pytest

from patina.errors import PatinaError
from patina.fitting.family import load_family
from patina.fitting.measures import crops_of, measure
from patina.fitting.synthesis import CleanCrop, SyntheticSample, clean_crops, crops_in, synthesise
from sets import picture, write_config

VALUES = {
    "scale": 2,
    "steps": [{"resize": {"filter": "box", "of": "target"}}, {"speckle": {"sigma": {"free": [0, 9]}}}],
}


@pytest.mark.slow
@pytest.mark.usefixtures("folder_processes")
def test_two_processes_measure_what_one_does(tmp_path):
    family = load_family(write_config(tmp_path / "f.yml", VALUES))
    np.save(tmp_path / "0.npy", clean_crops(picture(0, 200, 260), 2))
    samples = [
        SyntheticSample(CleanCrop(tmp_path / "0.npy", 0), np.array([unit]), key)
        for key, unit in enumerate((0.0, 0.4, 0.9))
    ]
    one, two = (synthesise(samples, family, workers=workers, description="test") for workers in (1, 2))
    assert one == two
    assert one[0]["y.variance"] < one[1]["y.variance"] < one[2]["y.variance"]


def test_a_picture_that_nothing_is_done_to_measures_as_the_photo_that_it_is(tmp_path):
    family = load_family(
        write_config(tmp_path / "f.yml", {"scale": 1, "steps": [{"speckle": {"sigma": {"free": [0, 9]}}}]})
    )
    pixels = picture(3, 160, 128)
    np.save(tmp_path / "0.npy", clean_crops(pixels, 1))
    [crop] = crops_in([tmp_path / "0.npy"])
    [found] = synthesise([SyntheticSample(crop, np.zeros(1), 0)], family, workers=1, description="test")
    assert found == pytest.approx(measure(crops_of(pixels)))


def test_the_bars_of_a_search_make_room_for_each_other(tmp_path, monkeypatch, capsys):
    family = load_family(write_config(tmp_path / "f.yml", VALUES))
    np.save(tmp_path / "0.npy", clean_crops(picture(0, 200, 260), 2))
    sample = SyntheticSample(CleanCrop(tmp_path / "0.npy", 0), np.zeros(1), 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    synthesise([sample], family, workers=1, description="fit, round 1")
    shown = capsys.readouterr().err
    assert "fit, round 1:" in shown
    assert "\n" not in shown


def test_a_family_that_cannot_be_applied_is_one_line(tmp_path):
    values = {"scale": 2, "steps": [{"webp": {"quality": {"free": [50, 90]}}}]}
    with pytest.raises(PatinaError, match="ends at 1 of the clean image"):
        load_family(write_config(tmp_path / "f.yml", values))
