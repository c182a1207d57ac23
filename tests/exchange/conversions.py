"""What the tests of imported configurations share."""

from pathlib import Path

from patina.cli.main import main
from patina.degradations.execution import apply_plan
from patina.degradations.recipe import Recipe, load_recipe
from patina.imaging.value_spaces import to_values
from sets import picture


def converted(path: Path, text: str, capsys) -> tuple[Recipe, list[str]]:
    """Write a configuration, convert it by the command, and return the recipe and the remarks."""
    path.write_text(text, encoding="utf-8")
    out = path.with_name("made.yml")
    out.unlink(missing_ok=True)
    assert main(["convert", str(path), "-out", str(out)]) == 0
    told = capsys.readouterr().err.splitlines()
    comments = [line[2:] for line in out.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    assert comments == [f"Made from {path.name}.", *told]
    return load_recipe(out), told


def refused(path: Path, text: str, capsys) -> str:
    """Convert what cannot be converted; return the one line that says why."""
    path.write_text(text, encoding="utf-8")
    assert main(["convert", str(path), "-out", str(path.with_name("none.yml"))]) == 2
    assert not path.with_name("none.yml").exists()
    told = capsys.readouterr().err.strip()
    assert "\n" not in told
    return told


def degrades(recipe: Recipe, draws: int = 6) -> None:
    """Apply a recipe to small images; every result must have the target size."""
    side = 16 * recipe.scale
    for seed in range(draws):
        image = to_values(picture(seed, side, side))
        assert apply_plan(image, recipe.draw("", (side, side), seed, "a")).shape == (16, 16, 3)


def operations(recipe: Recipe) -> dict[str, object]:
    """Return every operation of a recipe by its name; the last one of each."""
    return {block.name: block for block in recipe._all_blocks()}
