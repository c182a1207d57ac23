"""docs/configuration.md is what its generator makes of the settings' classes, and no key is without a meaning."""

import runpy
from pathlib import Path

import pytest

from patina.pipelines.schema_files import shipped_schemas
from patina.settings import Settings
from patina.specs.schemas import schema_text, schemas

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generator():
    return runpy.run_path(str(DOCS / "make_configuration.py"))


def test_the_committed_page_is_up_to_date(generator):
    written = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert written == generator["page"](), "run `python docs/make_configuration.py`"


def test_a_key_without_a_meaning_is_refused(generator):
    class Silent(Settings):
        """A block."""

        told: int = 1
        """What it is."""

        untold: int = 2

    with pytest.raises(ValueError, match=r"Silent\.untold has no meaning"):
        list(generator["chapter"]("silent", Silent))


def test_keys_are_told_with_type_default_and_meaning(generator):
    class Inner(Settings):
        """Inside."""

        sigma: float
        """How much."""

    class Outer(Settings):
        """Outside."""

        inner: Inner | None = None
        """A block."""

    text = "\n".join(generator["chapter"]("outer", Outer))
    assert "| `inner` | [inner](#outer-inner) or null | `null` | A block. |" in text
    assert "### outer: `inner`" in text
    assert "| `sigma` | number | required | How much. |" in text


def test_the_schemas_are_up_to_date():
    files = {path.stem: path.read_text(encoding="utf-8") for path in shipped_schemas().glob("*.json")}
    current = {kind: schema_text(schema) for kind, schema in schemas().items()}
    outdated = [kind for kind in {*files, *current} if files.get(kind) != current.get(kind)]
    assert outdated == [], "run `python docs/make_configuration.py`"
