"""Which explanation is taken: the first good one, or the clearly closest."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from patina.fitting.family_choice import best_match


@dataclass(frozen=True)
class Match:
    """A match with a misfit."""

    name: str
    misfit: float
    precision: np.ndarray = field(default_factory=lambda: np.eye(1))

    @property
    def distance(self) -> float:
        return self.misfit

    @property
    def family(self) -> str:
        return self.name.split()[0]


@dataclass
class FakeSearch:
    """A family whose matches have known misfits; below 1 they explain the photos."""

    name: str
    simple: float
    full: float | None = None
    seed: int = 0
    rounds: int = 9
    again: float = 9.0
    """Misfit of a search with other draws."""
    asked: list[str] = field(default_factory=list)
    rivals: list[str | None] = field(default_factory=list)

    @property
    def has_optional(self) -> bool:
        return self.full is not None

    @property
    def family(self) -> str:
        return self.name

    def match_simple(self, rival: Match | None = None) -> Match:
        self.rivals.append(rival and rival.name)
        self.asked.append("simple" if self.seed == 0 else "again")
        return Match(f"{self.name} simple", self.simple if self.seed == 0 else self.again)

    def match_all(self, simple: Match) -> Match:
        assert simple.name == f"{self.name} simple"
        self.asked.append("all" if self.seed == 0 else "all again")
        return Match(f"{self.name} all", self.full if self.seed == 0 else self.again)

    def explains(self, found: Match) -> bool:
        return found.misfit < 1

    def nearly_explains(self, found: Match) -> bool:
        return found.misfit < 1.5

    @property
    def is_trial(self) -> bool:
        return self.rounds == 1

    def misfit(self, match: Match, precision: np.ndarray) -> float:
        return match.misfit


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0.9, 0.8), (0.1, 0.1), "first simple"),
        ((0.9, 0.1), (0.1, 0.1), "first all"),
        ((5, 0.1), (0.9, 0.8), "second simple"),
        ((5, 2), (4, 3), "first all"),
        ((5, 4), (4, 2), "second all"),
        ((5, 4), (4, 3.9), "first simple"),
        ((5, 4), (4, 3.2), "first simple"),
        ((5, 4), (4, 2.9), "second all"),
        ((5, None), (2, None), "second simple"),
        ((5, None), (4, None), "first simple"),
        ((5, None), (3.6, None), "second simple"),
        ((5, 3.6), (9, None), "first simple"),
    ],
)
def test_the_first_good_explanation_or_the_clearly_closest(first, second, expected):
    searches = [FakeSearch("first", *first), FakeSearch("second", *second)]
    assert best_match(searches).name == expected


def test_what_is_explained_is_not_searched_on():
    searches = [FakeSearch("first", 0.5, 0.4), FakeSearch("second", 0.1, 0.1)]
    best_match(searches)
    assert [search.asked for search in searches] == [["simple", "all"], []]
    searches = [FakeSearch("first", 1.6, 0.1), FakeSearch("second", 0.9, 0.1)]
    assert best_match(searches).name == "second simple"
    assert [search.asked for search in searches] == [["simple"], ["simple"]]
    searches = [FakeSearch("first", 5, 0.1), FakeSearch("second", 2, 0.1)]
    assert best_match(searches).name == "first all"  # the simpler family first, though the other one is closer
    assert [search.asked for search in searches] == [["simple", "all"], ["simple"]]


def test_a_family_that_is_far_off_is_not_searched_on():
    searches = [FakeSearch("first", 5, 4), FakeSearch("second", 4.6, 0.1)]
    assert best_match(searches).name == "first simple"
    assert [search.asked for search in searches] == [["simple", "all", "again"], ["simple"]]
    searches = [FakeSearch("first", 5, 0.1), FakeSearch("second", 1.6, 1.5)]
    assert best_match(searches).name == "second simple"
    assert [search.asked for search in searches] == [["simple"], ["simple", "all", "again"]]


def test_every_family_is_measured_by_the_best_before_it():
    searches = [FakeSearch("first", 5), FakeSearch("second", 3), FakeSearch("third", 2.9)]
    assert best_match(searches).name == "second simple"
    assert [search.rivals for search in searches] == [[None], ["first simple", None], ["second simple"]]


def test_what_nothing_explains_is_begun_again_and_the_better_end_taken():
    for again, misfit in ((3.0, 3.0), (3.8, 4.0), (6.0, 4.0)):
        searches = [FakeSearch("first", 5, None), FakeSearch("second", 4, None, again=again)]
        searches[0].simple = 9
        found = best_match(searches)
        assert (found.name, found.misfit) == ("second simple", misfit)
        assert [search.asked for search in searches] == [["simple"], ["simple", "again"]]


def test_what_is_nearly_explained_is_begun_again_before_other_families_are_tried():
    searches = [FakeSearch("first", 1.2, None, again=0.7), FakeSearch("second", 0.2, None)]
    assert best_match(searches).misfit == 0.7
    assert [search.asked for search in searches] == [["simple", "again"], []]
    searches = [FakeSearch("first", 1.2, 1.2, again=1.1), FakeSearch("second", 5, None)]
    assert best_match(searches).misfit == 1.2  # 1.1 is not clearly closer
    assert [search.asked for search in searches] == [["simple", "again", "all", "all again"], ["simple"]]


def test_a_trial_is_not_begun_again():
    searches = [FakeSearch("first", 1.2, 1.2, rounds=1)]
    assert best_match(searches).misfit == 1.2
    assert searches[0].asked == ["simple", "all"]
