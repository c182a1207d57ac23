"""The schemas' files, and the first line by which an editor finds the schema of a configuration or recipe."""

import os
import re
from pathlib import Path

from patina.errors import PatinaError
from patina.shipped import CONFS, shipped_root
from patina.specs.schemas import COMMENT, schema_text, schemas
from patina.system.atomic import write_text

FOLDER = "schemas"
"""The folder of the schemas, within ``confs/`` and beside copies."""

_ADDRESS = re.compile(r"^# yaml-language-server: \$schema=(\S+)\n")


def shipped_schemas() -> Path:
    """Return the folder of the schemas that come with Patina."""
    return shipped_root() / CONFS / FOLDER


def write_schemas(folder: Path) -> list[Path]:
    """Write all schemas into a folder; return their files.

    Raises:
        PatinaError: a file of that name is no schema of Patina.
    """
    return [_written(folder / f"{name}.json", schema_text(schema)) for name, schema in schemas().items()]


def with_schema(text: str, to: Path) -> str:
    """Return a shipped file's text for a copy in the folder `to`, with an address of its schema that works there.

    Within the project's folder, the address leads to the shipped schema. Elsewhere, the schema is copied, too, so that
    the copy can be moved to other machines with the folder that it lies in.

    Raises:
        PatinaError: there is another file in the place of the schema's copy.
    """
    found = _ADDRESS.match(text)
    if not found:
        return text
    name, folder = Path(found[1]).name, shipped_schemas()
    if _is_checkout() and to.resolve().is_relative_to(shipped_root()):
        address = os.path.relpath(folder / name, to.resolve())
    else:
        _written(to / FOLDER / name, (folder / name).read_text(encoding="utf-8"))
        address = f"{FOLDER}/{name}"
    return text.replace(found[1], Path(address).as_posix(), 1)


def without_address(text: str) -> str:
    """Return a file's text without the line that names its schema."""
    return _ADDRESS.sub("", text)


def _is_checkout() -> bool:
    return shipped_root() != Path(__file__).resolve().parents[1]


def _written(path: Path, text: str) -> Path:
    if path.exists() and COMMENT not in path.read_text(encoding="utf-8", errors="replace"):
        raise PatinaError(f"{path} is not a schema of Patina; rename or remove it first")
    write_text(path, text)
    return path
