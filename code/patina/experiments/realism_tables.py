"""The table of a realism experiment: distances from real pictures by measure, method and seed, and who wins."""

from collections.abc import Mapping, Sequence

import numpy as np

from patina.experiments.narration import spread
from patina.fidelity.baselines import BASELINES, GAUSSIAN, POISSON_GAUSSIAN, REAL
from patina.fidelity.page import lower_title
from patina.fidelity.properties import MEASURES, Measure

PGAP = Measure(
    "pgap", "PGAP", "dB",
    "What a denoiser loses when it is trained on generated instead of real noise.",
    "PSNR gap of denoisers (Yue et al. 2020)", 0.0,
)  # fmt: skip
"""Negative if the denoiser gains."""

TABLE = {**MEASURES, PGAP.key: PGAP}
"""The measures of the table by key, in the order of its rows."""

HALF = 0.5

ScoresBySeed = dict[str, list[dict[str, float]]]
"""By method: distances by measure, for every seed."""


def report(scores: Mapping[str, Sequence[Mapping[str, float]]], seeds: Sequence[int], pictures: int) -> str:
    """Return the table in Markdown, one row per measure and one column per method, and who wins where.

    Args:
        scores: as in `ScoresBySeed`.
        seeds: seeds of the runs.
        pictures: how many were measured.
    """
    keys = list(next(iter(scores.values()))[0])
    ordered = [key for key in TABLE if key in keys]
    lines = [f"| distance from real | {' | '.join(scores)} |", f"| --- |{' ---: |' * len(scores)}"]
    for key in ordered:
        cells = [_cell(np.array([row[key] for row in by_seed]), TABLE[key].digits) for by_seed in scores.values()]
        lines.append(f"| {TABLE[key].heading} | {' | '.join(cells)} |")
        if f"{key}_low" in keys:
            cells = [_interval(by_seed, key) for by_seed in scores.values()]
            lines.append(f"| its 95 % interval | {' | '.join(cells)} |")
    lines += [
        "",
        f"{pictures} images, seeds {', '.join(map(str, seeds))}: mean ± std. Smaller is closer to real; "
        "the best classifier accuracy is 50 %.",
        "",
    ]
    lines += [_wins(name, scores, ordered) for name in scores if name not in BASELINES]
    return "\n".join(lines)


def _cell(values: np.ndarray, digits: int) -> str:
    """Return the mean over seeds; a dash where something could not be measured."""
    return spread(values, digits) if np.isfinite(values).all() else "–"


def _interval(by_seed: Sequence[Mapping[str, float]], key: str) -> str:
    low, high = (np.mean([row[f"{key}_{end}"] for row in by_seed]) for end in ("low", "high"))
    return f"{low:.0f} to {high:.0f}"


def _mean(by_seed: Sequence[Mapping[str, float]], key: str) -> float:
    """Return the mean distance, 0 at best: an accuracy counts from chance upwards; only PGAP may be negative."""
    return float(np.mean([TABLE[key].excess(row[key]) for row in by_seed]))


def _wins(name: str, scores: Mapping[str, Sequence[Mapping[str, float]]], keys: Sequence[str]) -> str:
    """Say where a method is closer to real than both Gaussian ones, where not, and whether it halves two measures."""
    noise = {key: min(_mean(scores[fitted], key) for fitted in (GAUSSIAN, POISSON_GAUSSIAN)) for key in keys}
    won = [key for key in keys if _mean(scores[name], key) < noise[key]]
    lost = [key for key in keys if key not in won]
    parts = [f"- {name} is closer to real than the Gaussian baselines in {_titles(won)}; not in {_titles(lost)}."]
    for key in ("akld", "spectrum"):
        gaussian = _mean(scores[GAUSSIAN], key)
        fraction = _mean(scores[name], key) / gaussian if gaussian else float("inf")
        floor = _mean(scores[REAL], key) / gaussian if gaussian else float("inf")
        reached = "less" if fraction < HALF else "not less"
        parts.append(
            f"  In {_titles([key])} its distance is {fraction:.2f} of the Gaussian's, {reached} than half; "
            f"other real noise reaches {floor:.2f}."
        )
    return "\n".join(parts)


def _titles(keys: Sequence[str]) -> str:
    return ", ".join(lower_title(TABLE[key].title) for key in keys) or "nothing"
