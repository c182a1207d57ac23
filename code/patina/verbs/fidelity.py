"""Hold learned degradations against real pictures by every measure, beside fitted noise: one table over seeds."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patina.build.learned import learned_degradation
from patina.config.learned import LearnedConfig
from patina.config.restoration import RestorationConfig
from patina.degradations.base import Degradation
from patina.degradations.learned import Span
from patina.errors import PatinaError
from patina.fidelity import comparison as measured
from patina.fidelity.comparison import CHANCE, MEASURES, YARDSTICKS, Reference, compare
from patina.fidelity.page import Origin, lower_title, render
from patina.fidelity.shots import chosen_files, load_shots
from patina.fidelity.yardsticks import GAUSSIAN, POISSON_GAUSSIAN, REAL, degraded
from patina.metrics.residuals import pgap
from patina.runs.atomic import write_text
from patina.runs.fingerprint import file_digest
from patina.verbs.arguments import add_device_flag, add_flag
from patina.verbs.denoise import (
    SETS,
    Fold,
    Pictures,
    denoiser_config,
    fold_config,
    fold_score,
    like_real_folds,
    on_pictures,
    scene_folds,
)
from patina.verbs.experiments import named_model, say, spread, train_all
from patina.verbs.origin import (
    TRAINED,
    command_line,
    knob_word,
    made_with,
    model_fact,
    pictures_fact,
    run_of,
    shown_path,
    training_notes,
)
from patina.verbs.report import newest_model, plain_values
from patina.verbs.translate import load_learned_config

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(
        parser,
        "learned",
        nargs="+",
        default=["LUD-VAE=LUDVAE-polyu", "DeFlow=DeFlow-polyu"],
        metavar="NAME=MODEL[,KNOB=VALUE]",
        help="a model file or run folder ({seed} stands for the seed), or a configuration, trained where it is not yet",
    )
    add_flag(parser, "clean", default=SETS / "train_clean", help="folder of clean pictures to train on")
    add_flag(parser, "real", default=SETS / "train_real", help="folder of real pictures of other scenes")
    add_flag(parser, "test_clean", default=SETS / "test_clean", help="folder of clean pictures to degrade")
    add_flag(parser, "test_real", default=SETS / "test_real", help="folder of the real ones, matched by stem")
    add_flag(parser, "seeds", type=int, nargs="+", default=[0, 1, 2], help="of trainings, noise and classifiers")
    parser.add_argument("--pgap", action="store_true", help="also train a denoiser on every noise and on real pairs")
    add_flag(parser, "opt", default="DnCNN-polyu", help="configuration of the denoiser for --pgap")
    add_flag(parser, "judge_steps", type=int, default=200, help="training steps of the two-sample classifier")
    add_flag(parser, "out", "out_dir", default="results/fidelity", help="folder for everything the experiment writes")
    add_device_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train what is missing, measure every method with every seed, and write the table."""
    methods = [Method(*named_model(given, YARDSTICKS)) for given in arguments.learned]
    pictures = Pictures(*(Path(getattr(arguments, name)) for name in ("clean", "real", "test_real", "test_clean")))
    out = Path(arguments.out)
    denoiser = denoiser_config(arguments.opt) if arguments.pgap else None
    models = _models(methods, arguments.seeds, pictures, arguments.device)
    scores: Scores = {name: [] for name in (*YARDSTICKS, *(each.name for each in methods))}
    noises: dict[int, dict[str, Noise]] = {}
    clean = load_shots(pictures.test_clean, limit=ALL, side=ALL)
    real = load_shots(pictures.test_real, limit=ALL, side=ALL, names=[shot.name for shot in clean])
    for seed in arguments.seeds:
        say(f"seed {seed}: measure {', '.join(each.name for each in methods)} and the yardsticks")
        reference = Reference(clean, real, paired=True, seed=seed, judge_steps=arguments.judge_steps)
        noises[seed] = {name: Noise(noise, name) for name, noise in reference.noises.items()}
        for name in YARDSTICKS:
            scores[name].append(_values(reference.yardsticks[name]))
        for method in methods:
            model = models[method.name, seed]
            learned = learned_degradation(model, device=arguments.device, **method.knobs)
            noises[seed][method.name] = Noise(learned, file_digest(model))
            page = out / f"{method.name}-seed{seed}.html"
            origin = _origin(method, seed, model, pictures, arguments)
            scores[method.name].append(_measured(learned, origin, reference, page))
    if denoiser is not None:
        _add_pgap(scores, noises, denoiser, pictures, out, arguments)
    text = report(scores, arguments.seeds, len(clean))
    write_text(out / "results.md", text + "\n")
    write_text(
        out / "results.json", json.dumps(plain_values({"seeds": arguments.seeds, "scores": scores}), indent=1) + "\n"
    )
    print(text)
    return 0


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


def _origin(method: Method, seed: int, model: Path, pictures: Pictures, arguments: argparse.Namespace) -> Origin:
    """Say where the report of a method and a seed comes from."""
    run, folders = run_of(model), {"clean": pictures.test_clean, "real": pictures.test_real}
    knobs = {name: knob_word(value) for name, value in method.knobs.items()}
    stems = [path.stem for path in chosen_files(pictures.test_clean, limit=ALL)]
    facts = [(f"{name} pictures", pictures_fact(folder, limit=ALL, names=stems)) for name, folder in folders.items()]
    facts += [
        ("pairs", "yes: every real picture shows what its clean one shows"),
        ("judge_steps", str(arguments.judge_steps)),
        ("seed", str(seed)),
        ("model", model_fact(model)),
        *knobs.items(),
        made_with(),
    ]
    command = _command(method, knobs, seed, pictures, arguments)
    return Origin(
        name=f"{method.name}, seed {seed}",
        command=f"{TRAINED}{command}" if run else command,
        facts=facts,
        config=run.text if run else "",
        log=run.log if run else [],
        notes=training_notes(run, folders),
    )


def _command(
    method: Method, knobs: Mapping[str, str], seed: int, pictures: Pictures, arguments: argparse.Namespace
) -> str:
    given = shown_path(method.given) if Path(method.given).is_absolute() else method.given
    learned = ",".join([f"{method.name}={given}", *(f"{name}={value}" for name, value in knobs.items())])
    folders = {name: Path(getattr(pictures, name)) for name in ("clean", "real", "test_clean", "test_real")}
    rest = {"device": None if arguments.device == "auto" else arguments.device, "out": Path(arguments.out)}
    numbers = {"seeds": seed, "judge_steps": arguments.judge_steps}
    return command_line("fidelity", [], {"learned": learned} | folders | numbers | rest)


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


def _add_pgap(
    scores: Scores,
    noises: Mapping[int, Mapping[str, Noise]],
    denoiser: RestorationConfig,
    pictures: Pictures,
    out: Path,
    arguments: argparse.Namespace,
) -> None:
    """Train denoisers on real pairs and on every noise put onto their clean pictures; add to `scores` what is lost."""
    real = scene_folds(pictures, out / "scenes")
    if not real:
        raise PatinaError(f"{pictures.test_real}: all pairs are of one scene; --pgap trains on one and tests on others")
    folds: dict[tuple[str, int], list[Fold]] = {}
    for seed, by_name in noises.items():
        for name, noise in by_name.items():
            folds[name, seed] = like_real_folds(noise.degradation, f"{name}-seed{seed}", noise.model, real, out, seed)
        folds[REAL, seed] = real
    labels = {(name, seed): name.replace(" ", "-") for name, seed in folds}
    configs = [fold_config(denoiser, labels[key], fold, key[1], out) for key, each in folds.items() for fold in each]
    say(f"train {len(configs)} denoisers of {denoiser.stages[-1].steps} steps")
    train_all(configs, arguments.device)
    psnr = {
        key: fold_score(denoiser, labels[key], each, key[1], out, arguments.device)[0] for key, each in folds.items()
    }
    for name, by_seed in scores.items():
        for seed, each in zip(noises, by_seed, strict=True):
            each[PGAP] = pgap(psnr[name, seed], psnr[REAL, seed])
