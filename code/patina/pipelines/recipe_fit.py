"""Fit a recipe to photos: read files, measure pixels, match by synthesis, write profiles."""

import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from patina.degradations.recipe import parse_recipe
from patina.errors import PatinaError, PictureError, require_range
from patina.fitting.agreement import Agreement, agreements
from patina.fitting.family import DEFAULT_FAMILIES, load_families
from patina.fitting.family_choice import best_match
from patina.fitting.profiles import NumberFinding, empty_recipe, findings, profile_recipe
from patina.fitting.search import SAMPLES, Search, SynthesisMatch, as_array, undegraded
from patina.fitting.sentence import sentence
from patina.fitting.synthesis import clean_crops
from patina.imaging.picture_files import read_picture
from patina.imaging.sources import Source, list_sources, some_sources
from patina.pipelines.photo_measurement import PhotoRequest, measure_photos
from patina.runs.folder_job import checked_workers, run_folder_job
from patina.seeding import numpy_rng
from patina.system.atomic import write_text

FEWEST_PHOTOS = 4
MOST_CLEAN = 60
"""Clean pictures that are degraded; more of them only cost memory."""

NOISIER = 1.0
"""Difference of log variances above which the clean pictures are said to be the noisier ones."""


@dataclass(frozen=True)
class FitRequest:
    """What to fit to which photos.

    Attributes:
        clean: folder of clean pictures, `scale` times larger than the photos' kind.
        real: folder of photos.
        out: the recipe to write.
        families: recipes with free numbers, paths or names, in the order in which they are tried.
        scale: in place of the families'.
        pictures: most photos, chosen at random.
        seed: of everything that is drawn.
        recursive: whether subfolders count, too.
        workers: processes; None for one per core.
        samples: clean pictures that are degraded in every round.
    """

    clean: Path
    real: Path
    out: Path
    families: tuple[str, ...] = DEFAULT_FAMILIES
    scale: int | None = None
    pictures: int = 100
    seed: int = 0
    recursive: bool = False
    workers: int | None = None
    samples: int = SAMPLES


@dataclass(frozen=True)
class Fit:
    """A fitted recipe and what is known of it.

    Attributes:
        photos: names of the photos.
        set_aside: pictures that are no photos or cannot be read, and why.
        match: the numbers; None where nothing was found.
        agreements: how near fitted pictures come to the photos.
        text: the recipe in YAML.
        summary: one sentence.
    """

    photos: tuple[str, ...]
    set_aside: tuple[tuple[str, str], ...]
    match: SynthesisMatch | None
    agreements: tuple[Agreement, ...]
    text: str
    summary: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        numbers = findings(self.match) if self.match else []
        return {
            "summary": self.summary,
            "photos": list(self.photos),
            "set_aside": [{"name": name, "reason": reason} for name, reason in self.set_aside],
            "numbers": [_finding_values(number) for number in numbers],
            "agreement": [
                {"group": found.group, "fitted": found.fitted, "halves": found.halves, "close": found.is_close}
                for found in self.agreements
            ],
            "distances": list(self.match.distances) if self.match else [],
        }


def fit_recipe(request: FitRequest) -> Fit:
    """Fit and write a recipe.

    Raises:
        PatinaError: too few photos, exchanged folders, or anything else that cannot be used.
    """
    require_range("pictures", request.pictures, FEWEST_PHOTOS)
    workers = checked_workers(request.workers)
    families = load_families(request.families, request.scale)
    wanted = PhotoRequest(request.real, request.recursive, request.pictures, request.seed, workers)
    report = measure_photos(wanted, "measure photos")
    photos = report.results
    if len(photos) < FEWEST_PHOTOS:
        raise PatinaError(f"{request.real}: {len(photos)} photos can be measured, expected {FEWEST_PHOTOS} or more")
    names, set_aside = tuple(photo.name for photo in photos), tuple(report.failures)
    remark, scale = f"Fitted to {len(photos)} photos of {request.real.name}", families[0].scale
    with tempfile.TemporaryDirectory(prefix="patina-fit-") as folder:
        clean = _clean_crops(request, scale, Path(folder))
        measures = tuple(photos[0].measures)
        measured = as_array(measures, (photo.measures for photo in photos))
        plain = undegraded(scale, measures, clean, workers=workers, seed=request.seed)
        _require_order(request, measures, plain.mean(axis=0) - measured.mean(axis=0))
        found = tuple(agreements(measures, measured, plain, request.seed))
        if all(agreement.is_close for agreement in found):
            summary = "Nothing found: the photos measure as the clean pictures do."
            fit = Fit(names, set_aside, None, found, empty_recipe(scale, [f"{remark}.", summary]), summary)
        else:
            compressions = [photo.compression for photo in photos]
            matched = best_match([
                Search(family, measures, measured, compressions, clean, workers, request.seed, request.samples)
                for family in families
            ])  # fmt: skip
            found = tuple(agreements(measures, measured, matched.fitted, request.seed))
            summary = sentence(findings(matched), compressions, found)
            remark = f"{remark}, family {matched.family.name}."
            text = profile_recipe(matched, names, compressions, [remark, *textwrap.wrap(summary, 110), ""])
            fit = Fit(names, set_aside, matched, found, text, summary)
    parse_recipe(yaml.safe_load(fit.text), request.out)  # what is written can be read
    write_text(request.out, fit.text)
    return fit


def _require_order(request: FitRequest, names: Sequence[str], excess: np.ndarray) -> None:
    """Refuse exchanged folders.

    Args:
        request: names the folders.
        names: of the measures.
        excess: ``[k]``, mean measures of the clean pictures less those of the photos.

    Raises:
        PatinaError: the clean pictures are noisier, and no sharper.
    """
    difference = dict(zip(names, excess, strict=True))
    if difference["y.variance"] > NOISIER and difference["edge.width0"] + difference["edge.width2"] > 0:
        raise PatinaError(
            f"{request.clean} is noisier than {request.real}, and no sharper; are the folders exchanged? "
            "expected the clean pictures first"
        )


def _clean_crops(request: FitRequest, scale: int, folder: Path) -> list[Path]:
    """Write the crops of each clean picture into a file of a folder."""
    rng = numpy_rng(request.seed, "clean")
    sources = some_sources(list_sources(request.clean, request.recursive), MOST_CLEAN, rng)
    files = {source.name: folder / f"{number}.npy" for number, source in enumerate(sources)}

    def write(source: Source) -> Path:
        pixels = read_picture(source.path, alpha="refuse").pixels
        if min(pixels.shape[:2]) < 64 * scale:
            height, width = pixels.shape[:2]
            raise PictureError(f"{source} is {width}x{height}; scale {scale} needs {64 * scale} on each side")
        np.save(files[source.name], clean_crops(pixels, scale))
        return files[source.name]

    report = run_folder_job(sources, write, description="read clean pictures", name=str)
    report.print_summary()
    if not report.results:
        raise PatinaError(f"{request.clean}: none of {len(sources)} pictures can be used; {report.failures[0][1]}")
    return report.results


def _finding_values(finding: NumberFinding) -> dict[str, Any]:
    return {
        "name": finding.number.name,
        "low": finding.low,
        "middle": finding.middle,
        "high": finding.high,
        "error": finding.error,
        "decided": finding.decided,
    }
