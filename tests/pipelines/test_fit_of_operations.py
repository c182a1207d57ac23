"""Any operation can be the family of a fit: here a halo, whose amount is found."""

import json

import numpy as np
import pytest

from patina.cli.main import main
from patina.degradations.recipe import load_recipe
from patina.degradations.sharpening import Halo
from patina.fitting.search import Search
from patina.imaging.picture_files import write_picture
from patina.imaging.value_spaces import to_values, values_to_pixels
from sets import write_config
from small_photographs import photographs

STD, AMOUNT = 2.0, 1.5
HALO = {"kind": "both", "width": 1.2, "blur": "gaussian", "amount": AMOUNT, "threshold": 0.0, "colour": False}


@pytest.mark.slow
@pytest.mark.long
def test_a_halo_is_fitted(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("patina.pipelines.recipe_fit.Search", lambda *values: Search(*values[:-2], samples=96))
    rng = np.random.default_rng(7)
    for part, crops in photographs().items():
        for number, pixels in enumerate(crops):
            if part == "real":
                noisy = to_values(pixels) + rng.normal(0, STD / 255, pixels.shape).astype(np.float32)
                pixels = values_to_pixels(Halo.apply(noisy.clip(0, 1), HALO, 0))
            write_picture(tmp_path / part / f"{number}.png", pixels)
    noise = {"gaussian_noise": {"sigma": {"free": [0, 10]}}}
    halo = {"halo": {"kind": "both", "width": 1.2, "amount": {"free": [0, 4]}}}
    family = write_config(tmp_path / "family.yml", {"scale": 1, "steps": [noise, halo]})
    out = tmp_path / "fitted.yml"
    folders = str(tmp_path / "clean"), str(tmp_path / "real")
    assert main(["fit", *folders, "-recipe", str(family), "-out", str(out), "-workers", "1", "--json"]) == 0
    found = {number["name"]: number for number in json.loads(capsys.readouterr().out)["numbers"]}
    assert found["halo.amount"]["middle"] == pytest.approx(AMOUNT, abs=0.5)
    assert found["gaussian_noise.sigma"]["middle"] == pytest.approx(STD, rel=0.2)
    assert load_recipe(out).steps[0].choices[0].steps[1].name == "halo"
