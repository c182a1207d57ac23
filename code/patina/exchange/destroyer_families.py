"""Degradations that wtp_dataset_destroyer and PepeDD share: blur, compression, dithering, halos."""

import math
from collections.abc import Iterable, Sequence

from patina.exchange.conversion import Block
from patina.exchange.destroyer_chain import DestroyerChain
from patina.exchange.recipe_parts import (
    DITHERS,
    LARGEST_KERNEL,
    VIDEO_CODECS,
    gaussian,
    names_or_name,
    odd_side,
    quality,
    span,
    tidy,
    video,
)
from patina.exchange.sections import Section

Ends = tuple[float, float]

_SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1")
SUBSAMPLINGS = {name: name for name in _SUBSAMPLINGS} | {name.replace(":", ""): name for name in _SUBSAMPLINGS}


def ranges(section: Section, kinds: Sequence[str], common: str, own: str, default: Ends) -> dict[str, Ends]:
    """Return a range for each kind: its own, or the common one.

    Args:
        section: the degradation.
        kinds: the kinds it draws from.
        common: key of the range for all kinds.
        own: key of the mapping with ranges by kind.
        default: the common range if there is none.
    """
    everywhere = section.ends(common, default)
    by_kind = section.section(own)
    found = {kind: by_kind.ends(kind, everywhere) if by_kind else everywhere for kind in kinds}
    if by_kind:
        by_kind.skip(*by_kind)
    return found


def lens_like_blur(kind: str, low: float, high: float, section: Section, key: str) -> Block | None:
    """Return the blur of a kind that both tools define alike; None if it has no counterpart."""
    if kind == "box":
        if not (low.is_integer() and high.is_integer()):
            section.differs(key, "box: whole radii only")
        return {"box_blur": {"size": [odd_side(2 * math.floor(low)), odd_side(2 * math.ceil(high))]}}
    if kind == "gauss":
        return gaussian((low, high))
    if kind == "lens":
        return {"lens_blur": {"radius": span(low, min(high, 100.0))}}
    section.lost(key, what=kind)
    return None


def motion_blur(section: Section, size: Ends, angle: Ends) -> Block:
    """Return a motion blur by the keys that both tools have."""
    lengths, angles = section.ends("motion_size", size), section.ends("motion_angle", angle)
    return {"motion_blur": {"length": span(*lengths), "angle": span(*angles)}}


def median_blur(low: float, high: float) -> Block:
    """Return a median over windows of odd sides."""
    return {"median_blur": {"size": [odd_side(low), min(LARGEST_KERNEL, odd_side(high))]}}


def compression(section: Section, chain: DestroyerChain, *, common: str, default: Ends, samplings: str) -> list[Block]:
    """Convert compression.

    Args:
        section: the degradation.
        chain: the chain it is in.
        common: key of the range for all codecs.
        default: the range if there is none.
        samplings: key of JPEG's subsamplings.
    """
    kinds = section.names("algorithm")
    ends = ranges(section, kinds, common, "target_compress", default)
    found: list[Block] = []
    for kind in kinds:
        low, high = ends[kind]
        if kind == "jpeg":
            found.append({"jpeg": {"quality": quality(low, high), **_jpeg_subsampling(section, samplings)}})
        elif kind == "webp":
            found.append({"webp": {"quality": quality(low, high)}})
        elif kind in VIDEO_CODECS:
            found.append(video(VIDEO_CODECS[kind], low, high))
        elif kind == "avif":  # by AV1's crf, not by a quality
            found.append(video("av1", low, high))
        elif kind == "j2000":  # hundredths of the pixels' size
            ratio = [tidy(100 / max(0.05, end)) for end in (high, low)]
            found.append({"jpeg2000": {"ratio": [max(1, end) for end in ratio]}})
        else:
            section.lost("algorithm", what=kind)
    section.skip(samplings)
    return found


def _jpeg_subsampling(section: Section, key: str) -> Block:
    names = section.names(key, [])
    for name in names:
        if name not in SUBSAMPLINGS:
            section.remarks.lost(f"{section.named(key)} {name}", section.line_of(key))
    known = [SUBSAMPLINGS[name] for name in names if name in SUBSAMPLINGS]
    return {"subsampling": names_or_name(known)} if known else {}


def dither_names(section: Section, key: str, default: list[str] | None = None) -> list[tuple[str, str]]:
    """Return the kinds of dithering that have a counterpart: their name there, and here; "order" has none."""
    found: list[tuple[str, str]] = []
    for name in section.names(key, default):
        ours = DITHERS.get(name.lower().replace("_", ""), "order" if name == "order" else None)
        if ours is None:
            section.remarks.lost(f"{section.named(key)} {name}", section.line_of(key))
        else:
            found.append((name, ours))
    return found


def dither_settings(section: Section, dithers: Iterable[str]) -> Block:
    """Return the settings of Riemersma's dithering, where it is one of the kinds; `dithers` are ours."""
    if "riemersma" not in dithers:
        section.skip("history", "ratio")
        return {}
    (first, last), ratio = section.ends("history", (10, 15)), section.ends("ratio", (0.1, 0.9))
    history = [min(1000, max(2, int(end))) for end in (first, last)]
    return {"history": history, "ratio": span(*(min(0.999, max(0.001, end)) for end in ratio))}


def halo(width: Ends, amount: Ends, threshold: Ends = (0, 0), **kinds: object) -> Block:
    """Return a halo in kinds of its own; `width` in pixels, `threshold` in grey levels."""
    limits = span(max(0.05, width[0]), min(50.0, max(0.05, width[1])))
    limited = {} if threshold == (0, 0) else {"threshold": span(threshold[0], min(255.0, threshold[1]))}
    return {"halo": {**kinds, "width": limits, "amount": span(*amount), **limited}}


def unsharp_mask(sigma: Ends, amount: Ends, threshold: Ends) -> Block:
    """Return a halo; `sigma` in pixels, `threshold` in grey levels."""
    return {
        "unsharp_mask": {
            "sigma": span(max(0.05, sigma[0]), min(50.0, max(0.05, sigma[1]))),
            "amount": span(*amount),
            "threshold": span(threshold[0], min(255.0, threshold[1])),
        }
    }
