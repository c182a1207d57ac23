"""Measure how well candidates for the map h hide which domain a picture is from, and how much content they keep."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from patina.cli.flags import add_flag
from patina.conditions.condition_map import ConditionMap
from patina.conditions.inverse import content_kept
from patina.conditions.steps import Step, published_steps
from patina.errors import ConfigError, PatinaError
from patina.experiments.condition_search import (
    Candidate,
    _eight_bit,
    _finished,
    _fitting,
    _held_out,
    _map_of,
    _patches,
    _statistics,
    blindness,
    candidate_steps,
    recommended,
    report,
)
from patina.experiments.parallel_training import say
from patina.fidelity.baselines import GAUSSIAN, degraded, fitted_noises, halves
from patina.fidelity.samples import Shot, load_shots
from patina.imaging.picture_files import to_tensor
from patina.imaging.statistics import match
from patina.metrics.two_sample import TwoSampleResult, two_sample_test
from patina.pipelines.translation import load_learned_config
from patina.seeding import derive
from patina.specs.learned_settings import DeFlowConfig
from patina.system.atomic import write_text


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


def _told_apart(
    conditions: Sequence[list[Tensor]], shots: Sequence[list[Shot]], arguments: argparse.Namespace
) -> TwoSampleResult:
    sets = [_patches(part, each, arguments.seed) for part, each in zip(conditions, shots, strict=True)]
    return two_sample_test(*sets, seed=arguments.seed, steps=arguments.judge_steps)
