"""The progress of every long job: a bar, or lines of numbers where standard error is not a terminal."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")
_silenced = False


def progress(
    items: Iterable[T], description: str, *, total: int | None = None, unit: str = "picture", initial: int = 0
) -> "tqdm[T]":
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


def show_numbers(bar: "tqdm[Any]", where: str, numbers: Mapping[str, float]) -> None:
    """Show numbers beside a bar, or where there is none in a line; it begins with `where`, the job and its step."""
    if not bar.disable:
        bar.set_postfix(_shown(numbers), refresh=False)
    else:
        tell_numbers(bar, where, numbers)


def tell_numbers(bar: "tqdm[Any]", where: str, numbers: Mapping[str, float]) -> None:
    """Print numbers as a line that stays, above the bar where there is one."""
    if not _silenced:
        listed = ", ".join(f"{name} {value}" for name, value in _shown(numbers).items())
        bar.write(f"{where}: {listed}", file=sys.stderr)
        sys.stderr.flush()


def _shown(numbers: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.4g}" for name, value in numbers.items()}


def silence_progress() -> None:
    """Show no more bars, nor numbers, in this process, because several processes share one terminal."""
    global _silenced
    _silenced = True
