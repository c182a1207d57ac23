"""Measure how well candidates for the map h hide which domain a picture is from, and how much content they keep."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from patina.build.conditions import open_autoencoder
from patina.conditions.autoencoder import train_autoencoder
from patina.conditions.condition_map import ConditionMap
from patina.conditions.inverse import content_kept
from patina.conditions.steps import Step, published_steps, scale_of
from patina.config.learned import PUBLISHED_NOISE, DeFlowConfig
from patina.degradations.deflow import placed_noise
from patina.errors import ConfigError, PatinaError
from patina.fidelity.comparison import CHANCE
from patina.fidelity.shots import Shot, load_shots
from patina.fidelity.yardsticks import GAUSSIAN, degraded, fitted_noises, halves
from patina.imaging.files import to_pixels, to_tensor
from patina.imaging.statistics import ChannelStatistics, StatisticsAccumulator, match
from patina.metrics.two_sample import Patches, TwoSampleResult, two_sample_test
from patina.runs.atomic import write_text
from patina.seeding import derive, numpy_rng
from patina.strict import problems_told, read_yaml
from patina.verbs.arguments import add_flag
from patina.verbs.experiments import say
from patina.verbs.translate import load_learned_config

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("clean", type=Path, metavar="CLEAN", help="folder of clean pictures, at the images' size")
    parser.add_argument("real", type=Path, metavar="REAL", help="folder of real pictures")
    add_flag(parser, "opt", required=True, help="configuration of the DeFlow that h is for")
    add_flag(
        parser, "candidates", type=Path, help="YAML file: a name and its list of steps each; default: a built-in list"
    )
    add_flag(parser, "pictures", type=int, default=48, help="most pictures of each folder")
    add_flag(parser, "side", type=int, default=512, help="larger pictures are cut to their middle, this many pixels")
    add_flag(parser, "seed", type=int, default=0, help="of noise, places and networks")
    add_flag(parser, "judge_steps", type=int, default=200, help="training steps of the classifier")
    add_flag(parser, "inverse_steps", type=int, default=400, help="training steps of the inverse")
    add_flag(parser, "out", type=Path, help="file for the table, Markdown; the numbers go beside it as JSON")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON, and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Measure every candidate, print the table and the recommendation."""
    config = load_learned_config(arguments.opt)
    if not isinstance(config, DeFlowConfig):
        raise ConfigError(f"{arguments.opt}: task is {config.task}, expected deflow: only its condition has a map h")
    maps = candidate_steps(config, arguments.candidates)
    shots = [
        _fitting(load_shots(folder, limit=arguments.pictures, side=arguments.side), config.model.scale)
        for folder in (arguments.clean, arguments.real)
    ]
    if min(map(len, shots)) < 4:
        raise PatinaError("too few pictures to tell the domains apart; expected 4 or more in either folder")
    say("the pictures themselves")
    images = _told_apart(
        _conditions(ConditionMap(()), shots, config.data.match_statistics, arguments), shots, arguments
    )
    say("fitted noise under the plain downscaling")
    control = _control(config.model.scale, shots, arguments)
    found = []
    for number, (name, steps) in enumerate(maps.items(), 1):
        say(f"{number}/{len(maps)} {name}")
        found.append(_measured(name, steps, shots, config.data.match_statistics, arguments))
    own = next(each for each in found if each.steps == [step.written() for step in config.condition_steps])
    best = own if blindness(images, control) else recommended(found)
    text = report(found, best, images, control)
    values = {
        "images": asdict(images),
        "control": asdict(control) if control else None,
        "candidates": [asdict(each) for each in found],
        "recommended": best.name,
    }
    if arguments.out is not None:
        write_text(arguments.out, text + "\n")
        write_text(arguments.out.with_suffix(".json"), json.dumps(values, indent=1) + "\n")
    print(json.dumps(values, indent=1) if arguments.json else text)
    return 0


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


def _control(scale: int, shots: Sequence[list[Shot]], arguments: argparse.Namespace) -> TwoSampleResult | None:
    """Tell one half of the clean pictures with fitted noise from the other half, both only downscaled.

    Returns:
        None where the real pictures are not noisier than the clean ones.
    """
    try:
        noise = fitted_noises(*shots, paired=False)[GAUSSIAN]
    except PatinaError:
        return None
    first, second = halves(shots[0], arguments.seed)
    both = [first, degraded(second, noise, arguments.seed)]
    conditions = _conditions(ConditionMap(published_steps(scale, 0.0)[:1]), both, False, arguments)
    return _told_apart(conditions, both, arguments)


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


def _measured(
    name: str, steps: tuple[Step, ...], shots: Sequence[list[Shot]], matched: bool, arguments: argparse.Namespace
) -> Candidate:
    h = _map_of(steps, shots[0], arguments.seed)
    finished = _conditions(h, shots, matched, arguments)
    told = _told_apart(finished, shots, arguments)
    images = [to_tensor(_eight_bit(shot)) for shot in shots[0]]
    held = _held_out(shots[0])
    content = content_kept(finished[0], images, held, seed=arguments.seed, steps=arguments.inverse_steps)
    return Candidate(name, [step.written() for step in steps], told.accuracy, told.low, told.high, round(content, 3))


def _conditions(
    h: ConditionMap, shots: Sequence[list[Shot]], matched: bool, arguments: argparse.Namespace
) -> list[list[Tensor]]:
    """Return h of all pictures, clean and real, as DeFlow sees them: normalised where statistics are matched."""
    conditions = [[to_tensor(h.whole(_eight_bit(shot))) for shot in each] for each in shots]
    if matched:
        statistics = [_statistics(each) for each in conditions]
        conditions[1] = [match(each, statistics[1], statistics[0]).clamp(0, 1) for each in conditions[1]]
    return [
        [
            _finished(h, condition, derive(arguments.seed, side, shot.name))
            for condition, shot in zip(part, each, strict=True)
        ]
        for side, part, each in zip(("clean", "real"), conditions, shots, strict=True)
    ]


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


def _told_apart(
    conditions: Sequence[list[Tensor]], shots: Sequence[list[Shot]], arguments: argparse.Namespace
) -> TwoSampleResult:
    sets = [_patches(part, each, arguments.seed) for part, each in zip(conditions, shots, strict=True)]
    return two_sample_test(*sets, seed=arguments.seed, steps=arguments.judge_steps)


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
