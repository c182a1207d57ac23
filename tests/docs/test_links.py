"""Every relative link in the Markdown pages leads to a file that is there, and every anchor to a heading."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "datasets/README.md", ROOT / "trained_models/README.md"]


def prose(page: Path) -> str:
    """Return a page without its code."""
    return re.sub(r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def links(page: Path) -> list[str]:
    """Return where a page's links and pictures lead to, other sites left out."""
    targets = re.findall(r"\]\(([^)\s]+)", re.sub(r"`[^`\n]*`", "", prose(page)))
    return [target for target in targets if not re.match(r"\w+:", target)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site name them."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ +(.+?)\s*$", prose(page), flags=re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w -]", "", text).lower().replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    wrong = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert not broken(page)


def test_broken_links_are_found(tmp_path):
    (tmp_path / "other.md").write_text("# A `key`: it's here\n\n```\n# no heading\n```\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[1](other.md#a-key-its-here) [2](other.md#no-heading) [3](gone.md) [4](https://example.org) `[5](code.md)`\n",
        encoding="utf-8",
    )
    assert broken(page) == ["other.md#no-heading", "gone.md"]


def test_the_site_shows_every_page():
    class Loader(yaml.SafeLoader):
        """Reads mkdocs.yml without its Python objects."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)
    site = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)
    named = set(re.findall(r"[\w/-]+\.md", str(site["nav"])))
    assert {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")} <= named


def test_files_that_the_architecture_names_are_there():
    named = re.findall(r"`(\w+(?:/\w+)*\.py)`", (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8"))
    places = [ROOT, ROOT / "code", ROOT / "code/patina"]
    lost = [name for name in named if not any((place / name).is_file() for place in places)]
    assert named
    assert not lost


def test_the_architecture_names_every_room():
    page = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in ROOT.glob("code/patina/*/__init__.py")}
    assert rooms
    assert {room for room in rooms if not re.search(rf"^\|.*`{room}`", page, flags=re.M)} == set()
