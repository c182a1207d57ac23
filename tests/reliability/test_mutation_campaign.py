"""Thousands of damaged files of every format: each is read as a strict decoder reads it, or refused by name."""

import faulthandler
from pathlib import Path

import pytest

from campaign import Campaign
from mutated_files import PACKAGES, SUFFIXES, wrong_answers
from patina.imaging.size_limit import VARIABLE
from stored_ways import FORMATS

pytestmark = pytest.mark.reliability


@pytest.mark.parametrize("kind", FORMATS)
def test_no_damaged_file_gives_an_unnamed_wrong_picture(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, campaign: Campaign
) -> None:
    pytest.importorskip(PACKAGES.get(kind, "PIL"))
    path = tmp_path / f"damaged{SUFFIXES.get(kind, '.png')}"
    monkeypatch.setenv(VARIABLE, "16")  # damaged headers declare huge pictures, which only take time
    faulthandler.dump_traceback_later(600, exit=True)  # a decoder that hangs cannot be interrupted otherwise
    try:
        with campaign.row(f"mutated: {kind}", campaign.count(3 * len(FORMATS[kind]), 2000)) as tally:
            tally.lost += wrong_answers(kind, tally.tried, path)
    finally:
        faulthandler.cancel_dump_traceback_later()
