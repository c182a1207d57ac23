"""What Patina's pages share: frame, style and script, and the images in them. A page needs no other file."""

import base64
from collections.abc import Mapping
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from patina.fidelity.crops import Crop
from patina.imaging.picture_files import png_bytes
from patina.version import __version__

PACKAGE = "patina.fidelity"


def render_page(page: Mapping[str, Any], name: str, package: str = PACKAGE) -> str:
    """Return a page as HTML.

    Args:
        page: what its template shows, and what ``layout.html`` shows of every page: ``name``, ``headline``,
            ``grades`` (counts to list below it), ``made`` (what the images beside clean and real ones are called),
            ``crops``, ``command``, ``facts``, ``config`` and ``config_title``.
        name: file of its template, which extends ``layout.html``.
        package: package that the file lies in.
    """
    environment = Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_asset(name, package))
    script = _asset("drag.js").replace("export ", "") + _asset("page.js")  # a file opened from a disk cannot import
    return template.render(page=page, version=__version__, css=_safe(_asset("page.css")), js=_safe(script))


def embedded(crop: Crop) -> dict[str, str]:
    """Return the images of a crop as URLs that hold them, by ``clean``, ``generated`` and ``real``."""
    kinds = {"clean": crop.clean, "generated": crop.generated, "real": crop.real}
    return {"name": crop.name} | {kind: _data_url(pixels) for kind, pixels in kinds.items()}


def strip_marks(distances: Mapping[str, float]) -> list[dict[str, Any]]:
    """Place distances on a bar, in percent of the largest one; ``generated``, the dot, is drawn on top.

    Args:
        distances: by CSS class; those that are not finite are omitted.
    """
    known = {style: value for style, value in distances.items() if np.isfinite(value)}
    largest = max([*known.values(), 1e-9])
    marks = [{"style": style, "place": round(100 * value / largest, 1)} for style, value in known.items()]
    return sorted(marks, key=lambda mark: mark["style"] == "generated")


def _asset(name: str, package: str = PACKAGE) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def _safe(text: str) -> Markup:
    """Mark the page's own style and script, which need no escaping."""
    return Markup(text)


def _data_url(pixels: np.ndarray) -> str:
    rounded = np.uint8(pixels.round().clip(0, 255))
    return "data:image/png;base64," + base64.b64encode(png_bytes(rounded)).decode()
