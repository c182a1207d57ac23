"""What the generated pages show is what the commands print; conversions are run again here, as they are quick."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from patina.cli.main import main
from patina.shipped import work_root

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "outputs.md", *sorted((DOCS / "migrate").glob("*.md"))]
QUICK = re.compile(r"patina convert .*|(cat|head -n \d+) [\w.-]+|patina train .*--dry-run \| head -n \d+")


def blocks(page: Path) -> list[str]:
    return re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_holds_commands_with_their_output(page):
    assert blocks(page)
    for block in blocks(page):
        assert block.startswith("$ ")
        assert "Traceback" not in block
        assert "/tmp" not in block


def printed(command, capsys):
    """Return the lines that one of the quick commands prints."""
    told, _, cut = command.partition(" | head -n ")
    words = shlex.split(told)
    if words[0] in ("cat", "head"):
        lines = Path(words[-1]).read_text(encoding="utf-8").splitlines()
        return lines[: int(words[2])] if words[0] == "head" else lines
    code, captured = main(words[1:]), capsys.readouterr()
    lines = captured.out.splitlines()[: int(cut) if cut else None]
    if words[1] != "train":  # which finds no images here
        assert code == 0
        lines += captured.err.splitlines()
    return [line.replace(f"{work_root()}/", "").replace(f"{Path.cwd()}/", "") for line in lines]


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_conversions_and_configurations_print_what_the_page_shows(page, tmp_path, monkeypatch, capsys):
    for example in (DOCS / "migrate/examples").iterdir():
        shutil.copy(example, tmp_path)
    (tmp_path / "clean").mkdir()
    monkeypatch.chdir(tmp_path)
    parts = [part.partition("\n") for block in blocks(page) for part in block.split("$ ")[1:]]
    quick = [(command, shown) for command, _, shown in parts if QUICK.fullmatch(command)]
    assert quick
    for command, shown in quick:
        found = [line.rstrip() for line in printed(command, capsys) if line.strip()]
        assert sorted(found) == sorted(line for line in shown.splitlines() if line)
