"""The wheel, built and installed in a folder of its own, and used from an empty one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sets import write_pictures

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("code", "confs", "pyproject.toml", "setup.py", "MANIFEST.in", "requirements.txt", "README.md", "LICENSE")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel from a copy of the project and install it; return the folder of packages."""
    top = tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, top / "project" / name, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
            )
        else:
            shutil.copy(ROOT / name, top / "project" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(top), "."]
    subprocess.run(wheel, cwd=top / "project", check=True)
    (built,) = top.glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--no-compile", "--target", str(top / "site"), str(built)],
        check=True,
    )
    return top / "site"


def run_by(installed: Path, folder: Path, *words: object) -> str:
    """Run Python with the installed package in a folder; return what it prints."""
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(installed)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def patina(installed, tmp_path):
    """Run a command of the installed package in an empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()

    def run(*words: object) -> str:
        return run_by(installed, folder, "-m", "patina.cli", *words)

    return run


def test_it_has_every_configuration_and_recipe(installed):
    shipped = {path.relative_to(ROOT) for path in (ROOT / "confs").rglob("*.yml")}
    assert {path.relative_to(installed / "patina") for path in (installed / "patina/confs").rglob("*.yml")} == shipped
    assert (installed / "bin" / "patina").is_file()


def test_recipes_are_found_by_name_and_listed(patina, tmp_path):
    listed = patina("recipes")
    assert {"wide", "web-photo", "camera"} <= {line.split()[0] for line in listed.splitlines()}
    assert "SR-demo" in patina("configs")
    source = write_pictures(tmp_path / "in", 2)
    patina("degrade", "wide", source, "out")
    assert len(list((tmp_path / "empty/out").glob("*.png"))) == 2


@pytest.mark.long
def test_a_copy_can_be_edited_and_relative_paths_start_in_the_current_folder(patina, installed, tmp_path):
    patina("configs", "-copy", "SR-demo")
    text = (tmp_path / "empty/SR-demo.yml").read_text()
    address = text.splitlines()[0].split("$schema=")[1]
    assert (tmp_path / "empty" / address).read_bytes() == (ROOT / "confs/schemas/restoration.json").read_bytes()
    values = yaml.safe_load(text)
    assert values["name"] == "SR-demo"
    resolved = yaml.safe_load(patina("train", "-opt", "RealPLKSR", "--smoke", "--dry-run"))
    assert resolved["runs"] == str(tmp_path / "empty" / "trained_models")
    assert not list(installed.rglob("trained_models"))


def test_the_pages_are_in_it(installed):
    for name in ("patina/studio/page", "patina/fidelity"):
        inside = {path.name for path in (installed / name).iterdir() if path.name != "__pycache__"}
        assert inside == {path.name for path in (ROOT / "code" / name).iterdir() if path.name != "__pycache__"}


def notebook_code() -> list[str]:
    """Return the code of the notebook's cells."""
    cells = json.loads((ROOT / "docs/notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.long
def test_the_notebook_runs_from_it(installed, tmp_path):
    code = "\n".join(notebook_code()).replace("samples=96", "samples=24")
    assert "samples=24" in code
    (tmp_path / "cells.py").write_text(code, encoding="utf-8")
    told = run_by(installed, tmp_path, "cells.py")
    assert "Fitted images match the photos in" in told
    assert "'psnr': 2" in told
    assert len(list((tmp_path / "pairs/gt").glob("*.png"))) == 8


def test_the_notebook_is_as_its_script_makes_it():
    source = (ROOT / "docs/make_notebook.py").read_text(encoding="utf-8")
    assert [code for code in notebook_code() if code not in source.replace('\\"', '"')] == []
