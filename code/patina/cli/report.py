"""Show whether a learned degradation makes pictures look like real ones: one HTML page, and JSON for machines."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag
from patina.cli.translate import add_knob_flags, given_knobs
from patina.errors import PatinaError, require_range
from patina.fidelity.baselines import degraded
from patina.fidelity.page import Origin, render
from patina.fidelity.real_comparison import Reference, compare
from patina.fidelity.samples import Shot, chosen_files, load_shots
from patina.pipelines.provenance import (
    TRAINED,
    Run,
    command_line,
    knob_word,
    made_with,
    model_fact,
    name_of,
    pictures_fact,
    run_of,
    training_notes,
)
from patina.pipelines.realism_report import LEVELS, _exit_code, _page, _print, newest_model, report_values
from patina.specs.learned_objects import learned_degradation
from patina.system.atomic import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "run", nargs="?", type=Path, metavar="RUN", help="folder of a finished or running training, or a model file"
    )
    add_flag(parser, "clean", type=Path, help="folder of clean pictures; default: the run's own, held out where it has")
    add_flag(parser, "real", type=Path, help="folder of real pictures to compare with; default: the run's own")
    add_flag(parser, "generated", type=Path, help="folder of the clean pictures degraded, by name; in place of RUN")
    add_flag(parser, "paired", action="store_true", help="real pictures show what the clean ones of their name show")
    add_flag(
        parser, "scale", type=int, default=1,
        help="how many times smaller than the clean pictures the generated ones are; clean ones are shrunk to compare",
    )  # fmt: skip
    add_flag(parser, "out", type=Path, help="the page to write, or its folder; default: report.html in RUN, or here")
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
    add_device_flag(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the page, and say how it went."""
    _check(arguments)
    run = run_of(arguments.run) if arguments.run is not None else None
    if arguments.run is not None and not arguments.run.exists():
        raise PatinaError(f"{arguments.run}: no such run or model file; train it first, or name another")
    folders = _folders(arguments, run)
    reference = _reference(arguments, folders)
    generated, model = _generated(arguments, reference.clean)
    comparison = compare(generated, reference)
    origin = _origin(arguments, folders, run, model)
    values = report_values(comparison, reference, origin)
    out = _page(arguments.out, arguments.run)
    write_text(out, render(comparison, generated, reference, origin))
    write_text(out.with_suffix(".json"), json.dumps(values, indent=1, allow_nan=False) + "\n")
    if arguments.json:
        print(json.dumps(values, indent=1, allow_nan=False))
    else:
        _print(comparison, origin, out)
    return _exit_code(comparison, arguments.require)


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.run is None) == (arguments.generated is None):
        raise PatinaError("expected either RUN, a run folder or a model file, or -generated, a folder of pictures")
    if arguments.generated is not None and given_knobs(arguments):
        raise PatinaError(f"-{next(iter(given_knobs(arguments)))} is a model's; leave it out with -generated")
    for name, least in (("pictures", 4), ("side", 64), ("judge_steps", 1), ("scale", 1)):
        require_range(name, getattr(arguments, name), least)


def _folders(arguments: argparse.Namespace, run: Run | None) -> dict[str, Path]:
    """Return the folders of clean and real pictures: as given, or those that a run folder names."""
    own = run.own_folders if run is not None and arguments.run.is_dir() else {}
    folders = own | {name: given for name in ("clean", "real") if (given := getattr(arguments, name)) is not None}
    if len(folders) < 2:
        raise PatinaError("-clean and -real are needed: only a run folder knows its own")
    return folders


def _reference(arguments: argparse.Namespace, folders: Mapping[str, Path]) -> Reference:
    clean = load_shots(folders["clean"], limit=arguments.pictures, side=arguments.side, scale=arguments.scale)
    names = [shot.name for shot in clean] if arguments.paired else None
    real = load_shots(folders["real"], limit=arguments.pictures, side=arguments.side, names=names)
    return Reference(clean, real, paired=arguments.paired, seed=arguments.seed, judge_steps=arguments.judge_steps)


def _generated(arguments: argparse.Namespace, clean: list[Shot]) -> tuple[list[Shot], Path | None]:
    """Read or make the degraded pictures; return also the model that made them."""
    if arguments.generated is not None:
        names = [shot.name for shot in clean]
        return load_shots(arguments.generated, limit=len(names), side=arguments.side, names=names), None
    model = arguments.run if arguments.run.is_file() else newest_model(arguments.run)
    degradation = learned_degradation(model, device=arguments.device, **given_knobs(arguments))
    return degraded(clean, degradation, arguments.seed), model


def _origin(arguments: argparse.Namespace, folders: Mapping[str, Path], run: Run | None, model: Path | None) -> Origin:
    return Origin(
        name=name_of(arguments.run or arguments.generated),
        command=_command(arguments, run),
        facts=_facts(arguments, folders, model),
        config=run.text if run else "",
        log=run.log if run else [],
        notes=training_notes(run, folders),
    )


def _facts(arguments: argparse.Namespace, folders: Mapping[str, Path], model: Path | None) -> list[tuple[str, str]]:
    stems = [path.stem for path in chosen_files(folders["clean"], limit=arguments.pictures)]
    named = {"clean": None, "real": stems if arguments.paired else None, "generated": stems}
    measured = folders | ({"generated": arguments.generated} if arguments.generated else {})
    facts = [
        (f"{name} pictures", pictures_fact(folder, limit=arguments.pictures, names=named[name]))
        for name, folder in measured.items()
    ]
    facts += [
        ("pairs", "yes: every real picture shows what its clean one shows" if arguments.paired else "no"),
        ("pictures", f"at most {arguments.pictures} of each folder"),
        ("side", f"at most {arguments.side} pixels"),
        ("judge_steps", str(arguments.judge_steps)),
        ("seed", str(arguments.seed)),
    ]
    if arguments.scale > 1:
        facts.append(("scale", f"clean pictures shrunk {arguments.scale} times"))
    if model is not None:
        facts.append(("model", model_fact(model)))
        facts += [(name, knob_word(value)) for name, value in given_knobs(arguments).items()]
    return [*facts, made_with()]


def _command(arguments: argparse.Namespace, run: Run | None) -> str:
    """Return what was typed, every number spelt out, and the training before it."""
    given = {name: getattr(arguments, name) for name in ("generated", "clean", "real", "paired")}
    numbers = {name: getattr(arguments, name) for name in ("pictures", "side", "seed", "judge_steps")}
    knobs = {name: knob_word(value) for name, value in given_knobs(arguments).items()}
    numbers |= {"scale": arguments.scale} if arguments.scale > 1 else {}
    rest = {"device": None if arguments.device == "auto" else arguments.device, "out": arguments.out}
    words = [arguments.run] if arguments.run is not None else []
    report = command_line("report", words, given | knobs | numbers | rest)
    return f"{TRAINED}{report}" if run else report
