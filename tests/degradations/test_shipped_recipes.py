"""The recipes that are shipped, and the ones that the documentation shows."""

import re
from pathlib import Path

import pytest
import yaml

from patina.degradations.blocks import LearnedBlock, known_blocks, parse_block
from patina.degradations.description import describe
from patina.degradations.execution import apply_plan
from patina.degradations.plans import Step
from patina.degradations.recipe import load_recipe, parse_recipe
from small_recipes import photo

SHIPPED = sorted(path.stem for path in (Path(__file__).parents[2] / "confs/recipes").glob("*.yml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_are_drawn_and_done(name):
    made = load_recipe(name)
    side = 12 * made.scale
    for variant in made.names:
        for seed in range(3):
            plan = made.without_learned().draw(variant, (side, 2 * side), seed, "a.png")
            result = apply_plan(photo(side, 2 * side), plan)
            assert result.shape == (12, 24, 3)
            assert describe(plan, (side, 2 * side))


def test_web_photo_has_its_twelve_variants():
    made = load_recipe("web-photo")
    assert len(made.names) == 12
    assert made.mixed == "round_robin"
    [block, *_] = made.blocks_of(LearnedBlock)
    assert block.knobs == {"noise_level": (1, 5), "temperature": (0.04, 0.14)}
    assert block.model.is_absolute()


def test_descriptions_have_the_form_that_users_know():
    plan = (
        Step("resize", {"filter": "mitchell", "size": [10, 12]}, 0),
        Step("jpeg", {"quality": 82, "subsampling": "4:2:0", "codec": "libjpeg"}, 0),
    )
    assert describe(plan, (40, 48)) == "scale: cubic_mitchell size factor=0.25, compression: jpeg quality=82"
    assert describe((), (40, 48)) == "nothing"


def test_the_documentation_shows_every_block():
    docs = Path(__file__).parents[2] / "docs"
    text = (docs / "recipes.md").read_text(encoding="utf-8").split("## Operations")[1]
    examples = dict(re.findall(r"### (\w+)\n[^#]*?```yaml\n(.*?)```", text, re.DOTALL))
    assert set(examples) == set(known_blocks())
    for name, example in examples.items():
        assert isinstance(parse_block(yaml.safe_load(example)), known_blocks()[name])
        assert f"![{name}](recipes/{name}.jpg)" in text
        assert (docs / "recipes" / f"{name}.jpg").is_file()


def test_the_documentations_recipes_are_recipes():
    text = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
    whole = [code for code in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if code.startswith("scale:")]
    assert len(whole) == 2
    for code in whole:
        assert parse_recipe(yaml.safe_load(code), "docs").names
