"""The classifier two-sample test (Lopez-Paz and Oquab 2017): how well a small network separates two sets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional

from patina.seeding import derive

HALF_BATCH = 32
CONFIDENCE = 0.95
CHANCE = 0.5
"""Accuracy of guessing."""


@dataclass(frozen=True)
class PatchSet:
    """A set of patches and where they come from.

    Attributes:
        pixels: ``[N, H, W, C]``, both sides multiples of 4.
        images: image name of every patch; patches of one image are not independent.
        scenes: scene name of every patch; training and test never share a scene, which the classifier could recognise.
    """

    pixels: np.ndarray
    images: Sequence[str]
    scenes: Sequence[str]


@dataclass(frozen=True)
class TwoSampleResult:
    """The classifier's accuracy on held-out patches; 0.5 means that the sets are indistinguishable.

    Attributes:
        accuracy: mean of the accuracies on both sets.
        low, high: 95 % confidence interval, from the spread between images.
    """

    accuracy: float
    low: float
    high: float


class PatchClassifier(nn.Sequential):
    """Three convolutions and global average pooling; one logit per patch."""

    def __init__(self, channels: int):
        super().__init__(
            nn.Conv2d(channels, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 24, 3, padding=1, stride=2),
            nn.ReLU(),
            nn.Conv2d(24, 32, 3, padding=1, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(32, 1),
        )


def two_sample_test(a: PatchSet, b: PatchSet, *, seed: int, folds: int = 4, steps: int = 200) -> TwoSampleResult:
    """Cross-validate the classifier: train it on all folds but one and test it on that one, for every fold.

    The mean colour of every patch is subtracted; training patches are rotated and flipped.

    Args:
        a, b: the two sets, each from at least two images.
        seed: seed of folds, weights and batches.
        folds: maximum number of folds. A scene is never split over folds; if a set has a single scene, no image is.
        steps: training steps per fold.

    Raises:
        ValueError: a set comes from a single image.
    """
    groups = _groups(a, b)
    count = min(folds, *(len(set(names)) for names in groups))
    if count < 2:
        raise ValueError("the two-sample test needs patches of at least two images from each set")
    assigned = _folds(groups, count, seed)
    pixels, labels = _centred(a, b), np.repeat([0.0, 1.0], [len(a.pixels), len(b.pixels)])
    correct = np.empty(len(labels), bool)
    for fold in range(count):
        held = assigned == fold
        logits = _held_out_logits(pixels[~held], labels[~held], pixels[held], derive(seed, "judge", fold), steps)
        correct[held] = (logits > 0) == (labels[held] > 0.5)
    return _result(correct[: len(a.pixels)], a.images, correct[len(a.pixels) :], b.images)


def _groups(a: PatchSet, b: PatchSet) -> tuple[Sequence[str], Sequence[str]]:
    """Return the groups that folds must not split: scenes, or images if a set has a single scene."""
    if min(len(set(a.scenes)), len(set(b.scenes))) >= 2:
        return a.scenes, b.scenes
    return a.images, b.images


def _folds(groups: tuple[Sequence[str], Sequence[str]], count: int, seed: int) -> np.ndarray:
    """Assign groups to folds; groups that both sets share are in the same fold."""
    names = [list(dict.fromkeys(side)) for side in groups]
    shared = [name for name in names[0] if name in set(names[1])]
    rng = np.random.default_rng(derive(seed, "folds"))
    fold_of: dict[tuple[int, str], int] = {}
    for number, name in enumerate(rng.permutation(shared)):
        fold_of[0, name] = fold_of[1, name] = number % count
    for side in (0, 1):
        own = rng.permutation([name for name in names[side] if name not in shared])
        fold_of |= {(side, name): (len(shared) + number) % count for number, name in enumerate(own)}
    return np.array([fold_of[side, name] for side in (0, 1) for name in groups[side]])


def _centred(a: PatchSet, b: PatchSet) -> Tensor:
    """Return all patches minus their mean colour, ``[N, C, H, W]`` float32."""
    pixels = torch.from_numpy(np.concatenate([a.pixels, b.pixels]).astype(np.float32)).permute(0, 3, 1, 2)
    return pixels - pixels.mean(dim=(2, 3), keepdim=True)


def _held_out_logits(train: Tensor, labels: np.ndarray, test: Tensor, seed: int, steps: int) -> np.ndarray:
    """Train a classifier; return its logits for the test patches."""
    scale = train.std() + 1e-6
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = PatchClassifier(train.shape[1])
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    sides = [np.flatnonzero(labels == label) for label in (0, 1)]
    target = torch.tensor([0.0, 1.0]).repeat_interleave(HALF_BATCH)
    for _ in range(steps):
        batch = train[np.concatenate([rng.choice(side, HALF_BATCH) for side in sides])] / scale
        logits = classifier(_augmented(batch, int(rng.integers(8)))).squeeze(1)
        optimizer.zero_grad()
        functional.binary_cross_entropy_with_logits(logits, target).backward()
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        return torch.cat([classifier(part / scale).squeeze(1) for part in test.split(256)]).numpy()


def _augmented(batch: Tensor, which: int) -> Tensor:
    """Return one of the eight rotations and reflections of a batch."""
    turned = torch.rot90(batch, which % 4, dims=(2, 3))
    return turned.flip(3) if which >= 4 else turned


def _result(a: np.ndarray, a_images: Sequence[str], b: np.ndarray, b_images: Sequence[str]) -> TwoSampleResult:
    """Average over images; the confidence interval is Student's t with images as observations."""
    sides = [_by_image(a, a_images), _by_image(b, b_images)]
    accuracy = float(np.mean([side.mean() for side in sides]))
    error = np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides)) / 2
    reach = float(error * stats.t.ppf((1 + CONFIDENCE) / 2, sum(map(len, sides)) - 2))
    return TwoSampleResult(accuracy, max(0.0, accuracy - reach), min(1.0, accuracy + reach))


def _by_image(correct: np.ndarray, images: Sequence[str]) -> np.ndarray:
    """Return the accuracy on every image."""
    names = np.array(images)
    return np.array([correct[names == name].mean() for name in dict.fromkeys(images)])
