"""Whatever stands in a configuration, it becomes a recipe or one line that says why not."""

import json
import random
import re
from pathlib import Path

import pytest
from test_chainner import LOAD, SAVE, chain, in_a_row, node
from test_pepedd import OPTIONS, TOML
from test_second_order_options import NEOSR, PUBLISHED
from test_training_options import REDUX

from patina.degradations.recipe import parse_recipe
from patina.errors import PatinaError
from patina.exchange.recognition import read_foreign

NODES = [
    LOAD,
    node("b", "image:gaussian_blur", i1=1.5, i2=1.5),
    node("r", "image:resize", i1=0, i2=50, i5=4),
    node("d", "image:dither", i1=16, i2="Ordered", i3="B4"),
    node("n", "image:add_noise", i1="gaussian", i3=10),
    SAVE,
]
INI = """[main]
degradations = blur,noise,compression,scale
randomize = True
[likelihood]
blur = 0.4
[blur]
algorithms = average,anisotropic
range = 1,16
scale_factor = 0.25
[noise]
algorithms = uniform,gaussian,gray
range = 0,5
scale_factor = 0.05
[compression]
algorithms = h264,jpeg
jpeg_quality_range = 40, 95
crf_level = 30
[scale]
algorithms = down_up,linear
size_factor = 0.25
range = 0.75,1.5
"""
TEXTS = [
    ("a.json", json.dumps(OPTIONS, indent=1)), ("a.toml", TOML), ("a.yml", PUBLISHED), ("a.toml", NEOSR),
    ("a.yml", REDUX), ("a.chn", chain(NODES, in_a_row(*NODES))), ("a.ini", INI),
]  # fmt: skip
VALUES = [
    '"x"', "-1", "0", "1e308", "1e400", "[]", "[1]", "[3, 1]", "[1, 2, 3, 4]", "null", "true", "{}", '""', "nan",
    "99999999999999999999", "0.5", "[[1]]", '["a", 1]', '{"a": 1}',
]  # fmt: skip


def mutated(text: str, rng: random.Random) -> str:
    """Return a text with other values, without lines, or with lines twice."""
    lines = text.split("\n")
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randrange(len(lines))
        entry = re.match(r'(\s*[\w".-]+\s*[:=]\s*)(.*?)(,?)$', lines[at])
        if entry and rng.random() < 0.8:
            lines[at] = entry[1] + rng.choice(VALUES) + entry[3]
        elif rng.random() < 0.5:
            lines = [*lines[:at], *lines[at + 1 :]] or [""]
        else:
            lines.insert(at, rng.choice(lines))
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "text"), TEXTS)
def test_every_mutation_ends_in_a_recipe_or_in_one_line(tmp_path, name, text):
    rng, path = random.Random(0), Path(tmp_path / name)
    recipes, reasons = 0, []
    for _ in range(150):
        path.write_text(mutated(text, rng), encoding="utf-8")
        try:
            found = read_foreign(path)
            if found.recipe:
                parse_recipe(found.recipe.values, path)
                recipes += 1
            if found.training:
                found.training("r.yml")
        except PatinaError as error:
            reasons.append(str(error))
    assert recipes > 5
    assert len(reasons) > 5
    assert not [reason for reason in reasons if "\n" in reason]
