"""Compare learned degradations and recipes with real pictures by every property, beside baselines, over seeds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patina.degradations.base import Degradation
from patina.errors import PatinaError
from patina.experiments.choices import Method, Pictures
from patina.experiments.denoiser_folds import (
    Fold,
    denoiser_config,
    fold_config,
    fold_score,
    like_real_folds,
    scene_folds,
)
from patina.experiments.learned_methods import require_free_names
from patina.experiments.parallel_training import train_all
from patina.experiments.ready_methods import ready_methods
from patina.experiments.realism_tables import PGAP, ScoresBySeed, report
from patina.fidelity.assessment import assess
from patina.fidelity.baselines import BASELINES, REAL, degraded
from patina.fidelity.page import Provenance, render
from patina.fidelity.properties import CLASSIFIER
from patina.fidelity.reference import Reference, Scores
from patina.fidelity.samples import Sample, read_samples
from patina.metrics.residuals import pgap
from patina.pipelines.provenance import Measurement, command_line, knob_text, provenance_of, run_of
from patina.shipped import shown_path
from patina.system.atomic import write_text
from patina.system.plain_values import plain_values
from patina.system.telling import tell


@dataclass(frozen=True)
class RealismRequest:
    """A comparison of learned degradations with real pictures.

    Attributes:
        methods: learned degradations and recipes.
        pictures: the folders of training and test pictures.
        seeds: seeds of trainings, noise and classifiers.
        out: a folder for everything that the experiment writes.
        classifier_steps: training steps of the two-sample classifier.
        denoiser: the configuration of the denoiser that measures PGAP; None leaves PGAP out.
        device: where to compute.
    """

    methods: tuple[Method, ...]
    pictures: Pictures
    seeds: tuple[int, ...]
    out: Path
    classifier_steps: int = 200
    denoiser: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Noise:
    """A degradation, and the digest of its model file, or its name."""

    degradation: Degradation
    model: str


Noises = dict[tuple[str, int], Noise]
"""Learned noises and those of the Gaussian baselines, by name and seed."""


def compare_realism(request: RealismRequest) -> str:
    """Train the models that are missing, and measure every method with every seed.

    Writes ``results.md``, ``results.json`` and a report for each method and seed into ``request.out``.

    Returns:
        The table, Markdown.

    Raises:
        PatinaError: a model, configuration or picture cannot be used, or a training was interrupted.
    """
    names = [method.name for method in request.methods]
    require_free_names(request.methods, BASELINES)
    if request.denoiser is not None:
        denoiser_config(request.denoiser)
    ready = ready_methods(request.methods, request.pictures, request.out, request.device, request.seeds)
    scores: ScoresBySeed = {name: [] for name in (*BASELINES, *names)}
    noises: Noises = {}
    clean = _all_samples(request.pictures.test_clean)
    real = _all_samples(request.pictures.test_real, [sample.name for sample in clean])
    for seed in request.seeds:
        tell(f"seed {seed}: measure {', '.join(names)} and the baselines")
        reference = Reference(clean, real, paired=True, seed=seed, classifier_steps=request.classifier_steps)
        noises |= {(name, seed): Noise(noise, name) for name, noise in reference.noises.items()}
        for name in BASELINES:
            scores[name].append(_distances(reference.baselines[name]))
        for method in request.methods:
            own = ready[method.name, seed]
            noises[method.name, seed] = Noise(own.degradation, own.digest)
            provenance = _provenance(request, method, seed, own.file)
            page = request.out / f"{method.name}-seed{seed}.html"
            scores[method.name].append(_measured(own.degradation, provenance, reference, page))
    if request.denoiser is not None:
        _add_pgap(request, scores, noises, request.denoiser)
    text = report(scores, request.seeds, len(clean))
    values = plain_values({"seeds": request.seeds, "scores": scores})
    write_text(request.out / "results.md", text + "\n")
    write_text(request.out / "results.json", json.dumps(values, indent=1) + "\n")
    return text


def _all_samples(folder: Path, names: Sequence[str] | None = None) -> list[Sample]:
    """Read a test set's folder; every image must be readable."""
    report = read_samples(folder, names=names)
    report.require_complete()
    return report.results


def _measured(degradation: Degradation, provenance: Provenance, reference: Reference, page: Path) -> dict[str, float]:
    """Degrade the clean pictures, write the method's report, and return its distances."""
    generated = degraded(reference.clean, degradation, reference.seed)
    assessment = assess(generated, reference)
    write_text(page, render(assessment, generated, reference, provenance))
    return _distances(assessment.scores)


def _distances(scores: Scores) -> dict[str, float]:
    """Return the distances, with the confidence interval of the classifier accuracy."""
    low, high = scores.interval
    return {**scores.distances, f"{CLASSIFIER.key}_low": low, f"{CLASSIFIER.key}_high": high}


def _provenance(request: RealismRequest, method: Method, seed: int, model: Path) -> Provenance:
    """Return the provenance of the report on a method and a seed."""
    measurement = Measurement(
        {"clean": request.pictures.test_clean, "real": request.pictures.test_real},
        paired=True,
        seed=seed,
        classifier_steps=request.classifier_steps,
        model=model,
        knobs=method.knobs,
    )
    command = _command(request, method, seed)
    return provenance_of(measurement, name=f"{method.name}, seed {seed}", command=command, run=run_of(model))


def _command(request: RealismRequest, method: Method, seed: int) -> str:
    """Return the command that measures one method with one seed."""
    given = shown_path(method.given) if Path(method.given).is_absolute() else method.given
    learned = ",".join(
        [f"{method.name}={given}", *(f"{name}={knob_text(value)}" for name, value in method.knobs.items())]
    )
    pictures = request.pictures
    folders = {name: getattr(pictures, name) for name in ("clean", "real", "test_clean", "test_real")}
    rest = {"device": None if request.device == "auto" else request.device, "out": request.out}
    numbers = {"seeds": seed, "judge_steps": request.classifier_steps}
    return command_line("fidelity", [], {"learned": learned} | folders | numbers | rest)


def _add_pgap(request: RealismRequest, scores: ScoresBySeed, noises: Noises, given: str) -> None:
    """Train a denoiser on real pairs and on every noise added to their clean pictures; add the losses to `scores`."""
    denoiser, out = denoiser_config(given), request.out
    real = scene_folds(request.pictures, out / "scenes")
    if not real:
        raise PatinaError(
            f"{request.pictures.test_real}: all pairs show one scene; --pgap trains on some scenes and tests on another"
        )
    folds: dict[tuple[str, int], list[Fold]] = {(REAL, seed): real for seed in request.seeds}
    for (name, seed), noise in noises.items():
        folds[name, seed] = like_real_folds(noise.degradation, f"{name}-seed{seed}", noise.model, real, out, seed)
    configs = [
        fold_config(denoiser, _label(name), fold, seed, out)
        for (name, seed), members in folds.items()
        for fold in members
    ]
    tell(f"train {len(configs)} denoisers of {denoiser.stages[-1].steps} steps")
    train_all(configs, request.device)
    psnr = {
        (name, seed): fold_score(denoiser, _label(name), members, seed, out, request.device)[0]
        for (name, seed), members in folds.items()
    }
    for name, by_seed in scores.items():
        for seed, distances in zip(request.seeds, by_seed, strict=True):
            distances[PGAP.key] = pgap(psnr[name, seed], psnr[REAL, seed])


def _label(name: str) -> str:
    return name.replace(" ", "-")
