"""The manifest of a multi-scale set: where it came from, what it holds, its channel statistics."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina.errors import PatinaError
from patina.imaging.statistics import ChannelStatistics

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a multi-scale set says about itself.

    Attributes:
        values: the whole file, plain JSON values.
        statistics: channel statistics by scale, exact over all pixels.
    """

    values: dict[str, Any]
    statistics: dict[int, ChannelStatistics]


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of a set; `folder` is the set or one of its ``Nx/``.

    Raises:
        PatinaError: there is none, or it is damaged.
    """
    path = next((place / MANIFEST for place in (folder, folder.parent) if (place / MANIFEST).is_file()), None)
    if path is None:
        raise PatinaError(f"{folder}: no {MANIFEST}; make the set with `patina prepare`")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        scales = values["scales"]
        return Manifest(values, {int(n): ChannelStatistics.from_dict(scales[n]["statistics"]) for n in scales})
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise PatinaError(f"{path}: damaged ({error}); run `patina prepare` again") from error
