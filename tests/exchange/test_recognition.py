"""The tool is recognised, or one line says what is expected."""

import pytest
from conversions import refused


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.txt",
            "hello",
            "no supported tool writes files with the suffix .txt; expected a configuration of Dataset Destroyer (.ini)",
        ),
        ("a", "hello", "no supported tool writes files with the suffix (none)"),
        ("a.yml", "surprise: 1", "no supported tool has these keys (surprise); expected"),
        ("a.yml", "scale: 4\nsteps: []", "is a recipe already"),
        ("a.yml", "- 1", "line 1: the file holds [1], expected keys and values"),
        ("a.yml", "", "the file holds None, expected keys and values"),
        ("a.json", "{}", "no supported tool has these keys (none at all)"),
        ("a.json", '{"degradation": 3}', "line 1: degradation holds 3, expected keys and values"),
        ("a.toml", "[train]\nema = 1", "no supported tool has these keys (train)"),
    ],
)
def test_an_unknown_file_is_one_line(tmp_path, capsys, name, text, expected):
    assert expected in refused(tmp_path / name, text, capsys)


def test_bytes_that_are_no_text(tmp_path, capsys):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xff\xfe\x00")
    from patina.cli.main import main

    assert main(["convert", str(path)]) == 2
    assert "byte 0 is not valid UTF-8" in capsys.readouterr().err
