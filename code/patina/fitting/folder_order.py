"""Detects swapped folders from the measures of the clean pictures and the photos, before a fit and after it."""

from collections.abc import Mapping, Sequence

from patina.fitting.agreement import Agreement, is_poor

_MUCH_NOISIER, _NOISIER = 1.0, 0.15
"""Differences of log variances in quiet places."""

_WIDER, _LESS_DETAIL = 0.1, -0.2
"""Differences of edge widths in pixels (two directions, summed), and of log energies of mid frequencies where there is
much detail."""


def are_swapped(excess: Mapping[str, float]) -> bool:
    """Whether the clean pictures look like the degraded ones: noisier, and no sharper or even blurrier.

    Photos may have less noise than grainy clean pictures, because they are blurred or compressed; but then they do not
    have more detail as well.

    Args:
        excess: mean measures of the clean pictures, as large as the photos, less those of the photos.
    """
    wider = _wider(excess)
    noisier_not_sharper = excess["y.variance"] > _MUCH_NOISIER and wider > 0
    blurrier = wider > _WIDER and excess["y.1x.q90"] < _LESS_DETAIL
    return noisier_not_sharper or (blurrier and excess["y.0x.q10"] > _NOISIER)


def order_to_check(excess: Mapping[str, float], agreed: Sequence[Agreement]) -> str:
    """Ask whether the folders are swapped, where a fit ran but matches few properties; an empty text otherwise.

    Swapped folders that `are_swapped` lets pass (at scale 2 and more, downscaling sharpens noisy photos and takes noise
    away) end in such a fit. If the clean pictures look like the degraded ones, it asks even if half of the properties
    match; if they look like the clean ones, it does not ask.

    Args:
        excess: as in `are_swapped`.
        agreed: of the fitted pictures.
    """
    signs = [sign for sign, is_seen in _signs(excess).items() if is_seen]
    matched = sum(agreement.is_close for agreement in agreed)
    asks = matched <= len(agreed) / 2 if signs else is_poor(agreed) and not _look_right(excess)
    if not asks:
        return ""
    return f"Check that the clean images come first, then the photos{': ' if signs else ''}{' and '.join(signs)}."


def _signs(excess: Mapping[str, float]) -> dict[str, bool]:
    """Return what a user is told of clean pictures that look degraded, and whether it is so."""
    noisier = min(excess["y.variance"], excess["y.0x.q10"]) > _NOISIER
    return {
        "the smooth places of the clean images are noisier than the photos'": noisier,
        "the edges of the clean images are softer than the photos'": _wider(excess) > _WIDER,
    }


def _look_right(excess: Mapping[str, float]) -> bool:
    """Whether the clean pictures are less noisy than the photos, and sharper."""
    return max(excess["y.variance"], excess["y.0x.q10"]) < -_NOISIER and _wider(excess) < -_WIDER


def _wider(excess: Mapping[str, float]) -> float:
    return excess["edge.width0"] + excess["edge.width2"]
