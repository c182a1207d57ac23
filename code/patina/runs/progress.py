"""The progress bar of every long job, silent when standard error is not a terminal."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
_silenced = False


def progress(
    items: Iterable[T], description: str, *, total: int | None = None, unit: str = "picture", initial: int = 0
) -> tqdm:
    """Wrap `items` in a progress bar on standard error; `total` where `items` has no length."""
    return tqdm(
        items,
        desc=description,
        total=total,
        unit=unit,
        initial=initial,
        disable=_silenced or not sys.stderr.isatty(),
        dynamic_ncols=True,
    )


def silence_progress() -> None:
    """Show no more bars in this process, because several processes share one terminal."""
    global _silenced
    _silenced = True
