"""The classifier two-sample test: can a small network tell two sets of patches apart? (Lopez-Paz and Oquab 2017)."""

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
    """Patches with where they come from.

    Attributes:
        pixels: ``[N, H, W, C]``, both sides multiples of 4.
        pictures: the picture of each, ``N`` names; patches of one picture are not independent of each other.
        scenes: the scene of each, ``N`` names; a scene is never in training and test at once, so that the classifier
            cannot win by knowing it again.
    """

    pixels: np.ndarray
    pictures: Sequence[str]
    scenes: Sequence[str]


@dataclass(frozen=True)
class TwoSampleResult:
    """How well held-out patches were told apart: 0.5 is indistinguishable, 1 is always.

    Attributes:
        accuracy: mean of both sets' shares of right answers.
        low, high: ends of the 95 % confidence interval, from the spread between pictures.
    """

    accuracy: float
    low: float
    high: float


class Judge(nn.Sequential):
    """The classifier: three convolutions and the mean over all places; one logit a patch."""

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
    """Train the classifier on all folds but one, ask it about that one, for every fold.

    Patches lose their mean colour first, and are turned and mirrored in training.

    Args:
        a, b: the two sets, of at least two pictures each.
        seed: of folds, weights and batches.
        folds: at most; fewer where there are fewer scenes, and pictures stand for scenes where a set has one scene.
        steps: of each training.

    Raises:
        ValueError: a set has a single picture.
    """
    groups = _groups(a, b)
    count = min(folds, *(len(set(each)) for each in groups))
    if count < 2:
        raise ValueError("the two-sample test needs two pictures of either set")
    assigned = _folds(groups, count, seed)
    pixels, labels = _centred(a, b), np.repeat([0.0, 1.0], [len(a.pixels), len(b.pixels)])
    right = np.empty(len(labels), bool)
    for fold in range(count):
        held = assigned == fold
        logits = _judged(pixels[~held], labels[~held], pixels[held], derive(seed, "judge", fold), steps)
        right[held] = (logits > 0) == (labels[held] > 0.5)
    return _result(right[: len(a.pixels)], a.pictures, right[len(a.pixels) :], b.pictures)


def _groups(a: PatchSet, b: PatchSet) -> tuple[Sequence[str], Sequence[str]]:
    """Return what is held out together: scenes, or pictures where a set has too few scenes."""
    if min(len(set(a.scenes)), len(set(b.scenes))) >= 2:
        return a.scenes, b.scenes
    return a.pictures, b.pictures


def _folds(groups: tuple[Sequence[str], Sequence[str]], count: int, seed: int) -> np.ndarray:
    """Deal the groups out: those that both sets share first, so that they are held out together."""
    names = [list(dict.fromkeys(each)) for each in groups]
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
    """Return all patches without their mean colour, ``[N, C, H, W]`` float32."""
    pixels = torch.from_numpy(np.concatenate([a.pixels, b.pixels]).astype(np.float32)).permute(0, 3, 1, 2)
    return pixels - pixels.mean(dim=(2, 3), keepdim=True)


def _judged(train: Tensor, labels: np.ndarray, test: Tensor, seed: int, steps: int) -> np.ndarray:
    """Train a classifier and return its logits of the test patches."""
    scale = train.std() + 1e-6
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Judge(train.shape[1])
    optimizer = torch.optim.AdamW(judge.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    sides = [np.flatnonzero(labels == label) for label in (0, 1)]
    target = torch.tensor([0.0, 1.0]).repeat_interleave(HALF_BATCH)
    for _ in range(steps):
        batch = train[np.concatenate([rng.choice(side, HALF_BATCH) for side in sides])] / scale
        logits = judge(_turned(batch, int(rng.integers(8)))).squeeze(1)
        optimizer.zero_grad()
        functional.binary_cross_entropy_with_logits(logits, target).backward()
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        return torch.cat([judge(part / scale).squeeze(1) for part in test.split(256)]).numpy()


def _turned(batch: Tensor, which: int) -> Tensor:
    turned = torch.rot90(batch, which % 4, dims=(2, 3))
    return turned.flip(3) if which >= 4 else turned


def _result(a: np.ndarray, a_pictures: Sequence[str], b: np.ndarray, b_pictures: Sequence[str]) -> TwoSampleResult:
    """Average over pictures; the interval is Student's, each picture counting as one observation."""
    sides = [_by_picture(a, a_pictures), _by_picture(b, b_pictures)]
    accuracy = float(np.mean([side.mean() for side in sides]))
    error = np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides)) / 2
    reach = float(error * stats.t.ppf((1 + CONFIDENCE) / 2, sum(map(len, sides)) - 2))
    return TwoSampleResult(accuracy, max(0.0, accuracy - reach), min(1.0, accuracy + reach))


def _by_picture(right: np.ndarray, pictures: Sequence[str]) -> np.ndarray:
    names = np.array(pictures)
    return np.array([right[names == name].mean() for name in dict.fromkeys(pictures)])
