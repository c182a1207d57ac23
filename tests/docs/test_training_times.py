"""Every shipped configuration that trains says how long that takes."""

import re

import pytest

from patina.shipped import shipped_root

FILES = {path.stem: path.read_text(encoding="utf-8") for path in (shipped_root() / "confs").glob("*.yml")}
TRAINED = sorted(name for name, text in FILES.items() if "\ntraining:" in text or "\nstages:" in text)


@pytest.mark.parametrize("name", TRAINED)
def test_the_head_says_how_long_it_takes(name):
    head = FILES[name].split("\ntask:")[0]
    for mark in ("# Time on two CPU cores: ", "# Time on a GPU: "):
        [told] = [line.removeprefix(mark) for line in head.splitlines() if line.startswith(mark)]
        assert re.fullmatch(r"not measured( \([^()]+\))?", told) or (
            told.startswith("about ") and told.endswith(" steps measured, multiplied)")
        )
