"""Show whether a learned degradation makes pictures look like real ones: one HTML page, and JSON for machines."""

import argparse
import json
import platform
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patina.build.learned import learned_degradation
from patina.config.learned import DeFlowConfig, LearnedConfig, LUDVAEConfig
from patina.errors import PatinaError
from patina.fidelity.comparison import Comparison, Reference, compare
from patina.fidelity.page import Origin, headline, render
from patina.fidelity.profile import Profile
from patina.fidelity.shots import Shot, load_shots
from patina.fidelity.yardsticks import degraded
from patina.metrics.spectrum import by_frequency, by_orientation
from patina.models.files import file_hash
from patina.runs.atomic import write_text
from patina.verbs.arguments import add_flag
from patina.verbs.translate import add_knob_flags, given_knobs, load_learned_config
from patina.version import __version__

NOT_REACHED = 1
LEVELS = {"better": ("real", "better"), "real": ("real",)}
"""The grades that ``-require`` accepts."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "run", nargs="?", type=Path, metavar="RUN", help="folder of a finished or running training, or a model file"
    )
    add_flag(parser, "clean", type=Path, help="folder of clean pictures; default: the run's own, held out where it has")
    add_flag(parser, "real", type=Path, help="folder of real pictures to compare with; default: the run's own")
    add_flag(parser, "generated", type=Path, help="folder of the clean pictures degraded, by name; in place of RUN")
    add_flag(parser, "paired", action="store_true", help="real pictures show what the clean ones of their name show")
    add_flag(parser, "out", type=Path, help="the page to write; default: report.html in RUN, or here")
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON, and nothing else")
    parser.add_argument(
        "--require",
        nargs="?",
        const="better",
        choices=list(LEVELS),
        help="exit with 1 unless every property is better than fitted noise, or as in real pictures (real)",
    )
    add_flag(parser, "pictures", type=int, default=24, help="most pictures of each folder")
    add_flag(
        parser, "side", type=int, default=512, help="larger pictures are measured in their middle, this many pixels"
    )
    add_knob_flags(parser)
    add_flag(parser, "seed", type=int, default=0, help="of noise, patches and classifiers")
    add_flag(
        parser, "judge_steps", type=int, default=200, help="training steps of the classifier that tells sets apart"
    )
    add_flag(parser, "device", default="auto", choices=["auto", "cpu", "cuda", "mps"], help="where to compute")


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the page, and say how it went."""
    _check(arguments)
    config = _run_config(arguments.run)
    reference = _reference(arguments, config)
    generated, model = _generated(arguments, reference.clean)
    comparison = compare(generated, reference)
    origin = _origin(arguments, reference, config, model)
    values = report_values(comparison, reference, origin)
    out = arguments.out or _default_page(arguments.run)
    write_text(out, render(comparison, generated, reference, origin))
    write_text(out.with_suffix(".json"), json.dumps(values, indent=1) + "\n")
    if arguments.json:
        print(json.dumps(values, indent=1))
    else:
        _print(comparison, out)
    return _exit_code(comparison, arguments.require)


def report_values(comparison: Comparison, reference: Reference, origin: Origin) -> dict[str, Any]:
    """Return everything measured as plain JSON values; what is not a number is null."""
    profile, real = (_profile_values(each) for each in (comparison.profile, reference.profile))
    return plain_values(
        {
            "name": origin.name,
            "headline": headline(comparison.findings),
            "findings": [asdict(finding) for finding in comparison.findings],
            "two_sample_interval": comparison.scores.interval,
            "yardsticks": {name: noise.draw(np.random.default_rng(0)) for name, noise in reference.noises.items()},
            "generated": profile,
            "real": real,
            "command": origin.command,
            "facts": dict(origin.facts),
        }
    )


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.run is None) == (arguments.generated is None):
        raise PatinaError("expected either RUN, a run folder or a model file, or -generated, a folder of pictures")
    if arguments.generated is not None and given_knobs(arguments):
        raise PatinaError(f"-{next(iter(given_knobs(arguments)))} is a model's; leave it out with -generated")
    for name, least in (("pictures", 4), ("side", 64), ("judge_steps", 1)):
        if getattr(arguments, name) < least:
            raise PatinaError(f"-{name} is {getattr(arguments, name)}, expected {least} or more")


def _run_config(run: Path | None) -> LearnedConfig | None:
    """Return the configuration of a run folder; None for a model file or no run.

    Raises:
        PatinaError: the folder is no run of a learned degradation.
    """
    if run is None or run.is_file():
        return None
    if not (run / "config.yml").is_file():
        raise PatinaError(
            f"{run}: no run folder (it has no config.yml) and no model file; name a folder that `patina train` made"
        )
    return load_learned_config(str(run / "config.yml"))


def _reference(arguments: argparse.Namespace, config: LearnedConfig | None) -> Reference:
    own = _own_folders(config)
    clean_folder, real_folder = arguments.clean or own[0], arguments.real or own[1]
    if clean_folder is None or real_folder is None:
        raise PatinaError("-clean and -real are needed: only a run folder knows its own")
    clean = load_shots(clean_folder, limit=arguments.pictures, side=arguments.side)
    names = [shot.name for shot in clean] if arguments.paired else None
    real = load_shots(real_folder, limit=arguments.pictures, side=arguments.side, names=names)
    return Reference(clean, real, paired=arguments.paired, seed=arguments.seed, judge_steps=arguments.judge_steps)


def _own_folders(config: LearnedConfig | None) -> tuple[Path | None, Path | None]:
    """Return the folders of a run's clean and real pictures, held out ones where it has them."""
    if isinstance(config, DeFlowConfig):
        sets = [config.validation.clean or config.data.clean, config.validation.real or config.data.real]
        return tuple(each.folder / f"{each.image_scale}x" for each in sets)
    if isinstance(config, LUDVAEConfig):
        return config.validation.clean or config.data.clean, config.validation.real or config.data.real
    return None, None


def _generated(arguments: argparse.Namespace, clean: list[Shot]) -> tuple[list[Shot], Path | None]:
    """Read or make the degraded pictures; return also the model that made them."""
    if arguments.generated is not None:
        names = [shot.name for shot in clean]
        return load_shots(arguments.generated, limit=len(names), side=arguments.side, names=names), None
    model = arguments.run if arguments.run.is_file() else newest_model(arguments.run)
    degradation = learned_degradation(model, device=arguments.device, **given_knobs(arguments))
    return degraded(clean, degradation, arguments.seed), model


def newest_model(run: Path) -> Path:
    """Return a run's final model, or its newest one.

    Raises:
        PatinaError: it has none yet.
    """
    models = sorted(
        (run / "models").glob("*.safetensors"), key=lambda path: (path.stem == "final", path.stem.zfill(12))
    )
    if not models:
        raise PatinaError(f"{run}: the run has no model yet; train it further")
    return models[-1]


def _origin(
    arguments: argparse.Namespace, reference: Reference, config: LearnedConfig | None, model: Path | None
) -> Origin:
    source = arguments.run or arguments.generated
    facts = [
        ("clean pictures", f"{len(reference.clean)} of {arguments.clean or _own_folders(config)[0]}"),
        ("real pictures", f"{len(reference.real)} of {arguments.real or _own_folders(config)[1]}"),
        ("pairs", "yes: every real picture shows what its clean one shows" if arguments.paired else "no"),
        ("seed", str(arguments.seed)),
    ]
    if model is not None:
        facts += [("model", f"{model.name}, SHA-256 {file_hash(model)}…")]
        facts += [(name, str(value)) for name, value in given_knobs(arguments).items()]
    facts.append(("made with", f"Patina {__version__}, Python {platform.python_version()}, torch {torch.__version__}"))
    run = arguments.run if arguments.run is not None and arguments.run.is_dir() else None
    return Origin(
        name=config.name if config else source.stem,
        command=_command(config),
        facts=facts,
        config=(run / "config.yml").read_text(encoding="utf-8") if run else "",
        log=_log(run) if run else [],
    )


def _command(config: LearnedConfig | None) -> str:
    report = f"patina report {shlex.join(sys.argv[2:])}" if len(sys.argv) > 2 else "patina report"
    train = "patina train -opt config.yml    # the configuration below\n" if config else ""
    return train + report


def _log(run: Path) -> list[dict[str, Any]]:
    """Read a run's log; lines that a killed run left half written are passed over."""
    lines = []
    for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines() if (run / "log.jsonl").is_file() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines


def _default_page(run: Path | None) -> Path:
    return run / "report.html" if run is not None and run.is_dir() else Path("report.html")


def _profile_values(profile: Profile) -> dict[str, Any]:
    level = profile.level
    return {
        "deviation": profile.deviation,
        "neighbour_correlation": profile.neighbours,
        "channel_correlation": profile.channels,
        "covariance": profile.covariance,
        "kurtosis": profile.kurtosis,
        "blockiness": profile.blockiness,
        "autocorrelation": profile.correlation,
        "spectrum": dict(zip(("frequency", "power"), by_frequency(profile.spectrum), strict=True)),
        "orientation": dict(zip(("degrees", "power"), by_orientation(profile.spectrum), strict=True)),
        "noise_level": {"brightness": level.brightness, "variance": level.variance, "pixels": level.counts},
    }


def plain_values(value: Any) -> Any:
    """Return `value` as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain_values(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _print(comparison: Comparison, out: Path) -> None:
    print(headline(comparison.findings))
    for finding in comparison.findings:
        print(f"{finding.title:<15} {finding.sentence}")
    print(f"{out}")


def _exit_code(comparison: Comparison, required: str | None) -> int:
    if required is None:
        return 0
    told = [finding for finding in comparison.findings if finding.grade != "unclear"]
    missed = [finding.title for finding in told if finding.grade not in LEVELS[required]]
    if blind := [finding.title for finding in comparison.findings if finding.grade == "unclear"]:
        print(f"told nothing: {', '.join(blind)}", file=sys.stderr)
    if missed:
        print(f"not reached ({required}): {', '.join(missed)}", file=sys.stderr)
    return 0 if told and not missed else NOT_REACHED
