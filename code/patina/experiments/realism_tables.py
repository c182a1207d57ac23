"""Hold learned degradations against real pictures by every measure, beside fitted noise: one table over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patina.degradations.base import Degradation
from patina.degradations.learned_degradation import Span
from patina.experiments.denoising import (
    Pictures,
    on_pictures,
)
from patina.experiments.parallel_training import say, spread, train_all
from patina.fidelity import real_comparison as measured
from patina.fidelity.baselines import GAUSSIAN, POISSON_GAUSSIAN, REAL, degraded
from patina.fidelity.page import Origin, lower_title, render
from patina.fidelity.real_comparison import CHANCE, MEASURES, YARDSTICKS, Reference, compare
from patina.pipelines.realism_report import newest_model
from patina.pipelines.translation import load_learned_config
from patina.specs.learned_settings import LearnedConfig
from patina.system.atomic import write_text

PGAP = "pgap"
TITLES = {key: f"{title} ({unit})" if unit else title for key, (title, unit, *_) in MEASURES.items()}
HALF = 0.5
ALL = 10**6


Scores = dict[str, list[dict[str, float]]]
"""Distances by measure, for every seed, by method."""


@dataclass(frozen=True)
class Noise:
    """A degradation, and what names it: its model's hash, or its own name."""

    degradation: Degradation
    model: str


@dataclass(frozen=True)
class Method:
    """A learned degradation of the experiment.

    Attributes:
        name: in the table.
        given: a model file or run folder, with ``{seed}`` where its name holds the seed, or a configuration.
        knobs: values of its knobs.
    """

    name: str
    given: str
    knobs: Mapping[str, Span]


def _measured(degradation: Degradation, origin: Origin, reference: Reference, page: Path) -> dict[str, float]:
    """Degrade the clean pictures, write the method's report, and return its distances."""
    generated = degraded(reference.clean, degradation, reference.seed)
    comparison = compare(generated, reference)
    write_text(page, render(comparison, generated, reference, origin))
    return _values(comparison.scores)


def _values(scores: measured.Scores) -> dict[str, float]:
    """Return the distances, with the ends of the accuracy's confidence interval."""
    low, high = scores.interval
    return {**scores.distances, "two_sample_low": low, "two_sample_high": high}


def report(scores: Mapping[str, Sequence[Mapping[str, float]]], seeds: Sequence[int], pictures: int) -> str:
    """Return the table in Markdown, measures down and methods across, and who wins where.

    Args:
        scores: by method, a mapping of measure to distance for every seed.
        seeds: of the runs.
        pictures: how many were measured.
    """
    keys = list(next(iter(scores.values()))[0])
    ordered = [key for key in (*MEASURES, PGAP) if key in keys]
    lines = [f"| distance from real | {' | '.join(scores)} |", f"| --- |{' ---: |' * len(scores)}"]
    for key in ordered:
        cells = [_cell(np.array([each[key] for each in by_seed]), _digits(key)) for by_seed in scores.values()]
        lines.append(f"| {TITLES.get(key, 'PGAP (dB)')} | {' | '.join(cells)} |")
        if f"{key}_low" in keys:
            ends = [[np.mean([each[f"{key}_{end}"] for each in by_seed]) for end in ("low", "high")]
                    for by_seed in scores.values()]  # fmt: skip
            lines.append(f"| its interval | {' | '.join(f'{low:.0f} to {high:.0f}' for low, high in ends)} |")
    lines += ["", f"{pictures} pictures, seeds {', '.join(map(str, seeds))}: mean ± deviation. Less is closer to real; "
              "the classifier's accuracy is best at 50 %.", ""]  # fmt: skip
    lines += [_wins(name, scores, ordered) for name in scores if name not in YARDSTICKS]
    return "\n".join(lines)


def _cell(values: np.ndarray, digits: int) -> str:
    """Return the mean over seeds; a dash where something could not be measured."""
    return spread(values, digits) if np.isfinite(values).all() else "–"


def _digits(key: str) -> int:
    return 1 if key == measured.JUDGED else 3 if key in ("kl", "akld", "blockiness") else 2


def _mean(by_seed: Sequence[Mapping[str, float]], key: str) -> float:
    """Return the mean distance; an accuracy counts from chance on, and what is gained is no distance but good."""
    zero = 100 * CHANCE if key == measured.JUDGED else 0.0
    return float(np.mean([each[key] if key == PGAP else max(each[key] - zero, 0.0) for each in by_seed]))


def _wins(name: str, scores: Mapping[str, Sequence[Mapping[str, float]]], keys: Sequence[str]) -> str:
    """Say where a method is closer to real than both fitted noises, where not, and whether it halves two measures."""
    noise = {key: min(_mean(scores[each], key) for each in (GAUSSIAN, POISSON_GAUSSIAN)) for key in keys}
    won = [key for key in keys if _mean(scores[name], key) < noise[key]]
    lost = [key for key in keys if key not in won]
    parts = [f"- {name} is closer to real than fitted noise in {_titles(won)}; not in {_titles(lost)}."]
    for key in ("akld", "spectrum"):
        gaussian = _mean(scores[GAUSSIAN], key)
        share = _mean(scores[name], key) / gaussian if gaussian else float("inf")
        floor = _mean(scores[REAL], key) / gaussian if gaussian else float("inf")
        reached = "less" if share < HALF else "not less"
        parts.append(
            f"  In {_titles([key])} its distance is {share:.2f} of the Gaussian's, {reached} than half; "
            f"that of other real noise is {floor:.2f}."
        )
    return "\n".join(parts)


def _titles(keys: Sequence[str]) -> str:
    return ", ".join(lower_title(MEASURES[key][0]) if key in MEASURES else "PGAP" for key in keys) or "nothing"


def _models(
    methods: Sequence[Method], seeds: Sequence[int], pictures: Pictures, device: str
) -> dict[tuple[str, int], Path]:
    """Return the model of every method and seed; those of configurations are trained first, side by side."""
    models: dict[tuple[str, int], Path] = {}
    configs: list[LearnedConfig] = []
    for method in methods:
        for seed in seeds:
            path = Path(method.given.replace("{seed}", str(seed)))
            if path.is_dir():
                models[method.name, seed] = newest_model(path)
            elif path.suffix == ".safetensors":
                models[method.name, seed] = path
            else:
                config = seeded(on_pictures(load_learned_config(method.given), pictures), seed)
                configs.append(config)
                models[method.name, seed] = config.final_model()
    missing = [config for config in configs if not config.final_model().is_file()]
    if missing:
        say(f"train {', '.join(config.name for config in missing)}")
        train_all(missing, device)
    return models


def seeded(config: LearnedConfig, seed: int) -> LearnedConfig:
    """Return the configuration for another seed; its run is named after it, but for the configuration's own seed."""
    if seed == config.seed:
        return config
    return config.model_copy(update={"seed": seed, "name": f"{config.name}-seed{seed}"})
