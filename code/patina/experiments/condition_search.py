"""Measure how well candidates for the map h hide which domain a picture is from, and how much content they keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from patina.conditions.autoencoder import train_autoencoder
from patina.conditions.condition_map import ConditionMap
from patina.conditions.steps import Step, scale_of
from patina.degradations.deflow_degradation import placed_noise
from patina.errors import ConfigError
from patina.fidelity.real_comparison import CHANCE
from patina.fidelity.samples import Shot
from patina.imaging.picture_files import to_pixels
from patina.imaging.statistics import ChannelStatistics, StatisticsAccumulator
from patina.metrics.two_sample import Patches, TwoSampleResult
from patina.seeding import numpy_rng
from patina.settings import problems_told, read_yaml
from patina.specs.h_map import open_autoencoder
from patina.specs.learned_settings import PUBLISHED_NOISE, DeFlowConfig

PATCH, PER_PICTURE = 16, 24
"""Side of the conditions that the classifier sees, and how many of every picture."""

PUBLISHED = "published"


@dataclass(frozen=True)
class Candidate:
    """A map h and what was measured.

    Attributes:
        name: of the candidate.
        steps: as in a configuration.
        accuracy, low, high: of the two-sample test, with its 95 % interval; 0.5 is indistinguishable.
        content: PSNR of the best small inverse, in dB.
    """

    name: str
    steps: list[dict]
    accuracy: float
    low: float
    high: float
    content: float

    @property
    def hides(self) -> bool:
        """Whether the domains may be indistinguishable."""
        return self.low <= CHANCE


def candidate_steps(config: DeFlowConfig, file: Path | None) -> dict[str, tuple[Step, ...]]:
    """Return the maps to measure by name: the file's, or a built-in list, and the configuration's own.

    Raises:
        ConfigError: the file holds something else, or a map of another scale.
    """
    plain = _built_in(config.model.scale) if file is None else read_yaml(file)
    if not isinstance(plain, dict) or not all(isinstance(steps, list) for steps in plain.values()):
        raise ConfigError(f"{file}: expected names with a list of steps each")
    maps = {str(name): _parsed(name, steps, config.model.scale, file) for name, steps in plain.items()}
    if config.condition_steps not in maps.values():
        maps["configured"] = config.condition_steps
    return maps


def recommended(found: Sequence[Candidate]) -> Candidate:
    """Return the candidate to take: the most content among those that may hide the domain, else the lowest accuracy."""
    hiding = [each for each in found if each.hides]
    return max(hiding, key=lambda each: each.content) if hiding else min(found, key=lambda each: each.accuracy)


def report(
    found: Sequence[Candidate], best: Candidate, images: TwoSampleResult, control: TwoSampleResult | None
) -> str:
    """Return the table in Markdown, and the recommendation with its configuration.

    Args:
        found: the candidates.
        best: the recommended one.
        images: how well the pictures themselves are told apart: what the test can see at all.
        control: how well noise as strong as the real is told from none behind the plain downscaling: what it can see
            at a condition's size; None where it is not known.
    """
    lines = ["| h | told apart (%, 95 % interval) | content kept (dB) |", "| --- | ---: | ---: |"]
    lines.append(f"| (the pictures themselves) | {_told(images)} | |")
    if control is not None:
        lines.append(f"| (fitted noise against none, only downscaled) | {_told(control)} | |")
    lines += [f"| {each.name} | {_told(each)} | {each.content:.2f} |" for each in found]
    blind = blindness(images, control)
    why = (
        "the configuration's own map stays"
        if blind
        else (
            "the classifier cannot be told from chance, and no other such candidate keeps more content"
            if best.hides
            else "every candidate gives the domain away; this one least"
        )
    )
    snippet = yaml.safe_dump({"h": best.steps}, sort_keys=False, default_flow_style=None, width=110)
    recommendation = f"Recommended: {best.name}: {why}. In the configuration:"
    warning = [f"{blind}: the test may be blind. Give it more pictures or scenes.", ""] if blind else []
    return "\n".join([*lines, "", *warning, recommendation, "", snippet.rstrip()])


def blindness(images: TwoSampleResult, control: TwoSampleResult | None) -> str:
    """Say what the test did not see though it was there; empty where it saw.

    Args:
        images, control: as in `report`.
    """
    if images.low <= CHANCE:
        return "Not even the pictures themselves are told apart"
    if control is not None and control.low <= CHANCE:
        return "Noise as strong as the real is not seen in conditions without any other noise"
    return ""


def _told(each: TwoSampleResult | Candidate) -> str:
    accuracy, low, high = (f"{100 * value:.0f}" for value in (each.accuracy, each.low, each.high))
    return f"{accuracy} ({low} to {high})"


def _built_in(scale: int) -> dict[str, list[dict]]:
    """Return one candidate for each kind of step, before or in place of the published downscaling and noise."""
    down, noise = {"downscale": {"factor": scale}}, {"add_gaussian": {"sigma": PUBLISHED_NOISE}}
    return {
        PUBLISHED: [down, noise],
        "area": [{"downscale": {"factor": scale, "filter": "area"}}, noise],
        "max": [{"downscale": {"factor": scale, "filter": "max"}}, noise],
        "half the noise": [down, {"add_gaussian": {"sigma": PUBLISHED_NOISE / 2}}],
        "a quarter of the noise": [down, {"add_gaussian": {"sigma": PUBLISHED_NOISE / 4}}],
        "no noise": [down],
        "twice the noise": [down, {"add_gaussian": {"sigma": 2 * PUBLISHED_NOISE}}],
        "multiplied noise": [down, {"multiply_noise": {"sigma": 0.1}}],
        "noise first": [{"add_gaussian": {"sigma": 0.1}}, down],
        "smooth": [{"smooth": {"sigma": 1.5}}, down, noise],
        "median": [{"median": {"size": 5}}, down, noise],
        "bilateral": [{"bilateral": {"sigma_space": 2.0, "sigma_colour": 30.0}}, down, noise],
        "non-local means": [{"non_local_means": {"strength": 8.0}}, down, noise],
        "autoencoder": [{"autoencoder": {}}, down, noise],
    }


def _parsed(name: str, plain: list, scale: int, file: Path | None) -> tuple[Step, ...]:
    try:
        steps = TypeAdapter(tuple[Step, ...]).validate_python(plain)
    except ValidationError as error:
        raise ConfigError(f"{file}: {name}: {problems_told(error, Step)}") from error
    if scale_of(steps) != scale:
        raise ConfigError(f"{file}: {name} makes conditions {scale_of(steps)} times smaller, expected {scale}")
    return steps


def _fitting(shots: list[Shot], scale: int) -> list[Shot]:
    """Cut pictures to multiples of the scale."""
    cut = [Shot(shot.name, shot.pixels[: -(shot.pixels.shape[0] % scale) or None]) for shot in shots]
    return [Shot(shot.name, shot.pixels[:, : -(shot.pixels.shape[1] % scale) or None]) for shot in cut]


def _map_of(steps: tuple[Step, ...], clean: Sequence[Shot], seed: int) -> ConditionMap:
    """Make h; its autoencoders are read, or trained on the clean pictures as the filters before them leave these."""
    networks = {}
    for index, step in enumerate(steps):
        if step.autoencoder and step.autoencoder.file:
            networks[index] = open_autoencoder(step.autoencoder.file, step.autoencoder.features)
        elif step.autoencoder:
            before = ConditionMap.before(index, steps, networks)
            networks[index] = train_autoencoder([before.whole(_eight_bit(s)) for s in clean], step.autoencoder, seed)
    return ConditionMap(steps, networks)


def _finished(h: ConditionMap, condition: Tensor, key: int) -> Tensor:
    return h.final(h.local(condition, placed_noise(key)), placed_noise(key))


def _patches(conditions: Sequence[Tensor], shots: Sequence[Shot], seed: int) -> Patches:
    """Cut patches of 16x16 out of conditions, in units of 0 to 255."""
    squares, owners = [], []
    for condition, shot in zip(conditions, shots, strict=True):
        rng = numpy_rng(seed, "conditions", shot.name)
        height, width = condition.shape[-2:]
        side = min(PATCH, height, width) // 4 * 4
        for _ in range(PER_PICTURE):
            top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
            squares.append(255 * condition[:, top : top + side, left : left + side].permute(1, 2, 0).numpy())
            owners.append(shot)
    return Patches(np.stack(squares), [shot.name for shot in owners], [shot.scene for shot in owners])


def _held_out(shots: Sequence[Shot]) -> list[bool]:
    """Hold out a quarter of the scenes, or of the pictures where there is one scene."""
    names = [shot.scene for shot in shots]
    if len(set(names)) < 2:
        names = [shot.name for shot in shots]
    groups = list(dict.fromkeys(names))
    held = set(groups[:: max(2, min(4, len(groups)))])
    return [name in held for name in names]


def _statistics(conditions: Sequence[Tensor]) -> ChannelStatistics:
    accumulator = StatisticsAccumulator()
    for condition in conditions:
        accumulator.add(to_pixels(condition, np.uint8))
    return accumulator.result()


def _eight_bit(shot: Shot) -> np.ndarray:
    return np.uint8(shot.pixels.round().clip(0, 255))
