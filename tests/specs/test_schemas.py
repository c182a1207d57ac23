"""JSON schemas accept all that can be written, and refuse what is misspelt."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from degradations.test_operations import EXAMPLES
from patina.specs.subjects import SUBJECTS
from patina.system.yaml_files import parsed_yaml, read_yaml
from small_trainings import TASKS, write_training

ROOT = Path(__file__).parents[2]
CONFS = ROOT / "confs"
SHIPPED = sorted(CONFS.rglob("*.yml"))


@cache
def validator(kind: str) -> Draft7Validator:
    return Draft7Validator(json.loads((CONFS / "schemas" / f"{kind}.json").read_text(encoding="utf-8")))


def is_valid(kind: str, values: Any) -> bool:
    return validator(kind).is_valid(json.loads(json.dumps(values)))


def steps(*given: Any) -> dict[str, Any]:
    return {"scale": 1, "steps": list(given)}


@pytest.mark.parametrize("kind", [*SUBJECTS, "recipe", "family"])
def test_every_kind_has_a_schema(kind):
    Draft7Validator.check_schema(validator(kind).schema)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_file_names_its_schema_and_is_valid(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    address = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first).group(1)
    values = read_yaml(path)
    kind = values.get("task") or {"recipes": "recipe", "families": "family"}[path.parent.name]
    assert (path.parent / address).resolve() == CONFS / "schemas" / f"{kind}.json"
    assert not list(validator(kind).iter_errors(json.loads(json.dumps(values))))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_misspelt_key_of_a_shipped_file_is_refused(path):
    values = read_yaml(path)
    kind = values.get("task") or {"recipes": "recipe", "families": "family"}[path.parent.name]
    for key, value in values.items():
        assert not is_valid(kind, {**values, f"{key}x": value})
        if isinstance(value, dict) and value and key not in ("blocks", "variants"):
            assert not is_valid(kind, {**values, key: {**value, "misspelt": 1}}) or "architecture" in value


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_what_trains_is_valid(task, tmp_path):
    assert is_valid(task, read_yaml(write_training(tmp_path, task, tmp_path / "runs")))


@pytest.mark.parametrize("name", EXAMPLES)
def test_operations_are_valid_and_what_is_misspelt_is_not(name):
    settings = EXAMPLES[name]
    assert is_valid("recipe", steps({name: settings}))
    assert not is_valid("recipe", steps({f"{name}x": settings}))
    for key in settings or {}:
        others = {other: value for other, value in settings.items() if other != key}
        assert not is_valid("recipe", steps({name: {**others, f"{key}x": settings[key]}}))


def documented_recipes() -> list[str]:
    """Return the YAML blocks about recipes that the documentation shows."""
    pages = [(ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in ("recipes", "fit")]
    blocks = [block for page in pages for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    return [block for block in blocks if not block.startswith("data:")]


@pytest.mark.parametrize("text", documented_recipes())
def test_documented_forms_are_valid(text):
    values = parsed_yaml(text, "docs")
    if isinstance(values, list):
        values = steps(*values)
    elif not {"steps", "blocks"} & set(values):
        values = steps(*({name: settings} for name, settings in values.items()))
    assert is_valid("family" if "free:" in text else "recipe", values)


@pytest.mark.parametrize(
    "block",
    [
        "chroma_shift",
        {"jpeg": {"quality": 80, "probability": 0.5, "subsampling": {"4:2:0": 1, "4:4:4": 2}}},
        {"resize": {"filter": "box", "of": "target"}},
        {"learned": {"model": "x.safetensors", "heat": [0, 1]}},
        {"learned": {"model": "x.safetensors", "knobs": {"heat": 0.5}}},
        {"one_of": {"choices": [{"weight": 2, "steps": {"jpeg": {"quality": 80}}}, {"jpeg": {"quality": [70, 80]}}]}},
        {"one_of": {"choices": [{"steps": []}, {"shuffle": {"steps": [{"jpeg": {"quality": 80}}]}}]}},
    ],
)
def test_forms_of_a_block(block):
    assert is_valid("recipe", steps(block))
    assert is_valid("recipe", {"scale": 1, "steps": block})


@pytest.mark.parametrize(
    "block",
    [
        "jpeg",  # has a setting that is required
        "jpeq",
        {"jpeg": {"quality": 101}},
        {"jpeg": {"quality": [1, 2, 3]}},
        {"jpeg": {"quality": 80, "probability": 2}},
        {"jpeg": {"quality": 80, "subsampling": "4:1:0"}},
        {"jpeg": {"quality": {"free": [1, 100]}}},
        {"jpeg": {"quality": 80}, "webp": {"quality": 80}},
        {"learned": {"model": "x", "heet": 1}},
        {"one_of": {"choices": [{"weight": 2, "step": []}]}},
        {"shuffle": {"steps": [{"jpegs": {"quality": 80}}]}},
    ],
)
def test_what_no_recipe_may_hold(block):
    assert not is_valid("recipe", steps(block))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ({"free": [0, 30]}, True),
        ({"free": [0, 30], "optional": True, "of": "target"}, True),
        ([0, 30], True),
        ({"free": [0]}, False),
        ({"free": [0, 30], "of": "source"}, False),
        ({"free": [0, 30], "optionel": True}, False),
    ],
)
def test_a_family_has_free_numbers(number, expected):
    assert is_valid("family", steps({"gaussian_noise": {"sigma": number}})) is expected


def test_a_smoke_section_is_a_part_of_the_configuration():
    values = read_yaml(CONFS / "RealESRGAN.yml")
    assert is_valid("restoration", {**values, "smoke": {"stages": {"steps": 2}, "data": {"batch": 1}}})
    assert not is_valid("restoration", {**values, "smoke": {"stages": {"stepps": 2}}})
    assert not is_valid("restoration", {**values, "smoke": {"date": {"batch": 1}}})


def test_networks_of_patina_have_known_keys_and_others_any():
    values = read_yaml(CONFS / "SR-demo.yml")
    own = values["model"]
    assert not is_valid("restoration", {**values, "model": {**own, "featurs": 4}})
    assert is_valid("restoration", {**values, "model": {"architecture": "SPAN", "scale": 2, "feature_channels": 48}})


def test_meanings_are_those_of_the_docstrings():
    known = validator("deflow").schema["properties"]["seed"]
    assert known["description"].startswith("Seed of all random numbers: initial weights")
