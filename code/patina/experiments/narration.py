"""How experiments print means over seeds with their spread."""

import numpy as np


def spread(values: np.ndarray, digits: int) -> str:
    """Return the mean and, where the values differ, their standard deviation."""
    if np.ptp(values) == 0:
        return f"{values.mean():.{digits}f}"
    return f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}"
