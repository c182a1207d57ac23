"""Thousands of damaged files of every format: each is read as a strict decoder reads it, or refused by name."""

import faulthandler
from pathlib import Path

import pytest

from mutated_files import FORMATS, wrong_answers
from patina.imaging.size_limit import VARIABLE

COUNT = 2000

pytestmark = pytest.mark.reliability


@pytest.mark.parametrize("kind", FORMATS)
def test_no_damaged_file_gives_an_unnamed_wrong_picture(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "16")  # damaged headers declare huge pictures, which only take time
    faulthandler.dump_traceback_later(600, exit=True)  # a decoder that hangs cannot be interrupted otherwise
    try:
        assert wrong_answers(kind, COUNT, tmp_path / "damaged.png") == []
    finally:
        faulthandler.cancel_dump_traceback_later()
