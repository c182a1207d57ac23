"""docs/reliability.md is what its generator makes of the campaign's counts, and tells every kind of attack."""

import json
import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_committed_page_is_up_to_date():
    generator = runpy.run_path(str(DOCS / "make_reliability.py"))
    assert (DOCS / "reliability.md").read_text(encoding="utf-8") == generator["page"]()
    rows = [json.loads(line) for line in (DOCS / "reliability.jsonl").read_text().splitlines()]
    assert {row["row"].partition(":")[0] for row in rows} == set(generator["KINDS"])
    assert all(0 <= row["lost"] <= row["tried"] and row["tried"] for row in rows)
    assert "Failures:" in generator["INTRO"] or not any(row["lost"] for row in rows)
