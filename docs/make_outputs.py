"""Run the commands that the generated pages show, and store what they print. Run from the project's folder.

python docs/make_outputs.py                 # all pages; minutes
python docs/make_outputs.py docs/migrate/neosr.md

A page's blocks of the language `console` hold commands, each after `$ `, and what they print. All blocks of a page run
one after the other in one folder, which has `clean` and `real` (scikit-image's photographs) and the example files of
docs/migrate/examples.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bundled_images import write_bundled_images

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE / "migrate" / "examples"
PAGES = [HERE / "outputs.md", *sorted((HERE / "migrate").glob("*.md"))]
BLOCK = re.compile(r"(```console\n)(.*?)(```)", re.S)


def commands(block: str) -> list[str]:
    """Return the commands of a block."""
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def install(site: Path) -> None:
    """Lay the package out as a wheel does, so that data and models are in the current folder, with the program."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(HERE.parent / "code" / "patina", site / "patina", ignore=ignored)
    shutil.copytree(HERE.parent / "confs", site / "patina" / "confs", ignore=ignored)
    program = site / "bin" / "patina"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m patina.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)


def printed(command: str, folder: Path, site: Path) -> str:
    """Return what a command prints on a terminal of 120 columns, without progress bars, and tell of an error."""
    path = f"{site / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(site), "COLUMNS": "120", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    silent = done.returncode == 124 and not done.stdout  # on a busy machine, timeout may end it before it has begun
    if silent or done.returncode not in (0, 124, 141):  # 124: stopped by timeout; 141: by head
        print(f"{command}: exit code {done.returncode}\n{done.stdout}", file=sys.stderr)
    text = (
        done.stdout.replace(f"{folder}/", "")
        .replace(str(folder), ".")
        .replace(f"{site}/", "")
        .replace(str(Path.home()), "~")
    )
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def write_page(page: Path, folder: Path, site: Path) -> None:
    """Run a page's commands and store what they print."""
    for example in EXAMPLES.iterdir():
        shutil.copy(example, folder / example.name)

    def ran(found: re.Match[str]) -> str:
        parts = [f"$ {command}\n{printed(command, folder, site)}" for command in commands(found[2])]
        return found[1] + "\n".join(parts) + found[3]

    page.write_text(BLOCK.sub(ran, page.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Write the pages that are given, or all."""
    pages = [Path(name).resolve() for name in sys.argv[1:]] or PAGES
    for page in pages:
        with tempfile.TemporaryDirectory() as top:
            folder = Path(top) / "work"
            folder.mkdir()
            write_bundled_images(folder)
            install(Path(top) / "site")
            write_page(page, folder, Path(top) / "site")
            print(page)


if __name__ == "__main__":
    main()
