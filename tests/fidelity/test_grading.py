"""The verdicts on given distances, also where a measure is inconclusive."""

import pytest

from patina.fidelity.assessment import assess
from patina.fidelity.baselines import BASELINES, REAL
from patina.fidelity.grading import Finding
from patina.fidelity.properties import MEASURES
from patina.fidelity.reference import Reference, Scores


@pytest.fixture
def reference(pairs):
    return Reference(*pairs, paired=False, classifier_steps=1)


def graded(
    reference: Reference, key: str, own: float, real: float, noise: float, interval=(0.0, 100.0), clean=55.0
) -> Finding:
    """Return the finding for given distances of the generated set, the real set and the Gaussian baselines."""
    known = dict.fromkeys(MEASURES, 1.0)
    reference.baselines = {name: Scores(known | {key: noise}, (85, 95)) for name in BASELINES}
    reference.baselines[REAL] = Scores(known | {key: real}, (40, 60))
    reference.limits = dict.fromkeys(MEASURES, 1.5 * real) | {"classifier_accuracy": 1.0}
    reference.clean_scores = Scores({"classifier_accuracy": clean}, (clean - 5, clean + 5))
    reference.scores = lambda *_: Scores({"classifier_accuracy": 50.0, key: own}, interval)
    return next(finding for finding in assess(reference.clean, reference).findings if finding.key == key)


@pytest.mark.parametrize(
    ("own", "real", "noise", "grade"),
    [
        (1.0, 0.9, 5.0, "real"),
        (1.0, 0.9, 0.9, "real"),
        (1.3, 0.9, 0.4, "real"),
        (3.0, 0.9, 5.0, "better"),
        (4.9, 0.9, 5.0, "no better"),
        (float("nan"), 0.9, 5.0, "unclear"),
    ],
)
def test_distances(reference, own, real, noise, grade):
    assert graded(reference, "spectrum", own, real, noise).grade == grade


@pytest.mark.parametrize(
    ("accuracy", "interval", "noise", "grade"),
    [
        (52, (45, 59), 90, "real"),
        (50, (0, 100), 90, "unclear"),
        (52, (45, 59), 55, "unclear"),
        (65, (60, 70), 90, "better"),
        (40, (35, 45), 90, "real"),
    ],
)
def test_a_classifier_passes_a_set_only_if_it_could_have_failed(reference, accuracy, interval, noise, grade):
    finding = graded(reference, "classifier_accuracy", accuracy, 50.0, noise, interval)
    assert finding.grade == grade
    assert finding.intervals["generated"] == interval
    assert finding.intervals["Gaussian"] == (85, 95)


def test_a_baseline_below_chance_widens_nothing(reference):
    assert graded(reference, "classifier_accuracy", 58.0, 30.0, 90.0, (54.0, 62.0)).grade == "better"


def test_sentences_say_what_the_grade_means(reference):
    assert "a Gaussian baseline matches, too, at 0.90" in graded(reference, "spectrum", 1.0, 0.9, 0.9).sentence
    assert "Cannot be measured" in graded(reference, "spectrum", float("nan"), 1, 1).sentence
    assert "Inconclusive" in graded(reference, "classifier_accuracy", 50, 50, 90).sentence


def test_baselines_without_noise_are_called_clean_images(pairs):
    reference = Reference(*pairs[::-1], paired=False, classifier_steps=1)
    found = graded(reference, "spectrum", 1.0, 0.9, 0.9)
    assert not found.has_noise
    assert not found.noise_passes
    assert "Gaussian" not in found.sentence
    assert "clean images 90 %" in graded(reference, "classifier_accuracy", 50, 50, 90).sentence


@pytest.mark.slow
def test_images_without_noise_match_by_no_measure_that_gaussian_noise_fails(pairs):
    reference = Reference(*pairs, paired=True, classifier_steps=8)
    findings = {finding.key: finding for finding in assess(reference.clean, reference).findings}
    for key in ("spectrum", "covariance", "noise_level", "kl", "akld", "classifier_accuracy"):
        assert findings[key].grade != "real", findings[key]
