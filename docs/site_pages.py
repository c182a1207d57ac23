"""MkDocs hooks that add README, CONTRIBUTING, CHANGELOG and an API page for every module to the site.

New, renamed and removed modules need no change here.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
CODE = ROOT / "code"
INIT = "__init__.py"
NEIGHBOURS = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
"""Pages outside docs/ and their names on the site."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the API pages to the navigation, with a section for every folder of the package."""
    sections: dict[str, list[Any]] = {}
    for module, page in api_pages():
        room = page.split("/")[1] if page.count("/") > 1 else "patina"
        sections.setdefault(room, []).append(page if page.endswith("index.md") else {module.rsplit(".", 1)[-1]: page})
    config.nav[-1] = {"API": [*sections.pop("patina"), *({room: pages} for room, pages in sections.items())]}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside docs/."""
    for source, name in NEIGHBOURS.items():
        if (ROOT / source).is_file():
            files.append(File.generated(config, name, content=_moved((ROOT / source).read_text(encoding="utf-8"))))
    files.append(File.generated(config, "LICENSE", content=(ROOT / "LICENSE").read_text(encoding="utf-8")))
    for module, page in api_pages():
        files.append(File.generated(config, page, content=f"# {module}\n\n::: {module}\n"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links from docs/ to pages beside it lead to their places on the site."""
    to_docs = "../" * page.file.src_uri.count("/")
    outside = re.escape(f"]({to_docs}../") + r"([\w.-]+)"
    return re.sub(outside, lambda link: f"]({to_docs}{NEIGHBOURS.get(link[1], link[1])}", markdown)


def api_pages() -> Iterator[tuple[str, str]]:
    """Return every public module of the package and the name of its page, packages before their modules."""
    for path in sorted((CODE / "patina").rglob("*.py"), key=lambda path: (path.parent, path.name != INIT, path.name)):
        parts = path.relative_to(CODE).with_suffix("").parts
        if path.name == INIT:
            yield ".".join(parts[:-1]), "/".join(["api", *parts[1:-1], "index.md"])
        elif not parts[-1].startswith("_") and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
            yield ".".join(parts), "/".join(["api", *parts[1:]]) + ".md"


def _moved(text: str) -> str:
    """Let links that start from the project's folder start from docs/."""
    return re.sub(r"\]\(docs/", "](", text)
