"""The recipes and configurations that come with Patina: what each is for, and copies to edit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patina.errors import PatinaError
from patina.hints import nearest
from patina.pipelines.schema_files import with_schema, without_address
from patina.shipped import shipped_files
from patina.system.atomic import write_text
from patina.system.text_layout import text_table
from patina.system.yaml_files import read_yaml

CONFIGS = ("confs",)
RECIPES = ("confs/recipes", "confs/families")


@dataclass(frozen=True)
class Shipped:
    """A file that comes with Patina.

    Attributes:
        path: the file.
        kind: the task of a configuration, "recipe" or "family".
        about: the first sentence of its comment.
    """

    path: Path
    kind: str
    about: str

    @property
    def name(self) -> str:
        """How commands name it."""
        return self.path.stem


def shipped(folders: Sequence[str]) -> list[Shipped]:
    """Return what lies in folders that come with Patina."""
    return [_described(path, folder) for folder in folders for path in shipped_files(folder)]


def copy_shipped(name: str, folders: Sequence[str], to: Path) -> Path:
    """Copy a file that comes with Patina into a folder, to be edited, with a schema for the editor (`with_schema`).

    Raises:
        PatinaError: there is no such file, or the folder has one of that name.
    """
    found = {one.name: one for one in shipped(folders)}
    if name not in found:
        raise PatinaError(f"{name}: no such file comes with Patina, {nearest(name, found)}")
    out = to / found[name].path.name
    if out.exists():
        raise PatinaError(f"{out} exists; rename or remove it first")
    write_text(out, with_schema(found[name].path.read_text(encoding="utf-8"), to))
    return out


def printed(files: Sequence[Shipped], width: int | None = None) -> str:
    """Return a row for every file: name, kind, what it is for; `width` as in `text_table`."""
    return "\n".join(text_table([(one.name, one.kind, one.about) for one in files], width=width))


def _described(path: Path, folder: str) -> Shipped:
    values = read_yaml(path)
    task = values.get("task") if isinstance(values, dict) else None
    kind = str(task) if task else "family" if folder.endswith("families") else "recipe"
    return Shipped(path, kind, _first_sentence(without_address(path.read_text(encoding="utf-8"))))


def _first_sentence(text: str) -> str:
    """Return the first sentence of the comment at the top."""
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    sentence = re.split(r"(?<!et al)\.\s+(?=[A-Z`({]|patina |python )|: patina", " ".join(comment))[0]
    return " ".join(sentence.rstrip(".:").split())
