"""Measure a learned noise by the denoisers that it trains, against Gaussian noise and real pairs, on true pairs."""

import argparse
import json
from pathlib import Path

import numpy as np

from patina.cli.flags import add_device_flag, add_flag
from patina.data.matching import match_by_stem
from patina.degradations.fitted_noise import FittedGaussianNoise
from patina.experiments.denoising import (
    GAUSSIAN,
    NOTHING,
    REAL_PAIRS,
    SETS,
    Pictures,
    _mean_score,
    _noise_report,
    _sheet,
    _trained_model,
    denoiser_config,
    fitted_sigma,
    fold_config,
    fold_score,
    report,
    scene_folds,
    synthetic_fold,
)
from patina.experiments.parallel_training import named_model, say, train_all
from patina.imaging.picture_files import write_picture
from patina.runs.fingerprint import file_digest
from patina.specs.learned_objects import learned_degradation
from patina.system.atomic import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "opt", default="DnCNN-polyu", help="configuration of the denoiser, a restoration at scale 1")
    add_flag(
        parser,
        "learned",
        nargs="+",
        default=["LUD-VAE=LUDVAE-polyu", "LUD-VAE-detail=LUDVAE-polyu,detail=1", "DeFlow=DeFlow-polyu"],
        metavar="NAME=MODEL[,KNOB=VALUE]",
        help="learned noises: a model file, or a configuration, trained first where it is not yet; and its knobs",
    )
    add_flag(parser, "clean", default=SETS / "train_clean", help="folder of clean pictures")
    add_flag(parser, "real", default=SETS / "train_real", help="folder of real pictures of other scenes")
    add_flag(parser, "test_real", default=SETS / "test_real", help="folder of real pictures to denoise")
    add_flag(parser, "test_clean", default=SETS / "test_clean", help="folder of their truth, matched by stem")
    add_flag(parser, "seeds", type=int, nargs="+", default=[0, 1, 2], help="of the denoisers")
    add_flag(parser, "out", "out_dir", default="results/denoise", help="folder for everything the experiment writes")
    add_device_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make the pairs, train the denoisers and measure them; what an earlier call has finished is not done again."""
    denoiser = denoiser_config(arguments.opt)
    taken = (NOTHING, GAUSSIAN, REAL_PAIRS)
    learned = {name: (given, knobs) for name, given, knobs in (named_model(each, taken) for each in arguments.learned)}
    pictures = Pictures(*(Path(getattr(arguments, name)) for name in ("clean", "real", "test_real", "test_clean")))
    out = Path(arguments.out)
    match_by_stem(pictures.test_real, pictures.test_clean)
    say(f"1/3 pairs: Gaussian noise and {', '.join(learned)} onto the clean pictures")
    sigma = fitted_sigma(pictures.real, pictures.clean)
    methods = {GAUSSIAN: synthetic_fold(FittedGaussianNoise(sigma), GAUSSIAN, "gaussian", pictures, out)}
    for name, (given, knobs) in learned.items():
        model = _trained_model(given, pictures, arguments.device)
        degradation = learned_degradation(model, device=arguments.device, **knobs)
        methods[name] = synthetic_fold(degradation, name, file_digest(model), pictures, out)
    methods[REAL_PAIRS] = scene_folds(pictures, out / "scenes")
    methods = {name: folds for name, folds in methods.items() if folds}
    configs = [
        fold_config(denoiser, name, fold, seed, out)
        for name, folds in methods.items()
        for fold in folds
        for seed in arguments.seeds
    ]
    say(f"2/3 denoisers: {len(configs)} trainings of {denoiser.stages[-1].steps} steps, seeds {arguments.seeds}")
    train_all(configs, arguments.device)
    say("3/3 denoise and measure the true pairs")
    scores = {NOTHING: np.array([_mean_score(pictures.test_real, pictures.test_clean)])}
    for name, folds in methods.items():
        scores[name] = np.array(
            [fold_score(denoiser, name, folds, seed, out, arguments.device) for seed in arguments.seeds]
        )
    text = report(scores, arguments.seeds, sigma) + "\n\n" + _noise_report(pictures, methods, learned)
    write_text(out / "results.md", text + "\n")
    write_text(out / "results.json", json.dumps({name: score.tolist() for name, score in scores.items()}, indent=1))
    write_picture(out / "sheet.png", _sheet(pictures, methods, arguments.seeds[0], out))
    print(text)
    return 0
