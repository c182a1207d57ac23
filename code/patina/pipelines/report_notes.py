"""What a reader of a report has to know about its images."""

from collections.abc import Iterator, Sequence

import numpy as np

from patina.fidelity.reference import Reference
from patina.fidelity.samples import Sample
from patina.imaging.colour_shift import colour_shift_warning


def measured_notes(reference: Reference, generated: Sequence[Sample], is_matched: bool) -> Iterator[str]:
    """Yield sentences about the images of a report, of the real ones and of the generated ones.

    Args:
        reference: the clean and the real images.
        generated: the generated ones.
        is_matched: whether a model made them that matches colours.
    """
    if not reference.is_noisier:
        yield (
            "In smooth places, the real images are not noisier than the clean ones, so the Gaussian baselines have no "
            "noise: they are the clean images as they are. This is so for photos that are only blurred or compressed, "
            "and where the clean images are textured, which measures like noise. If neither is true, check that "
            "-clean and -real are not swapped."
        )
    shifts = [
        sample.pixels.mean(axis=(0, 1)) - clean.pixels.mean(axis=(0, 1))
        for sample, clean in zip(generated, reference.clean, strict=True)
    ]
    if warning := colour_shift_warning(np.mean(shifts, axis=0), "generated images", is_matched):
        yield f"{warning[0].upper()}{warning[1:]}."
