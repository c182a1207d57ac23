"""Draw a sheet of a learned degradation: translations in both directions, and samples of both domains."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor

from patina.degradations.knobs import Span
from patina.degradations.learned_degradation import LearnedDegradation, Tiling
from patina.errors import require_range
from patina.imaging.crop_and_pad import centre_crop
from patina.imaging.picture_files import read_picture, write_picture
from patina.imaging.sheets import sheet
from patina.imaging.value_spaces import to_eight_bit, to_pixels, to_tensor
from patina.models.labels import CLEAN, REAL
from patina.pipelines.degraded_domain import with_degraded_clean
from patina.pipelines.translation import load_learned_config, model_path
from patina.runs.folder_job import JobReport, run_folder_job
from patina.runs.folder_lock import folder_lock
from patina.seeding import derive, numpy_rng
from patina.specs.learned_spec import learned_degradation

NAMES = {CLEAN: "X", REAL: "Y"}
SHEET = "sheet.png"
SHEET_SIDE = 256
"""Side of the crops on the sheet, in pixels."""


@dataclass(frozen=True)
class ValidationRequest:
    """A learned degradation to look at.

    Attributes:
        config: path of the configuration that the model was trained with, or its name in ``confs/``.
        out: output folder.
        model: model file; None for the finished run of `config`.
        pictures: number of pictures from each domain.
        knobs: values of knobs by name: a number, or a range to draw from for every picture.
        seed: seed of the noise.
        tile: side of a tile in pixels; None for the model's own.
        device, precision: as in `learned_degradation`.
    """

    config: str
    out: Path
    model: Path | None = None
    pictures: int = 4
    knobs: Mapping[str, Span] = field(default_factory=dict)
    seed: int = 0
    tile: int | None = None
    device: str = "auto"
    precision: str = "auto"


def validate(request: ValidationRequest) -> JobReport[list[np.ndarray]]:
    """Translate and sample pictures of both domains, and lay everything out on a sheet.

    Writes ``X_to_Y/``, ``Y_to_X/``, ``X_sample/``, ``Y_sample/`` and ``sheet.png``.

    Returns:
        The report; its results are rows of the sheet: lists of uint8 ``[H, W, 3]`` crops.

    Raises:
        PatinaError: the configuration, the model, a set or a setting cannot be used.
    """
    with folder_lock(request.out, "validate"):
        return _validated(request)


def _validated(request: ValidationRequest) -> JobReport[list[np.ndarray]]:
    require_range("pictures", request.pictures, 1)
    config = with_degraded_clean(load_learned_config(request.config), request.device)
    path = model_path(request.model, config)
    report: JobReport[list[np.ndarray]] = JobReport()
    titles: list[str] = []
    for source, domain in enumerate(config.domains()):
        degradation = learned_degradation(
            path,
            config,
            source=source,
            tiling=Tiling(request.tile),
            device=request.device,
            precision=request.precision,
            knobs=request.knobs,
        )
        rows = run_folder_job(
            domain.images[: request.pictures],
            partial(_row, degradation=degradation, source=source, request=request),
            description=f"validate {domain.name}",
            name=str,
        )
        titles += ["real to clean" if source == REAL else "clean to real"] * len(rows.results)
        report.results += rows.results
        report.failures += rows.failures
        report.notes += rows.notes
    if report.results:
        columns = ["source", "translated", "clean sample (X)", "real sample (Y)"]
        write_picture(request.out / SHEET, sheet(report.results, columns, titles))
    return report


def _row(path: Path, *, degradation: LearnedDegradation, source: int, request: ValidationRequest) -> list[np.ndarray]:
    """Write a picture's translation and samples; return their crops for the sheet."""
    pixels = read_picture(path, alpha="refuse").pixels
    image, row = to_tensor(pixels), [to_eight_bit(centre_crop(pixels, SHEET_SIDE))]
    for folder, result in _results(degradation, image, source, derive(request.seed, path.name)):
        shown = to_pixels(result, np.uint8)
        write_picture(request.out / folder / f"{path.stem}.png", shown)
        row.append(centre_crop(shown, SHEET_SIDE))
    return row


def _results(degradation: LearnedDegradation, image: Tensor, source: int, key: int) -> Iterator[tuple[str, Tensor]]:
    """Yield a picture's translation and its samples in both domains, with the names of their folders."""
    parameters = degradation.draw(numpy_rng(key, "parameters"))
    yield f"{NAMES[source]}_to_{NAMES[1 - source]}", degradation.apply(image, parameters, key)
    for domain in (CLEAN, REAL):
        yield f"{NAMES[domain]}_sample", degradation.sample(image, domain, key)
