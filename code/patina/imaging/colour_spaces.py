"""What a file says about its colours, and the conversion of its pixels to sRGB."""

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from patina.system.notes import note

NO_PROFILE = b""
_BROKEN_PROFILE = b"?"
_OTHER_SPACES = frozenset({b"CMYK", b"CMY ", b"Lab ", b"XYZ ", b"YCbr", b"HSV ", b"HLS "})

_SAME = 2
"""Largest difference of 8-bit levels between two colour spaces that count as one."""

_SRGB_GAMMA = 0.45455
_GAMMA_SLACK = 0.01  # encoders write many roundings of 1 / 2.2, and mean sRGB
_RELATIVE_COLORIMETRIC = 1
_EXACT = 0x0100  # cmsFLAGS_NOOPTIMIZE: the tables that littlecms would use instead are too coarse for 16 bit
_MOST_PROFILE_BYTES = 2**24

_D65 = (0.3127, 0.3290)
PRIMARIES = {
    1: (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""White, red, green and blue by their codes in ITU-T H.273: sRGB, BT.2020 and Display P3."""

_ADOBE_PRIMARIES = (*_D65, 0.640, 0.330, 0.210, 0.710, 0.150, 0.060)
_NAMES: dict[tuple[float, ...], str] = {
    PRIMARIES[1]: "sRGB",
    PRIMARIES[9]: "BT.2020",
    PRIMARIES[12]: "Display P3",
    _ADOBE_PRIMARIES: "Adobe RGB",
}
_SRGB_TRANSFERS, _UNSPECIFIED = (1, 6, 13, 14, 15), 2
_GAMMAS = {4: 1 / 2.2, 5: 1 / 2.8, 8: 1.0}
"""Transfers by their codes in ITU-T H.273: those that count as sRGB's, and powers."""


@dataclass(frozen=True)
class ColourTags:
    """What a file says about its colours; nothing means sRGB.

    Attributes:
        profile: an ICC profile.
        chromaticities: x and y of white, red, green and blue.
        gamma: the stored values are light to this power; None for sRGB's curve.
        unknown: the name of a statement that is not supported, e.g. "PNG colours with a transfer of 16".
    """

    profile: bytes = NO_PROFILE
    chromaticities: tuple[float, ...] = ()
    gamma: float | None = None
    unknown: str = ""


SRGB = ColourTags()

ADOBE_RGB = ColourTags(chromaticities=_ADOBE_PRIMARIES, gamma=256 / 563)
"""Adobe RGB (1998), section 4.3."""


def png_colours(chunks: Mapping[bytes, bytes]) -> ColourTags:
    """Return what a PNG's chunks say; the strongest statement counts (PNG, third edition, 4.3).

    Args:
        chunks: payloads of the chunks cICP, iCCP, sRGB, gAMA and cHRM that the file has.
    """
    if len(chunks.get(b"cICP", b"")) == 4:
        primaries, transfer, matrix, full_range = chunks[b"cICP"]
        if matrix or full_range != 1:
            return ColourTags(unknown="PNG colours that are stored as a video's")
        return coded_colours(primaries, transfer, "PNG")
    if b"iCCP" in chunks:
        return ColourTags(profile=_inflated(chunks[b"iCCP"].partition(b"\0")[2][1:]))
    if b"sRGB" in chunks:
        return SRGB
    gamma = struct.unpack(">I", chunks[b"gAMA"])[0] / 1e5 if len(chunks.get(b"gAMA", b"")) == 4 else 0
    points = struct.unpack(">8I", chunks[b"cHRM"]) if len(chunks.get(b"cHRM", b"")) == 32 else ()
    is_usual = gamma == 0 or abs(gamma - _SRGB_GAMMA) < _GAMMA_SLACK
    return ColourTags(chromaticities=tuple(value / 1e5 for value in points), gamma=None if is_usual else gamma)


def png_colour_chunks(tags: ColourTags) -> dict[bytes, bytes]:
    """Return chunks of a PNG, by type, that say what tags without a profile say; see `png_colours`."""
    if tags.unknown:
        return {b"cICP": bytes((_UNSPECIFIED, _UNSPECIFIED, 0, 1))}
    chunks = {} if tags.gamma is None else {b"gAMA": struct.pack(">I", round(1e5 * tags.gamma))}
    if tags.chromaticities:
        chunks[b"cHRM"] = struct.pack(">8I", *(round(1e5 * value) for value in tags.chromaticities))
    return chunks


def coded_colours(primaries: int, transfer: int, kind: str) -> ColourTags:
    """Return what codes of ITU-T H.273 say.

    Args:
        primaries, transfer: the codes.
        kind: the format that has them, for messages.
    """
    if primaries not in PRIMARIES or transfer not in (*_SRGB_TRANSFERS, *_GAMMAS):
        return ColourTags(unknown=f"{kind} colours of primaries {primaries} and transfer {transfer}")
    return ColourTags(chromaticities=PRIMARIES[primaries], gamma=_GAMMAS.get(transfer))


def _inflated(stored: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stored, _MOST_PROFILE_BYTES)
    except zlib.error:
        return _BROKEN_PROFILE


def to_srgb(pixels: np.ndarray, tags: ColourTags, *, gray: bool = False, inks: bool = False) -> np.ndarray:
    """Convert colours to sRGB, and note it; colours of a space that is not supported are noted and stay.

    Args:
        pixels: ``[H, W, 3]`` RGB, uint8 or uint16.
        tags: what the file says about them.
        gray: the three channels are equal, and stay so.
        inks: they were inks, and `inks_to_srgb` has done what can be done.

    Returns:
        ``[H, W, 3]`` of the same dtype; `pixels` itself where the file's space is sRGB.
    """
    if tags == SRGB or (inks and tags.profile[16:20] == b"CMYK"):
        return pixels
    if tags.unknown:
        note(f"read as sRGB in spite of {tags.unknown}")
        return pixels
    try:
        profile, name = _profile(tags)
        space = profile[16:20]
        if space in _OTHER_SPACES or (space == b"GRAY" and not gray) or inks:
            note(f"read as sRGB, because the colour profile is for {space.decode().strip()}")
            return pixels
        if _is_srgb(profile):
            return pixels
        converted = _transformed(pixels[..., 0] if space == b"GRAY" else pixels, profile)
    except (RuntimeError, ValueError, TypeError):  # littlecms's error is a RuntimeError
        note("read as sRGB, because the colour profile is damaged")
        return pixels
    note(f"converted from {name} to sRGB")
    return np.repeat(converted[..., 1:2], 3, axis=2) if gray else converted


def inks_to_srgb(inks: np.ndarray, profile: bytes) -> np.ndarray | None:
    """Convert inks to sRGB by their profile, and note it; None without a profile for inks, or if it is damaged.

    Args:
        inks: ``[H, W, 4]`` cyan, magenta, yellow and black, uint8 or uint16; 0 is no ink.
        profile: an ICC profile, or nothing.
    """
    if profile[16:20] != b"CMYK":
        return None
    try:
        name, converted = _description(profile), _transformed(inks, profile)
    except (RuntimeError, ValueError, TypeError):
        note("read without the colour profile, which is damaged")
        return None
    note(f"converted from {name} to sRGB")
    return converted


def usable_profile(tags: ColourTags) -> bytes:
    """Return the ICC profile of RGB colours; empty where there is none, or a damaged one or one for other colours."""
    if tags.profile[16:20] != b"RGB ":
        return NO_PROFILE
    try:
        _is_srgb(tags.profile)
    except (RuntimeError, ValueError, TypeError):
        return NO_PROFILE
    return tags.profile


@lru_cache(maxsize=16)
def _profile(tags: ColourTags) -> tuple[bytes, str]:
    """Return an ICC profile of the tags, and its name for messages."""
    import imagecodecs

    if tags.profile:
        return tags.profile, _description(tags.profile)
    points = tags.chromaticities or PRIMARIES[1]
    levels = np.linspace(0, 1, 4096)
    curve = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    shape = {"transferfunction": curve.astype(np.float32)} if tags.gamma is None else {"gamma": 1 / tags.gamma}
    name = _NAMES.get(points, "other primaries")
    return (
        bytes(imagecodecs.cms_profile("rgb", whitepoint=points[:2], primaries=points[2:], **shape)),
        name if tags.gamma is None or tags == ADOBE_RGB else f"{name} with a gamma of {tags.gamma:.3g}",
    )


def _description(profile: bytes) -> str:
    from PIL import ImageCms

    try:
        text = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (OSError, ImageCms.PyCMSError):
        text = ""
    return "".join(letter for letter in text.strip()[:40] if letter.isprintable()) or "a nameless colour space"


@lru_cache(maxsize=16)
def _is_srgb(profile: bytes) -> bool:
    """Return whether the conversion of colours from all over the space changes them no more than rounding does."""
    levels = np.linspace(0, 255, 18).astype(np.uint8)
    if profile[16:20] == b"GRAY":
        colours, wanted = levels[None], np.repeat(levels[None, :, None], 3, axis=2)
    else:
        colours = wanted = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(18, -1, 3)
    return int(np.abs(_transformed(colours, profile).astype(int) - wanted).max()) <= _SAME


def _transformed(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """Return pixels ``[H, W, 3]``, gray ``[H, W]`` or inks ``[H, W, 4]`` as sRGB ``[H, W, 3]``."""
    import imagecodecs

    return np.asarray(
        imagecodecs.cms_transform(
            np.ascontiguousarray(pixels),
            profile,
            imagecodecs.cms_profile("srgb"),
            colorspace="gray" if pixels.ndim == 2 else "rgb" if pixels.shape[2] == 3 else "cmyk",
            outcolorspace="rgb",
            intent=_RELATIVE_COLORIMETRIC,
            flags=_EXACT if pixels.dtype == np.uint16 else 0,
        )
    )
