"""What experiments print: the step they are at, and means over seeds with their spread."""

import sys

import numpy as np


def say(text: str) -> None:
    """Print a line about the current work to standard error."""
    print(text, file=sys.stderr, flush=True)


def spread(values: np.ndarray, digits: int) -> str:
    """Return the mean and, where the values differ, their standard deviation."""
    if np.ptp(values) == 0:
        return f"{values.mean():.{digits}f}"
    return f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}"
