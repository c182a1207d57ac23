"""How close a set of images is to held-out real ones, by the two measures that tell most."""

from collections.abc import Sequence
from dataclasses import dataclass

from patina.fidelity.profile import Profile, profile_of
from patina.fidelity.properties import spectrum_distance
from patina.fidelity.samples import Sample
from patina.metrics.two_sample import two_sample_test


@dataclass(frozen=True)
class Closeness:
    """The distance of one set of images from real ones.

    Attributes:
        accuracy: of a classifier that tells the two sets from each other, in percent; 50 is guessing.
        spectrum: RMS difference of the noise's power spectra, in dB.
    """

    accuracy: float
    spectrum: float

    def beats(self, other: "Closeness") -> bool:
        """Whether these images are closer than others, by both measures."""
        return self.accuracy < other.accuracy and self.spectrum < other.spectrum

    def __str__(self) -> str:
        return f"{self.accuracy:.0f} %, {self.spectrum:.1f} dB"


def closeness(images: Sequence[Sample], real: Profile, *, seed: int, classifier_steps: int) -> Closeness:
    """Measure images beside real ones.

    Args:
        images: two or more.
        real: profile of two or more real images, with the same seed.
        seed: of patches and classifiers.
        classifier_steps: training steps of the classifier.
    """
    own = profile_of(images, seed)
    result = two_sample_test(own.patches, real.patches, seed=seed, steps=classifier_steps)
    return Closeness(100 * result.accuracy, spectrum_distance(own, real))
