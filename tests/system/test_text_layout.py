"""Tables that fit the terminal they are printed on."""

import pytest

from patina.system.text_layout import indented, terminal_width, text_table

HEAD = ["photo", "edge blur", "made by"]
ROWS = [["a-photo-with-a-long-name.jpg", "0.95", "a camera"], ["b.jpg", "1.0", ""]]


def test_a_table_that_fits_has_one_line_a_row():
    assert text_table(ROWS, HEAD) == text_table(ROWS, HEAD, width=49) == [
        "photo                         edge blur  made by",
        "a-photo-with-a-long-name.jpg  0.95       a camera",
        "b.jpg                         1.0",
    ]  # fmt: skip


def test_titles_are_broken_first_and_names_are_shortened_then():
    assert text_table(ROWS, HEAD, width=44) == [
        "                              edge",
        "photo                         blur  made by",
        "a-photo-with-a-long-name.jpg  0.95  a camera",
        "b.jpg                         1.0",
    ]
    assert text_table(ROWS, HEAD, width=30)[2:] == ["a-photo…me.jpg  0.95  a camera", "b.jpg           1.0"]


def test_sentences_are_wrapped_and_addresses_are_not_broken():
    address = "https://example.com/a/long/address.txt"
    lines = text_table([["one", f"many words that are wrapped, {address}"], ["two", ""]], width=32)
    assert lines == ["one  many words that are", "     wrapped,", f"     {address}", "two"]


def test_what_is_too_narrow_stands_below_its_row():
    rows = [["image-number-1.jpg", "1000", "2000", "3000", "cut twice"]]
    assert text_table(rows, width=30) == ["image-…1.jpg  1000  2000  3000", "  cut twice"]


def test_sentences_of_their_own():
    assert indented("one two three", None) == ["  one two three"]
    assert indented("one two three", 9) == ["  one two", "  three"]


@pytest.mark.parametrize("said", ["80", "120"])
def test_the_width_is_what_columns_names(said, monkeypatch):
    monkeypatch.setenv("COLUMNS", said)
    assert terminal_width() == int(said)


def test_a_file_has_no_width(monkeypatch, tmp_path):
    monkeypatch.delenv("COLUMNS", raising=False)
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr("sys.stdout", out)
        assert terminal_width() is None
