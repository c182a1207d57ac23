"""The choice among families: the simplest explanation of the photos that is as good as any other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from patina.fitting.search import Search, SynthesisMatch
from patina.seeding import derive

WORTH_MORE = 0.6
"""Optional numbers are taken if they bring the misfit below this fraction of what it was without any, in whatever
family: the more numbers there are, the more they imitate."""

CLOSER = 0.75
"""Another family is taken if its misfit is below this fraction of that of the ones before, without optional numbers.

On 22 simulated cameras, families that hold the camera's form came to at most 0.64 of the misfit of `camera`. Those that
do not came to 0.9 or more.
"""

CLEARLY = 0.85
"""The end of a search that was begun again is taken if its misfit is below this fraction of the first one's."""

PROMISING = 0.9
"""A later family is searched on with its optional numbers if its misfit is below this fraction of the best one's: it
has to come to `WORTH_MORE`, and most optional numbers are the first family's, too."""

HOPELESS = 3.0
"""The first family is not searched on if its misfit is so many times the best one's."""


@dataclass(frozen=True)
class _Start:
    """A family's search without its optional numbers.

    Attributes:
        search: the search.
        found: its end.
        again: the end of the same search with other draws, if there was one.
    """

    search: Search
    found: SynthesisMatch
    again: SynthesisMatch | None = None

    def closer_end(self) -> SynthesisMatch:
        """Return the end that is taken, by the first one's precision."""
        return self.found if self.again is None else _clearly_closer(self.search, self.found, [self.again])


def best_match(searches: Sequence[Search]) -> SynthesisMatch:
    """Find the numbers that explain the photos.

    The families are tried in their order without their optional numbers until one explains the photos; then, unless
    that is a later one, those that were tried, in the same order, with them. The closest match is taken; a later one
    must be clearly closer than an earlier one, because blur and noise imitate most other degradations.

    A search may end in a side valley. Where one nearly explains the photos, and where none does in the end, it is begun
    again with other draws, and the better end is taken.

    Args:
        searches: one for each family, on the same photos; at least one.
    """
    tried = [_start(searches[0])]
    best = tried[0].closer_end()
    for search in searches[1:]:
        if search.explains(best):
            break
        tried.append(_start(search, best))
        best = _closer(search, best, tried[-1].closer_end(), CLOSER)
    if best.family != searches[0].family and searches[0].explains(best):
        return best
    for start in tried:
        search, found = start.search, start.closer_end()
        if search.has_optional and _is_promising(start, best, is_first=start is tried[0]):
            best = _closer(search, best, search.match_all(found), WORTH_MORE)
        if search.explains(best):
            return best
    return _better_end(next(start for start in tried if start.search.family == best.family), best)


def _start(search: Search, best: SynthesisMatch | None = None) -> _Start:
    found = search.match_simple(best)
    if search.is_trial or search.explains(found) or not search.nearly_explains(found):
        return _Start(search, found)
    return _Start(search, found, _begun_again(search).match_simple(best))


def _begun_again(search: Search) -> Search:
    return replace(search, seed=derive(search.seed, "begun again"))


def _better_end(start: _Start, best: SynthesisMatch) -> SynthesisMatch:
    """Search a family again from the start; return that end if it is clearly closer to the photos.

    A second start without optional numbers that ends no closer than the first one did is not searched on with them.
    """
    search = start.search
    if search.is_trial:
        return best
    again = _begun_again(search)
    simple = start.again or again.match_simple()
    first = search.misfit(start.closer_end(), best.precision)
    if search.has_optional and search.misfit(simple, best.precision) <= first:
        return _clearly_closer(search, best, [simple, again.match_all(simple)])
    return _clearly_closer(search, best, [simple])


def _clearly_closer(search: Search, best: SynthesisMatch, ends: Sequence[SynthesisMatch]) -> SynthesisMatch:
    """Return the closest of other ends of a family's searches if it is clearly closer than the best so far."""
    misfits = [search.misfit(end, best.precision) for end in ends]
    return ends[misfits.index(min(misfits))] if min(misfits) < CLEARLY * search.misfit(best, best.precision) else best


def _closer(search: Search, best: SynthesisMatch, other: SynthesisMatch, limit: float) -> SynthesisMatch:
    """Return another match if its misfit is below a fraction of the best one's, else the best one."""
    precision = other.precision
    return other if search.misfit(other, precision) < limit * search.misfit(best, precision) else best


def _is_promising(start: _Start, best: SynthesisMatch, *, is_first: bool) -> bool:
    """Whether a family's optional numbers may bring it closer to the photos than the best match so far."""
    search, found = start.search, start.closer_end()
    if is_first:
        return search.misfit(found, best.precision) <= HOPELESS * search.misfit(best, best.precision)
    return found is best or _closer(search, best, found, PROMISING) is found
