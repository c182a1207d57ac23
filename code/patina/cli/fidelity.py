"""Hold learned degradations against real pictures by every measure, beside fitted noise: one table over seeds."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag
from patina.errors import PatinaError
from patina.experiments.denoising import (
    SETS,
    Fold,
    Pictures,
    denoiser_config,
    fold_config,
    fold_score,
    like_real_folds,
    scene_folds,
)
from patina.experiments.parallel_training import named_model, say, train_all
from patina.experiments.realism_tables import ALL, PGAP, Method, Noise, Scores, _measured, _models, _values, report
from patina.fidelity.baselines import REAL
from patina.fidelity.page import Origin
from patina.fidelity.real_comparison import YARDSTICKS, Reference
from patina.fidelity.samples import chosen_files, load_shots
from patina.metrics.residuals import pgap
from patina.pipelines.provenance import (
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
from patina.pipelines.realism_report import plain_values
from patina.runs.fingerprint import file_digest
from patina.specs.learned_objects import learned_degradation
from patina.specs.restoration_settings import RestorationConfig
from patina.system.atomic import write_text


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
