"""The choice among families: the simplest explanation of the photos that is as good as any other."""

from collections.abc import Sequence

from patina.fitting.search import Search, SynthesisMatch

WORTH_MORE = 0.6
"""Another explanation is taken if it brings the misfit below this fraction of what it was."""

HOPELESS = 3.0
"""A family whose misfit is so many times the best one's is not searched on with its optional numbers."""


def best_match(searches: Sequence[Search]) -> SynthesisMatch:
    """Find the numbers that explain the photos.

    The families are tried until one explains the photos: in their order without their optional numbers, and then, the
    closest first, with them. Otherwise the closest one is taken; a later one must be clearly closer than an earlier
    one, because blur and noise imitate most of what others do.

    Args:
        searches: one for each family, on the same photos; at least one.
    """
    simple = [searches[0].match_simple()]
    best = simple[0]
    for search in searches[1:]:
        if search.explains(best):
            return best
        simple.append(search.match_simple())
        best = _closer(search, best, simple[-1])
    for search, found in sorted(zip(searches, simple, strict=True), key=lambda pair: pair[1].distance):
        if search.explains(best):
            return best
        if search.has_optional and not _is_hopeless(search, best, found):
            best = _closer(search, best, search.match_all(found))
    return best


def _closer(search: Search, best: SynthesisMatch, other: SynthesisMatch) -> SynthesisMatch:
    precision = other.precision
    return other if search.misfit(other, precision) < WORTH_MORE * search.misfit(best, precision) else best


def _is_hopeless(search: Search, best: SynthesisMatch, other: SynthesisMatch) -> bool:
    return search.misfit(other, best.precision) > HOPELESS * search.misfit(best, best.precision)
