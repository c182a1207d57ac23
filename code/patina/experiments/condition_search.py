"""Measure how well candidates for DeFlow's map h hide the domain of a picture, and how much of its content they keep.

DeFlow (Wolf et al., CVPR 2021, arXiv 2101.05796) is conditioned on h(x), a reduced copy of the image x. A good h keeps
the content of x, but does not show whether x is clean or real.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from patina.conditions.autoencoder import train_autoencoder
from patina.conditions.condition_map import ConditionMap
from patina.conditions.inverse import content_kept
from patina.conditions.steps import HStep, published_steps
from patina.degradations.deflow_degradation import placed_noise
from patina.errors import ConfigError, PatinaError
from patina.experiments.condition_candidates import candidate_steps
from patina.experiments.condition_report import Candidate, ConditionSearchResult, blindness, recommended
from patina.fidelity.baselines import GAUSSIAN, degraded, fitted_noises, halves
from patina.fidelity.samples import Sample, load_samples
from patina.imaging.channel_statistics import ChannelStatistics, StatisticsAccumulator, match
from patina.imaging.crop_and_pad import crop_to_multiple
from patina.imaging.value_spaces import to_pixels, to_tensor
from patina.metrics.two_sample import PatchSet, TwoSampleResult, two_sample_test
from patina.pipelines.translation import load_learned_config
from patina.seeding import derive, numpy_rng
from patina.specs.deflow_spec import DeFlowConfig
from patina.specs.h_map import open_autoencoder
from patina.system.telling import tell

PATCH, PER_PICTURE = 16, 24
"""Side of the patches of conditions that the classifier sees, and their number per picture."""

FEWEST = 4
"""Pictures of each domain that the two-sample test needs."""

Domains = Sequence[list[Sample]]
"""The pictures of both domains, clean and real."""


@dataclass(frozen=True)
class ConditionSearchRequest:
    """A search for the map h.

    Attributes:
        config: the configuration of the DeFlow that h is for, a path or a name.
        clean, real: folders of pictures.
        candidates: a file, see `candidate_steps`; None for the built-in list.
        pictures: the most pictures of each folder.
        side: larger pictures are cropped to their centre, this many pixels along a side.
        seed: seed of noise, patches and networks.
        classifier_steps: training steps of the classifier.
        inverse_steps: training steps of the inverse.
    """

    config: str
    clean: Path
    real: Path
    candidates: Path | None = None
    pictures: int = 48
    side: int = 512
    seed: int = 0
    classifier_steps: int = 200
    inverse_steps: int = 400


def search_conditions(request: ConditionSearchRequest) -> ConditionSearchResult:
    """Measure every candidate and recommend one.

    Raises:
        ConfigError: the configuration is not one of a DeFlow, or a candidate cannot be used.
        PatinaError: too few pictures, or one that cannot be used.
    """
    config = load_learned_config(request.config)
    if not isinstance(config, DeFlowConfig):
        raise ConfigError(f"{request.config}: task is {config.task}, expected deflow: only its condition has a map h")
    maps = candidate_steps(config, request.candidates)
    domains = [_pictures(folder, request, config.model.scale) for folder in (request.clean, request.real)]
    if min(map(len, domains)) < FEWEST:
        raise PatinaError(
            f"{request.clean} and {request.real}: too few images for a two-sample test; expected {FEWEST} or more "
            "in each folder"
        )
    matched = config.data.match_statistics
    tell("the images themselves")
    images = _test(_conditions(ConditionMap(()), domains, request.seed, matched=matched), domains, request)
    tell("Gaussian baseline under the plain downscaling")
    control = _control(domains, request, config.model.scale)
    found = []
    for number, (name, steps) in enumerate(maps.items(), 1):
        tell(f"{number}/{len(maps)} {name}")
        found.append(_measured(name, steps, domains, request, matched=matched))
    own = next(candidate for candidate in found if candidate.steps == _written(config.condition_steps))
    best = own if blindness(images, control) else recommended(found)
    return ConditionSearchResult(found, best, images, control)


def _pictures(folder: Path, request: ConditionSearchRequest, scale: int) -> list[Sample]:
    """Read a folder's pictures, cropped to multiples of the scale."""
    pictures = load_samples(folder, limit=request.pictures, side=request.side)
    return [Sample(picture.name, crop_to_multiple(picture.pixels, scale)) for picture in pictures]


def _control(domains: Domains, request: ConditionSearchRequest, scale: int) -> TwoSampleResult | None:
    """Test clean pictures with Gaussian noise against other clean pictures, all of them only downscaled.

    Returns:
        None where the real pictures are not noisier than the clean ones.
    """
    try:
        noise = fitted_noises(*domains, paired=False)[GAUSSIAN]
    except PatinaError:
        return None
    first, second = halves(domains[0], request.seed)
    both = [first, degraded(second, noise, request.seed)]
    downscaling = ConditionMap(published_steps(scale, 0.0)[:1])
    return _test(_conditions(downscaling, both, request.seed, matched=False), both, request)


def _measured(
    name: str, steps: tuple[HStep, ...], domains: Domains, request: ConditionSearchRequest, *, matched: bool
) -> Candidate:
    clean = domains[0]
    h = _map_of(steps, clean, request.seed)
    conditions = _conditions(h, domains, request.seed, matched=matched)
    test = _test(conditions, domains, request)
    images = [to_tensor(_eight_bit(picture)) for picture in clean]
    content = content_kept(
        conditions[0], images, _held_out(clean), seed=request.seed, steps=request.inverse_steps
    )  # fmt: skip
    return Candidate(name, _written(steps), test.accuracy, test.low, test.high, round(content, 3))


def _written(steps: Sequence[HStep]) -> list[dict[str, Any]]:
    """Return steps as in a configuration."""
    return [step.written() for step in steps]


def _map_of(steps: tuple[HStep, ...], clean: Sequence[Sample], seed: int) -> ConditionMap:
    """Make h; its autoencoders are read, or trained on the clean pictures after the filters before them."""
    networks = {}
    for index, step in enumerate(steps):
        if step.autoencoder and step.autoencoder.file:
            networks[index] = open_autoencoder(step.autoencoder.file, step.autoencoder.features)
        elif step.autoencoder:
            before = ConditionMap.before(index, steps, networks)
            filtered = [before.whole(_eight_bit(picture)) for picture in clean]
            networks[index] = train_autoencoder(filtered, step.autoencoder, seed)
    return ConditionMap(steps, networks)


def _conditions(h: ConditionMap, domains: Domains, seed: int, *, matched: bool) -> list[list[Tensor]]:
    """Return h(x) of all pictures as DeFlow sees it: normalised where statistics are `matched`, with its noise."""
    conditions = [[to_tensor(h.whole(_eight_bit(picture))) for picture in pictures] for pictures in domains]
    if matched:
        clean, real = map(_statistics, conditions)
        conditions[1] = [match(condition, real, clean).clamp(0, 1) for condition in conditions[1]]
    return [
        [
            _with_noise(h, condition, derive(seed, domain, picture.name))
            for condition, picture in zip(of_domain, pictures, strict=True)
        ]
        for domain, of_domain, pictures in zip(("clean", "real"), conditions, domains, strict=True)
    ]


def _with_noise(h: ConditionMap, condition: Tensor, key: int) -> Tensor:
    return h.final(h.local(condition, placed_noise(key)), placed_noise(key))


def _test(conditions: Sequence[list[Tensor]], domains: Domains, request: ConditionSearchRequest) -> TwoSampleResult:
    """Test whether a classifier distinguishes the conditions of two sets of pictures."""
    sets = [_patches(*pair, request.seed) for pair in zip(conditions, domains, strict=True)]
    return two_sample_test(*sets, seed=request.seed, steps=request.classifier_steps)


def _patches(conditions: Sequence[Tensor], pictures: Sequence[Sample], seed: int) -> PatchSet:
    """Crop patches of 16x16 from conditions, in units of 0 to 255."""
    patches, owners = [], []
    for condition, picture in zip(conditions, pictures, strict=True):
        rng = numpy_rng(seed, "conditions", picture.name)
        height, width = condition.shape[-2:]
        side = min(PATCH, height, width) // 4 * 4
        for _ in range(PER_PICTURE):
            top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
            patches.append(255 * condition[:, top : top + side, left : left + side].permute(1, 2, 0).numpy())
            owners.append(picture)
    return PatchSet(np.stack(patches), [owner.name for owner in owners], [owner.scene for owner in owners])


def _held_out(pictures: Sequence[Sample]) -> list[bool]:
    """Hold out a quarter of the scenes, or of the pictures where all show one scene."""
    names = [picture.scene for picture in pictures]
    if len(set(names)) < 2:
        names = [picture.name for picture in pictures]
    groups = list(dict.fromkeys(names))
    held = set(groups[:: max(2, min(4, len(groups)))])
    return [name in held for name in names]


def _statistics(conditions: Sequence[Tensor]) -> ChannelStatistics:
    accumulator = StatisticsAccumulator()
    for condition in conditions:
        accumulator.add(to_pixels(condition, np.uint8))
    return accumulator.result()


def _eight_bit(picture: Sample) -> np.ndarray:
    return np.uint8(picture.pixels.round().clip(0, 255))
