"""Fixtures of several files here: clean pictures, and a recipe for them."""

import numpy as np
import pytest

from degraded_sets import VALUES
from patina.imaging.picture_files import write_picture
from sets import picture, write_config, write_pictures


@pytest.fixture
def clean(tmp_path):
    folder = write_pictures(tmp_path / "clean", 4, height=37, width=50)
    write_picture(folder / "deep.png", picture(9).astype(np.uint16) * 257)
    return folder


@pytest.fixture
def recipe(tmp_path):
    return str(write_config(tmp_path / "some.yml", VALUES))
