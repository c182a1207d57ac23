"""The examples of docs/api.md run, on small images and models that are made here."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from patina.imaging.picture_files import list_pictures, write_picture
from patina.models.generator_files import save_generator
from patina.models.rrdbnet import RRDBNetSettings
from sets import picture, write_deflow_model, write_noisy_sets, write_pictures

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def examples() -> list[str]:
    """Return the page's blocks of Python."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with everything that the examples read."""
    sets = write_noisy_sets(tmp_path)
    (sets / "same").rename(sets / "generated")
    write_picture(tmp_path / "photo.png", picture(1, 70, 66))
    for name in ("photos", "lq", "results", "gt"):
        write_pictures(tmp_path / name, 2)
    models = tmp_path / "trained_models"
    write_deflow_model(tmp_path / "deflow").rename(made(models / "DeFlow-mine/models/final.safetensors"))
    torch.manual_seed(0)
    network = RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build()
    save_generator(network, made(models / "RealPLKSR-mine/gan/models/final.safetensors"))
    return tmp_path


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.slow
@pytest.mark.long
def test_every_example_runs(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    names: dict = {}
    assert len(examples()) > 10
    for block in examples():
        block = block.replace("classifier_steps=20", "classifier_steps=1").replace('"real")', '"real", samples=24)')
        exec(compile(block, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert "did you mean real-esrgan?" in printed
    assert len(list_pictures(folder / "degraded")) == 2
    assert names["gt"].shape == (68, 64, 3)
    assert names["enlarged"].shape == (280, 264, 3)
    assert names["lq"].shape == names["photo"].shape
    assert "noise of std" in printed.lower()
    assert isinstance(names["images"][0], np.ndarray)
