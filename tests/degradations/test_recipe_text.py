"""Recipes as text: short settings on one line, and comments that nothing in a file's name can end."""

import pytest

from patina.degradations.recipe_text import comment, recipe_text
from patina.system.yaml_files import parsed_yaml


@pytest.mark.parametrize("name", ["a.jpg", "a\nsteps: []", "a\u2028b\u0085c", "\x07\x1b[2J", "￾ # b", "日本 é 😀"])
def test_no_name_ends_its_comment(name):
    text = f"weight: 1  {comment(name)}\nsteps: []\n"
    assert len(text.splitlines()) == 2
    assert parsed_yaml(text, "test") == {"weight": 1, "steps": []}


def test_long_settings_stand_on_lines_of_their_own():
    numbers = {f"number_{place}": [0.123, 4.567] for place in range(8)}
    values = {"steps": [{"jpeg": {"quality": [70, 90]}}, {"noise": numbers}]}
    text = recipe_text(values)
    assert "- jpeg: {quality: [70, 90]}\n" in text
    assert "    number_3: [0.123, 4.567]\n" in text
    assert max(map(len, text.splitlines())) <= 100
    assert parsed_yaml(text, "test") == values
