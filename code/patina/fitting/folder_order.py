"""Detects swapped folders from the measures of the clean pictures and the photos."""

from collections.abc import Mapping

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
    wider = excess["edge.width0"] + excess["edge.width2"]
    noisier_not_sharper = excess["y.variance"] > _MUCH_NOISIER and wider > 0
    blurrier = wider > _WIDER and excess["y.1x.q90"] < _LESS_DETAIL
    return noisier_not_sharper or (blurrier and excess["y.0x.q10"] > _NOISIER)
