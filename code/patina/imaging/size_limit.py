"""The largest picture that is decoded: a few bytes can declare more pixels than the memory holds."""

import os

from patina.errors import PatinaError
from patina.hints import install
from patina.imaging.picture_header import BrokenPicture, PictureHeader

MAX_PIXELS = 2**28
"""Pixels of the largest picture that is decoded by default: 16384 x 16384."""

VARIABLE = "PATINA_MAX_MEGAPIXELS"
"""The environment variable that sets another limit, in millions of pixels."""


def require_size(header: PictureHeader) -> None:
    """Refuse a picture that declares more pixels than the limit.

    Raises:
        BrokenPicture: it does.
        PatinaError: the environment variable is not a number above 0.
    """
    pixels, most = header.height * header.width, pixel_limit()
    if pixels > most:
        raise BrokenPicture(
            f"is {header.width}x{header.height}; expected at most {most / 1e6:,.3g} megapixels: cut it into several "
            f"images, or set {VARIABLE}={-(-pixels // 10**6)} if the memory suffices; `patina upscale` by bicubic or a "
            f"network, and `patina translate`, take larger PNGs and TIFFs with the extra huge: {install('huge')}"
        )


def pixel_limit() -> float:
    """Return the largest number of pixels that is decoded.

    Raises:
        PatinaError: as in `require_size`.
    """
    given = os.environ.get(VARIABLE, "")
    if not given:
        return MAX_PIXELS
    try:
        limit = 1e6 * float(given)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise PatinaError(f"{VARIABLE} is {given!r}; expected a number of megapixels above 0, e.g. 1000")
    return limit
