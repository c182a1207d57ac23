"""Channel statistics of a multi-scale set in tars, from the sums that `patina prepare` puts beside every picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from patina.imaging.channel_statistics import ChannelStatistics, StatisticsAccumulator
from patina.system import tar_index
from patina.system.stored_files import key_of, store_of
from patina.system.tar_index import read_member
from patina.system.typed_values import Malformed, parsed_object, typed

_Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class _Sums:
    """Sums of a picture at one scale, in 16-bit units, see `StatisticsAccumulator`."""

    pixels: _Count
    sums: tuple[_Count, _Count, _Count]
    squares: tuple[_Count, _Count, _Count]


def stored_statistics(pictures: Sequence[Path]) -> ChannelStatistics | None:
    """Return the statistics of pictures ``key.8x.png`` in tars, by ``sums`` in ``key.json``.

    Returns:
        None if a picture has no such sums; then all are measured.
    """
    total = StatisticsAccumulator()
    try:
        for path in pictures:
            sums = _sums(path)
            if sums is None:
                return None
            total.merge(StatisticsAccumulator(sums.pixels, sums.sums, sums.squares))
        return total.result()
    except (OSError, ValueError):
        return None


def _sums(path: Path) -> _Sums | None:
    stored = store_of(path)
    if stored is None or stored[0].suffix != tar_index.SUFFIX:
        return None
    key = key_of(stored[1])
    scale = stored[1][len(key) + 1 :].partition("x")[0]
    try:
        described = parsed_object(read_member(stored[0], f"{key}.json").decode())
        return typed(dict[str, _Sums], described.get("sums")).get(scale)
    except Malformed:
        return None
