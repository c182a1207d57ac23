"""The command that prints and writes schemas, and the addresses of schemas in copies."""

import json
import re
from pathlib import Path

import pytest

from patina.cli.main import main
from patina.pipelines import schema_files
from patina.pipelines.schema_files import with_schema
from patina.pipelines.shipped_settings import CONFIGS, shipped

ROOT = Path(__file__).parents[2]


def address(path: Path) -> str:
    return re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text(encoding="utf-8")).group(1)


@pytest.mark.parametrize(
    ("command", "name", "schema"),
    [("configs", "SR-demo", "restoration"), ("recipes", "wide", "recipe"), ("recipes", "camera", "family")],
)
def test_a_copy_elsewhere_has_its_schema_beside_it(command, name, schema, tmp_path):
    assert main([command, "-copy", name, "-to", str(tmp_path / "mine")]) == 0
    copy = tmp_path / "mine" / f"{name}.yml"
    assert address(copy) == f"schemas/{schema}.json"
    found = copy.parent / address(copy)
    assert found.read_bytes() == (ROOT / "confs/schemas" / f"{schema}.json").read_bytes()
    original = next((ROOT / "confs").rglob(f"{name}.yml")).read_text(encoding="utf-8")
    assert copy.read_text(encoding="utf-8").partition("\n")[2] == original.partition("\n")[2]


def test_a_copy_within_the_project_leads_to_the_shipped_schema(tmp_path, monkeypatch):
    (tmp_path / "confs").symlink_to(ROOT / "confs")
    monkeypatch.setattr(schema_files, "shipped_root", lambda: tmp_path)
    monkeypatch.setattr(schema_files, "shipped_schemas", lambda: tmp_path / "confs/schemas")
    text = (ROOT / "confs/SR-demo.yml").read_text(encoding="utf-8")
    for folder, expected in ((".", "confs/schemas"), ("mine/deep", "../../confs/schemas")):
        first = with_schema(text, tmp_path / folder).splitlines()[0]
        assert first == f"# yaml-language-server: $schema={expected}/restoration.json"
    assert not (tmp_path / "mine").exists()


def test_a_file_in_the_place_of_the_schema_is_kept(tmp_path, capsys):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/restoration.json").write_text("mine")
    assert main(["configs", "-copy", "SR-demo", "-to", str(tmp_path)]) == 2
    assert "is not a schema of Patina; rename or remove it first" in capsys.readouterr().err
    assert (tmp_path / "schemas/restoration.json").read_text() == "mine"


def test_a_file_without_an_address_is_copied_as_it_is(tmp_path):
    assert with_schema("task: x\n", tmp_path) == "task: x\n"
    assert not list(tmp_path.iterdir())


def test_descriptions_in_the_list_are_not_the_address():
    assert [one.name for one in shipped(CONFIGS) if "yaml-language-server" in one.about or not one.about] == []


@pytest.mark.slow
def test_the_command_prints_one_and_writes_all(tmp_path, capsys):
    assert main(["schema", "recipe"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["title"] == "Patina: a recipe"
    assert main(["schema", "-to", str(tmp_path)]) == 0
    assert (tmp_path / "recipe.json").read_text(encoding="utf-8") == printed
    capsys.readouterr()
    assert main(["schema", "recipes"]) == 2
    assert capsys.readouterr().err == "error: there is no kind recipes, did you mean recipe?\n"


@pytest.mark.parametrize("words", [["schema"], ["schema", "recipe", "-to", "x"]])
def test_one_of_both_is_given(words, capsys):
    assert main(words) == 2
    assert "expected a kind to print" in capsys.readouterr().err
