"""What a reader did to single pictures, told once for a whole command: notes that its job collects and counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_collector: ContextVar[list[str] | None] = ContextVar("collector", default=None)


def note(text: str) -> None:
    """Add a note about the picture being read, e.g. "converted from Display P3 to sRGB"; without a collector, nothing.

    Args:
        text: continues a sentence that begins with "2 pictures were".
    """
    if (notes := _collector.get()) is not None and text not in notes:
        notes.append(text)


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect the notes of this thread in a list, each once."""
    notes: list[str] = []
    token = _collector.set(notes)
    try:
        yield notes
    finally:
        _collector.reset(token)
