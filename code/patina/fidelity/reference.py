"""The real images, measured once, and the baselines that every distance is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from patina.degradations.base import Degradation
from patina.errors import PatinaError
from patina.fidelity.baselines import GAUSSIAN, REAL, degraded, fitted_noises, halves, transplanted_residuals
from patina.fidelity.chance import chance_distances
from patina.fidelity.measured_samples import MeasuredSample, as_a_set, statistics_of
from patina.fidelity.profile import Profile, joint_profile, profile_of
from patina.fidelity.properties import CLASSIFIER, MEASURES, PROPERTIES, RESIDUAL_PROPERTIES, Residuals
from patina.fidelity.samples import Sample
from patina.metrics.two_sample import two_sample_test
from patina.seeding import derive

SPLITS = 4
"""Number of splits into halves; distances are means over them."""

REACHED = 1.5
"""Residuals and the classifier's accuracy count as real up to this multiple of the value between real images."""

HalfProfiles = list[tuple[Profile, Profile]]
"""The profiles of a set's two halves, for every split."""


@dataclass(frozen=True)
class Scores:
    """The distances of one set of images from the real ones.

    Attributes:
        distances: by the keys of `MEASURES`; the classifier's accuracy in percent is among them.
        interval: confidence interval of the accuracy in percent.
    """

    distances: dict[str, float]
    interval: tuple[float, float]


class Reference:
    """The real images, measured once, and the baselines.

    Halves are compared: one half of the generated images with the other half of the real ones. This way all distances,
    including that of real images from each other, are between equally many images of different content.

    Args:
        clean: images that are degraded.
        real: real images; if paired, the same ones in the same order.
        paired: whether both sets show the same content.
        seed: seed of patches, noise and classifiers.
        classifier_steps: training steps of every classifier.

    Raises:
        PatinaError: too few images.
    """

    def __init__(
        self,
        clean: Sequence[Sample],
        real: Sequence[Sample],
        *,
        paired: bool,
        seed: int = 0,
        classifier_steps: int = 200,
    ):
        self.clean, self.real, self.paired = clean, real, paired
        self.seed, self.classifier_steps = seed, classifier_steps
        if paired:
            _require_pairs(clean, real)
        self._real_halves = self._split(self.statistics)
        self.noises: dict[str, Degradation] = fitted_noises(clean, real, paired=paired)

    @property
    def is_noisier(self) -> bool:
        """Whether most channels of the real images are noisier than the clean ones'; else the baselines have none."""
        return bool(np.median(self.noises[GAUSSIAN].draw(np.random.default_rng(0))["sigma"]) > 0)

    @cached_property
    def statistics(self) -> list[MeasuredSample]:
        """What was measured of the real images, one by one."""
        return statistics_of(self.real, self.seed)

    @cached_property
    def profile(self) -> Profile:
        """Profile of the real images."""
        return joint_profile(self.statistics)

    @cached_property
    def limits(self) -> dict[str, float]:
        """The largest excess over "no difference" that counts as real, by the keys of `MEASURES`."""
        chance = chance_distances(self.statistics, len(self.clean) // 2, self.seed, by_scene=not self.paired)
        known = self.baselines[REAL].distances
        others = {key: REACHED * MEASURES[key].excess(known[key]) for key in known if key not in chance}
        return {key: max(MEASURES[key].tolerance, limit) for key, limit in (chance | others).items()}

    @cached_property
    def clean_scores(self) -> Scores:
        """The classifier's accuracy on the clean images as they are, which shows whether it sees a degradation."""
        return self._classified(profile_of(self.clean, self.seed), self.profile)

    @property
    def half_profiles(self) -> tuple[Profile, Profile]:
        """Profiles of two halves of the real images."""
        return self._real_halves[0]

    @cached_property
    def noisy(self) -> dict[str, list[Sample]]:
        """The clean images with the noise of each Gaussian baseline."""
        return {name: degraded(self.clean, noise, self.seed) for name, noise in self.noises.items()}

    @cached_property
    def noisy_statistics(self) -> dict[str, list[MeasuredSample]]:
        """What was measured of the clean images with the noise of each Gaussian baseline, one by one."""
        return {name: statistics_of(samples, self.seed) for name, samples in self.noisy.items()}

    @property
    def noisy_profiles(self) -> dict[str, Profile]:
        """Profiles of the clean images with the noise of each Gaussian baseline."""
        return {name: joint_profile(images) for name, images in self.noisy_statistics.items()}

    @cached_property
    def baselines(self) -> dict[str, Scores]:
        """Scores of the baselines."""
        scores = {REAL: self._real_against_real()}
        return scores | {name: self.scores(images) for name, images in self.noisy_statistics.items()}

    def scores(self, images: Sequence[MeasuredSample]) -> Scores:
        """Measure degraded clean images, in the order of the clean ones.

        Raises:
            PatinaError: an image differs in size from its clean one.
        """
        generated = [image.sample for image in images]
        _require_pairs(self.clean, generated)
        residuals = self.residuals(generated) if self.paired else None
        return self._scored(self._split(images), (joint_profile(images), self.profile), residuals)

    def residuals(self, samples: Sequence[Sample]) -> list[np.ndarray]:
        """Return images minus the clean ones, in the same order."""
        return [sample.pixels - clean.pixels for sample, clean in zip(samples, self.clean, strict=True)]

    def _split(self, images: Sequence[MeasuredSample]) -> HalfProfiles:
        pairs = [halves(images, derive(self.seed, "split", index)) for index in range(SPLITS)]
        return [(joint_profile(as_a_set(first)), joint_profile(as_a_set(second))) for first, second in pairs]

    def _real_against_real(self) -> Scores:
        transplanted = transplanted_residuals(self.clean, self.real, self.seed) if self.paired else None
        return self._scored(self._real_halves, self.half_profiles, transplanted)

    def _scored(self, parts: HalfProfiles, classified: tuple[Profile, Profile], residuals: Residuals | None) -> Scores:
        """Measure the halves of a set, the two sets that are classified and, with pairs, residuals."""
        accuracy = self._classified(*classified)
        distances = self._distances(parts) | (self._residual_distances(residuals) if residuals is not None else {})
        return Scores(distances | accuracy.distances, accuracy.interval)

    def _classified(self, first: Profile, second: Profile) -> Scores:
        """Return the classifier's accuracy on two sets."""
        result = two_sample_test(first.patches, second.patches, seed=self.seed, steps=self.classifier_steps)
        return Scores({CLASSIFIER.key: 100 * result.accuracy}, (100 * result.low, 100 * result.high))

    def _distances(self, parts: HalfProfiles) -> dict[str, float]:
        """Return the mean distances of the halves of a set from the other halves of the real one."""
        pairs = [
            pair
            for (first, second), (real_first, real_second) in zip(parts, self._real_halves, strict=True)
            for pair in ((first, real_second), (second, real_first))
        ]
        return {item.key: _finite_mean([item.distance(*pair) for pair in pairs]) for item in PROPERTIES}

    def _residual_distances(self, residuals: Residuals) -> dict[str, float]:
        """Compare residuals with the real ones; they may be cropped at the right and at the bottom."""
        real = self.residuals(self.real)
        real = [true[: own.shape[0], : own.shape[1]] for own, true in zip(residuals, real, strict=True)]
        return {item.key: item.distance(residuals, real) for item in RESIDUAL_PROPERTIES}


def _finite_mean(values: Sequence[float]) -> float:
    """Return the mean of the finite values; NaN if there are none."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _require_pairs(clean: Sequence[Sample], other: Sequence[Sample]) -> None:
    for one, two in zip(clean, other, strict=True):
        if one.name != two.name or one.pixels.shape != two.pixels.shape:
            raise PatinaError(
                f"{two.name} has {two.pixels.shape[1]}x{two.pixels.shape[0]} pixels and its clean image {one.name} "
                f"{one.pixels.shape[1]}x{one.pixels.shape[0]}; expected equal sizes, or -scale "
                "if the generated images are smaller"
            )
