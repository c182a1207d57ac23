"""What a fit does not explain, in plain words."""

import numpy as np
import pytest

from patina.fitting.agreement import GROUPS, Agreement, agreements
from patina.fitting.discrepancies import MEANINGS, discrepancies
from patina.fitting.measures import measure
from patina.fitting.quantities import QUANTITIES, MeasuredSets, as_arrays, noise_std, overshoot


@pytest.fixture(scope="module")
def names() -> tuple[str, ...]:
    pixels = np.random.default_rng(0).normal(128, 5, (64, 64, 3)).astype(np.float32)
    return tuple(measure([pixels]))


def measured(names, count=12, **means: float) -> np.ndarray:
    """Return measures that vary by a hundredth around given means, 0 for others."""
    values = np.random.default_rng(3).normal(0, 0.01, (count, len(names)))
    values -= values.mean(axis=0)
    for name, mean in means.items():
        values[:, names.index(name.replace("__", "."))] += mean
    return values


class TestDiscrepancies:
    def compared(self, names, photos, fitted):
        sets = MeasuredSets(names, photos, fitted, fitted)
        agreed = agreements(names, photos, fitted)
        return {found.agreement.group: found for found in discrepancies(agreed, agreed, sets, ["camera"])}

    def test_an_unexplained_group_is_told_with_both_numbers_and_advice(self, names):
        photos, fitted = measured(names, edge__over=0.09), measured(names, edge__over=0.012)
        found = self.compared(names, photos, fitted)["halos at edges"]
        told = "Real edges overshoot by 9.0 % of their height on their bright side, fitted ones by 1.2 %. "
        assert found.sentence.startswith(f"{told}Distance from the photos by all measures of this property: ")
        assert "--learn deflow" in found.advice
        assert found.grade == "far"

    def test_a_close_group_needs_no_advice(self, names):
        photos = measured(names)
        found = self.compared(names, photos, photos[::-1].copy())
        assert {entry.advice for entry in found.values()} == {""}
        assert {entry.grade for entry in found.values()} == {"close"}

    def test_the_quantity_that_differs_is_told(self, names):
        photos, fitted = measured(names, edge__under=0.2), measured(names)
        assert "on their dark side" in self.compared(names, photos, fitted)["halos at edges"].sentence

    def test_clean_pictures_that_show_more_than_the_photos_are_named(self, names):
        photos, clean = measured(names, edge__over=0.03), measured(names, edge__over=0.1)
        found = self.compared(names, photos, clean)["halos at edges"]
        assert "the clean images have more of this by themselves (10.0)" in found.advice
        assert "--learn" not in found.advice

    def test_clean_pictures_too_small_to_shrink_are_not_to_be_shrunk(self, names):
        photos, clean = measured(names, edge__over=0.03), measured(names, edge__over=0.1)
        agreed, sets = agreements(names, photos, clean), MeasuredSets(names, photos, clean, clean)
        for can_shrink in (True, False):
            advice = [found.advice for found in discrepancies(agreed, agreed, sets, [], can_shrink=can_shrink)]
            assert any("shrink" in words for words in advice) == can_shrink

    def test_equal_numbers_come_with_the_distance_by_all_measures(self, names):
        photos, fitted = measured(names, y__2d__q10=0), measured(names)
        agreed = [Agreement("edge sharpness", 9.0, 1.0)]
        sets = MeasuredSets(names, photos, photos, fitted)
        (found,) = discrepancies(agreed, [Agreement("edge sharpness", 20.0, 1.0)], sets, ["camera"])
        assert found.sentence.endswith(
            "Distance from the photos by all measures of this property: 9.0 (chance alone: 1; one half of the photos "
            "from the other: 1.0)."
        )
        assert found.grade == "closer"

    def test_clean_pictures_that_are_closer_than_fitted_ones_are_told(self, names):
        photos, fitted = measured(names, y__2d__q10=0), measured(names)
        sets = MeasuredSets(names, photos, photos, fitted)
        agreed, plain = [Agreement("noise strength", 9.0, 1.0)], [Agreement("noise strength", 4.0, 1.0)]
        (found,) = discrepancies(agreed, plain, sets, ["camera"])
        assert "The clean images as they are come closer (4.0)" in found.sentence

    def test_clean_pictures_that_are_closer_are_told_of_a_property_that_matches_too(self, names):
        photos = measured(names)
        sets = MeasuredSets(names, photos, photos, photos)
        agreed, plain = [Agreement("halos at edges", 1.4, 1.1)], [Agreement("halos at edges", 0.9, 1.1)]
        (found,) = discrepancies(agreed, plain, sets, ["camera"])
        assert (found.grade, found.advice) == ("close", "")
        assert found.sentence.endswith("though the clean images as they are come closer (0.9 instead of 1.4).")
        (found,) = discrepancies(plain, agreed, sets, ["camera"])
        assert "come closer" not in found.sentence

    def test_every_group_has_words(self):
        assert set(MEANINGS) == set(GROUPS) == {quantity.group for quantity in QUANTITIES}

    def test_noise_of_a_family_with_a_mosaic_names_the_other_family(self, names):
        photos, fitted = measured(names, y__variance=3), measured(names)
        sets, agreed = MeasuredSets(names, photos, fitted, fitted), [Agreement("noise strength", 9.0, 1.0)]
        (found,) = discrepancies(agreed, agreed, sets, ["raw-camera"])
        assert "-recipe camera" in found.advice


def test_quantities_are_in_units_that_people_know(names):
    pixels = np.random.default_rng(1).normal(128, 6, (128, 128, 1)).repeat(3, axis=2).astype(np.float32)
    found = as_arrays(measure([pixels]))
    assert noise_std(found) == pytest.approx(6, rel=0.08)
    values = {quantity.key: float(quantity.value(found)) for quantity in QUANTITIES}
    assert values["channel_correlation"] == pytest.approx(100, abs=2)
    assert abs(values["noise_correlation_1"]) < 6
    assert values["colour_noise_std"] < 0.5
    assert np.isfinite(list(values.values())).all()
    assert overshoot(found).shape == ()
