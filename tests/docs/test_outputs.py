"""What the generated pages show is what the commands print; conversions are run again here, as they are quick."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from patina.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "outputs.md", *sorted((DOCS / "migrate").glob("*.md"))]
CONVERSION = re.compile(r"\$ (patina convert [\w.-]+)\n(.*?)\n\n", re.S)


def blocks(page: Path) -> list[str]:
    return re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_holds_commands_with_their_output(page):
    assert blocks(page)
    for block in blocks(page):
        assert block.startswith("$ ")
        assert "Traceback" not in block
        assert "/tmp" not in block


@pytest.mark.parametrize("page", [page for page in PAGES if CONVERSION.search(page.read_text())], ids=lambda p: p.name)
def test_conversions_print_what_the_page_shows(page, tmp_path, monkeypatch, capsys):
    for example in (DOCS / "migrate/examples").iterdir():
        shutil.copy(example, tmp_path)
    (tmp_path / "clean").mkdir()
    monkeypatch.chdir(tmp_path)
    [(command, shown)] = CONVERSION.findall(page.read_text(encoding="utf-8"))
    assert main(shlex.split(command)[1:]) == 0
    told = capsys.readouterr()
    assert sorted((told.out + told.err).splitlines()) == sorted(shown.splitlines())
