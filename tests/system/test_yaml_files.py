"""YAML as people write it: nothing is given twice, text stays text, and what is wrong is named with its line."""

import math
import time

import pytest
import yaml

from patina.errors import ConfigError
from patina.settings import Settings
from patina.system.yaml_files import parsed_yaml, read_yaml, yaml_text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("b:\n  - c: {d: 1, d: 2}\n", r"line 2: the key 'd' is in line 2 already; remove one of them"),
        ("a: 1\nb: 2\na: 3\n", r"line 3: the key 'a' is in line 1 already; remove one of them"),
        ("a:\n  b: 1\n  c: 2\n  b: 1\n", r"line 4: the key 'b' is in line 2 already"),
        ("- {x: 1}\n- {x: 1, y: 2,\n   x: 3}\n", r"line 3: the key 'x' is in line 2 already"),
        ('a: 1\n"a": 2\n', r"line 2: the key 'a' is in line 1 already"),
        ("1: a\n1: b\n", r"line 2: the key 1 is in line 1 already"),
        ("base: &b {x: 1}\nc:\n  <<: *b\n  y: 1\n  y: 2\n", r"line 5: the key 'y' is in line 4 already"),
        ("a:\n\tb: 1\n", r"line 2: a tab, which YAML does not allow there; use spaces"),
        ("a: [1,\n\t\tb\n", r"line \d: "),
        ("a: 1\n b: 2\n", r"line 2: mapping values are not allowed here"),
        ("a: [1\n", r"line 2: expected ',' or '\]'"),
        ("a: *nowhere\n", r"line 1: found undefined alias 'nowhere'"),
        ("a: !!python/object/apply:os.system [ls]\n", r"line 1: could not determine a constructor"),
        ("a: 1\n---\nb: 2\n", r"line 2: but found another document"),
        ("{[1]: 2}\n", r"line 1: found unhashable key"),
        ("a: \0", r"special characters are not allowed"),
        ("[" * 100_000, r"not valid YAML: "),
        (f"a: {'9' * 10_000}\n", r"line 1: a number of too many digits"),
        ("a: &a [*a]\n", r"its aliases expand to more than 1,000,000 values"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, told):
    path = tmp_path / "a.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_keys_that_a_mapping_merges_are_not_given_twice():
    text = "b: &b {lq: 0, gt: 3}\nc:\n  d:\n    e: &e {<<: *b, lq: 1}\nf: {<<: *e, z: 2}\n"
    assert parsed_yaml(text, "a.yml")["f"] == {"lq": 1, "gt": 3, "z": 2}


def test_aliases_of_aliases_cost_nothing():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    start = time.perf_counter()
    with pytest.raises(ConfigError, match="its aliases expand to more than"):
        parsed_yaml("\n".join(lines), "a.yml")
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("content", [b"\xff\xfea\x00", b"a: \xe9\n"])
def test_other_encodings_are_named(tmp_path, content):
    (tmp_path / "a.yml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"a\.yml: not valid YAML: byte \d is not valid UTF-8; save it as UTF-8"):
        read_yaml(tmp_path / "a.yml")


def test_a_mark_of_the_byte_order_is_passed_over(tmp_path):
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(tmp_path / "a.yml") == {"a": 1}


TEXT = ["no", "No", "NO", "yes", "on", "off", "y", "n", "12:30", "1_000", "2020-01-01", "0b1", "=", "é", "1e", "no.yml"]
VALUES = {
    "true": True, "False": False, "null": None, "~": None, "": None, "010": 10, "0o17": 15, "0x1F": 31, "-3": -3,
    "1e-4": 1e-4, "1E5": 1e5, ".5": 0.5, "5.": 5.0, "1.5e+3": 1500.0, "-.inf": -math.inf, "'no'": "no", "+7": 7,
}  # fmt: skip


@pytest.mark.parametrize("text", TEXT)
def test_text_stays_text_as_value_and_as_key(text):
    assert parsed_yaml(f"name: {text}\n", "a") == {"name": text}
    assert parsed_yaml(f"{text}: 1\n", "a") == {text: 1}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values_are_those_of_version_1_2(text, value):
    read = parsed_yaml(f"value: {text}\n", "a")["value"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("reader", [lambda text: parsed_yaml(text, "a"), yaml.safe_load], ids=["1.2", "1.1"])
def test_what_is_written_is_read_the_same_by_either_version(reader):
    values = {text: [text, *VALUES] for text in [*TEXT, *VALUES]}
    values |= {"numbers": [value for value in VALUES.values() if value is not None], "é": "日本"}
    assert reader(yaml_text(values)) == values


class Switch(Settings):
    on: bool = False
    name: str = "a"


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("no", False), ("on", True), ("off", False), ("true", True)]
)
def test_settings_that_are_true_or_false_understand_yes_and_no(text, value):
    assert Switch.model_validate(parsed_yaml(f"on: {text}\nname: no\n", "a")) == Switch(on=value, name="no")
