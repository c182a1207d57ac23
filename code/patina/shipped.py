"""Where the configurations and recipes lie that come with Patina: in a checkout, or inside the installed package."""

import os
from collections.abc import Iterator
from pathlib import Path

CONFS = "confs"
MODELS = {2: "photo-x2", 4: "photo-x4"}
"""Names of the models that come with Patina, by their scale; the files are in ``confs/models``."""

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def shipped_root() -> Path:
    """Return the folder that holds ``confs/``: the project's folder, or that of the installed package."""
    is_checkout = (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / CONFS).is_dir()
    return _CHECKOUT if is_checkout else _PACKAGE


def work_root() -> Path:
    """Return the folder for data and runs that Patina names itself: the project's folder, or the current one."""
    root = shipped_root()
    return Path.cwd() if root == _PACKAGE else root


def base_folder(path: Path) -> Path:
    """Return the folder that relative paths in a recipe or configuration start from.

    It is the folder that holds ``confs/``, or the file's own folder if the file lies elsewhere; the current folder for
    the files of an installed package.
    """
    if path.resolve().is_relative_to(_PACKAGE):
        return Path.cwd()
    return next((folder.parent for folder in path.parents if folder.name == CONFS), path.parent)


def shipped_files(folder: str) -> Iterator[Path]:
    """Yield the YAML files in a folder that comes with Patina, e.g. ``confs/recipes``, in alphabetical order."""
    yield from sorted((shipped_root() / folder).glob("*.yml"), key=lambda path: path.stem.lower())


def model_file(given: str | Path) -> Path:
    """Return the file of a model: that at a path, or one that comes with Patina, by its name in `MODELS`."""
    path = Path(given)
    return shipped_root() / CONFS / "models" / f"{path.name}.safetensors" if _is_shipped(path) else path


def _is_shipped(path: Path) -> bool:
    return path.name in MODELS.values() and not path.exists()


def shown_path(path: str | Path) -> str:
    """Return a path that means something to others.

    It is relative to the working folder or to the project's. Of any other path, only the last two parts are shown.
    """
    absolute = Path(os.path.abspath(Path(path).expanduser()))  # resolve() would follow links, whose names are better
    for base in (Path.cwd(), work_root()):
        for candidate in (absolute, absolute.resolve()):
            if candidate.is_relative_to(base):
                return str(candidate.relative_to(base))
    return "/".join(absolute.parts[-2:]) if len(absolute.parts) > 2 else str(absolute)
