"""A warning where generated images have other average colours than the clean ones that they were made from."""

from collections.abc import Sequence

import numpy as np

LARGEST_SHIFT = 3.0
"""Difference of average colours, in grey levels of 255, that no sensor or codec explains by itself."""


def colour_shift_warning(shift: Sequence[float] | np.ndarray, whose: str, is_matched: bool) -> str | None:
    """Describe a shift of average colours if it is large.

    Args:
        shift: R, G, B of the generated images minus those of the clean ones, in grey levels of 255.
        whose: the images, for the sentence, e.g. ``"translated images"``.
        is_matched: whether `data.match_statistics` made the images, so that it can be turned off.

    Returns:
        One sentence; None for shifts up to `LARGEST_SHIFT`.
    """
    values = np.asarray(shift, np.float64)
    if float(np.abs(values).max()) <= LARGEST_SHIFT:
        return None
    red, green, blue = (f"{value:+.0f}" for value in values)
    advice = "set data.match_statistics to false, or " if is_matched else ""
    return (
        f"the average colours of {whose} differ from the clean images' by {red}, {green} and {blue} levels (R, G, B); "
        f"unless this cast belongs to the degradation, {advice}choose sets that show similar subjects"
    )
