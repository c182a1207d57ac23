"""Look at a learned degradation: both translations, and samples from both domains."""

import argparse
from pathlib import Path

from patina.cli.flags import add_compute_flags, add_flag
from patina.cli.translate import add_knob_flags, given_knobs
from patina.degradations.learned_degradation import LearnedDegradation, Tiling
from patina.errors import require_range
from patina.imaging.picture_files import write_picture
from patina.imaging.sheets import sheet
from patina.models.labels import REAL
from patina.pipelines.model_validation import _show
from patina.pipelines.translation import load_learned_config, model_path
from patina.runs.folder_job import run_folder_job
from patina.specs.learned_objects import LEARNED, learned_degradation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "opt", required=True, help="configuration that the model was trained from")
    add_flag(parser, "model_path", help="model file; default: the configuration's finished run")
    add_flag(parser, "out_dir", "out", required=True, help="folder for the pictures")
    add_flag(parser, "pictures", type=int, default=4, help="pictures of each domain")
    add_knob_flags(parser)
    add_flag(parser, "seed", type=int, default=0, help="of the noise")
    add_flag(parser, "tile", type=int, help="side of a tile in pixels; less needs less memory")
    add_compute_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write ``X_to_Y/``, ``Y_to_X/``, ``X_sample/``, ``Y_sample/`` and a sheet of them."""
    require_range("pictures", arguments.pictures, 1)
    config = load_learned_config(arguments.opt)
    path = model_path(arguments.model_path, config)
    out = Path(arguments.out_dir)
    exit_code, rows, ways = 0, [], []
    for source, domain in enumerate(LEARNED[config.task].domains(config)):
        degradation = learned_degradation(
            path,
            config,
            source=source,
            tiling=Tiling(arguments.tile),
            device=arguments.device,
            precision=arguments.precision,
            **given_knobs(arguments),
        )

        def show(picture: Path, source: int = source, degradation: LearnedDegradation = degradation) -> None:
            rows.append(_show(degradation, picture, source, out, arguments.seed))
            ways.append("real to clean" if source == REAL else "clean to real")

        report = run_folder_job(
            domain.images[: arguments.pictures], show, description=f"validate {domain.name}", name=str
        )
        report.print_summary()
        exit_code = max(exit_code, report.exit_code)
    titles = ["source", "translated", "clean sample (X)", "real sample (Y)"]
    if rows:
        write_picture(out / "sheet.png", sheet(rows, titles, ways))
    return exit_code
