"""Fit a recipe to photos: read files, measure pixels, match by synthesis, write profiles."""

import os
import tempfile
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from patina.degradations.recipe import parse_recipe
from patina.errors import PatinaError, require_range
from patina.fitting.agreement import agreements, is_poor
from patina.fitting.contents import Contents
from patina.fitting.family import DEFAULT_FAMILIES, load_families
from patina.fitting.family_choice import best_match
from patina.fitting.fit_result import Fit
from patina.fitting.folder_order import are_swapped, order_to_check
from patina.fitting.photo import Photo
from patina.fitting.profiles import empty_recipe, findings, profile_recipe
from patina.fitting.quantities import MeasuredSets
from patina.fitting.search import MOST_ROUNDS, SAMPLES, Search, SynthesisMatch
from patina.fitting.sentence import no_closer, nothing_found, sentence
from patina.fitting.synthesis import as_array, undegraded
from patina.imaging.sources import list_sources, some_sources
from patina.pipelines.clean_images import (
    CleanImage,
    can_be_halved,
    have_blocks,
    needed_pixels,
    own_compression,
    read_clean_images,
    small_images,
)
from patina.pipelines.learned_families import with_models
from patina.pipelines.photo_measurement import PhotoRequest, measure_photos
from patina.runs.worker_processes import checked_workers, kept_workers
from patina.seeding import numpy_rng
from patina.system.atomic import write_text
from patina.system.telling import warn
from patina.system.yaml_files import parsed_yaml

FEWEST_PHOTOS = 4
ENOUGH_PHOTOS = 20
"""Fewer photos, or clean pictures, are too few to determine all numbers of a family."""

MOST_CLEAN = 60
"""Clean pictures that are degraded; more of them only cost memory."""


@dataclass(frozen=True)
class FitRequest:
    """What to fit to which photos.

    Attributes:
        clean: folder of clean pictures, `scale` times larger than the photos' kind.
        real: folder of photos.
        out: the recipe to write; None to write none.
        families: recipes with free numbers, paths or names, in the order in which they are tried.
        scale: in place of the families'.
        pictures: most photos, chosen at random.
        seed: of everything that is drawn.
        recursive: whether subfolders count, too.
        workers: processes; None for one per core.
        samples: clean pictures that are degraded in every round.
        rounds: most rounds of a search.
        are_fitted: whether the clean pictures were degraded by an earlier fit, so that their compression is meant.
    """

    clean: Path
    real: Path
    out: Path | None
    families: tuple[str, ...] = DEFAULT_FAMILIES
    scale: int | None = None
    pictures: int = 100
    seed: int = 0
    recursive: bool = False
    workers: int | None = None
    samples: int = SAMPLES
    rounds: int = MOST_ROUNDS
    are_fitted: bool = False


def fit_recipe(request: FitRequest) -> Fit:
    """Fit a recipe, and write it if the request names a file.

    Raises:
        PatinaError: too few photos, swapped folders, or anything else that cannot be used.
    """
    # Beside other programs, BLAS's threads wait for each other twenty times as long as the small products here take.
    with threadpool_limits(limits=1, user_api="blas"), kept_workers(checked_workers(request.workers)):
        fit = _fit(request)
    if request.out is not None:
        write_text(request.out, fit.text)
    return fit


def _fit(request: FitRequest) -> Fit:
    began = time.perf_counter()
    require_range("pictures", request.pictures, FEWEST_PHOTOS)
    workers = checked_workers(request.workers)
    families = [with_models(family) for family in load_families(request.families, request.scale)]
    scale = families[0].scale
    wanted = PhotoRequest(request.real, request.recursive, request.pictures, request.seed, workers)
    report = measure_photos(wanted, "measure photos")
    photos = report.results
    if len(photos) < FEWEST_PHOTOS:
        raise PatinaError(f"{request.real}: {len(photos)} photos can be measured, expected {FEWEST_PHOTOS} or more")
    with tempfile.TemporaryDirectory(prefix="patina-fit-") as folder:
        clean = _clean_images(request, scale, Path(folder))
        names, files = tuple(photos[0].measures), [image.crops for image in clean]
        measured = as_array(names, (photo.measures for photo in photos))
        plain = undegraded(scale, names, files, workers=workers)
        excess = dict(zip(names, plain.mean(axis=0) - measured.mean(axis=0), strict=True))
        _require_order(request, excess)
        needed = needed_pixels(photos, scale)
        can_shrink = can_be_halved(clean, scale, needed)
        compressed = "" if request.are_fitted else own_compression(clean, scale, can_shrink=can_shrink)
        if compressed:
            warn(f"warning: {request.clean}: {compressed}")
        before = agreements(names, measured, plain, request.seed)
        compressions = [photo.compression for photo in photos]
        limits = request.seed, request.samples, request.rounds
        contents = Contents.of(names, plain, have_blocks=have_blocks(clean))
        searches = [
            Search(family, names, measured, compressions, files, contents, workers, *limits) for family in families
        ]
        match = None if all(agreement.is_close for agreement in before) else best_match(searches)
    after = before if match is None else agreements(names, measured, match.fitted, request.seed)
    found = nothing_found(photos) if match is None else sentence(findings(match), photos, after)
    cautions = [
        no_closer(after, before, can_shrink=can_shrink) if match else "",
        order_to_check(excess, after),
        _few(len(photos), len(clean)),
        small_images(clean, scale, needed),
    ]
    cautions = [caution for caution in cautions if caution]
    return Fit(
        families=tuple(family.name for family in families),
        scale=scale,
        photos=tuple(photo.name for photo in photos),
        compressions=tuple(photo.compression for photo in photos),
        impulses=tuple(photo.impulses for photo in photos),
        upscaled=tuple(photo.name for photo in photos if photo.is_upscaled),
        set_aside=tuple(_without_folder(request.real, *failure) for failure in report.failures),
        clean=tuple(image.name for image in clean),
        can_shrink=can_shrink,
        notes=(compressed,) if compressed else (),
        match=match,
        measured=MeasuredSets(names, measured, plain if match is None else match.fitted, plain),
        agreements=tuple(after),
        undegraded=tuple(before),
        text=_recipe(request, scale, photos, match, " ".join((found, *cautions)), reliable=not is_poor(after)),
        found=found,
        cautions=tuple(cautions),
        seconds=time.perf_counter() - began,
    )


def _few(photos: int, clean: int) -> str:
    """Warn of sets that are too small to trust."""
    few = [f"{count} {what}" for count, what in ((photos, "photos"), (clean, "clean images")) if count < ENOUGH_PHOTOS]
    if not few:
        return ""
    enough = f"{ENOUGH_PHOTOS} or more{' of each' if len(few) > 1 else ''}"
    return f"{' and '.join(few)} are few; use {enough} for reliable numbers."


def _recipe(
    request: FitRequest,
    scale: int,
    photos: Sequence[Photo],
    match: SynthesisMatch | None,
    summary: str,
    *,
    reliable: bool,
) -> str:
    """Return the recipe's YAML, which can be read."""
    remark = f"Fitted to {len(photos)} photos of {request.real.name}"
    if match is None:
        text = empty_recipe(scale, [f"{remark}.", summary], [photo.impulses for photo in photos])
    else:
        remark = f"{remark}, family {match.family.name}."
        remarks = [remark, *textwrap.wrap(summary, 110), ""]
        text = profile_recipe(match, photos, remarks, reliable=reliable)
    parse_recipe(parsed_yaml(text, "the fitted recipe"), request.out or "the fitted recipe")
    return text


def _without_folder(folder: Path, name: str, reason: str) -> tuple[str, str]:
    """Return a picture's name and why it was set aside, without the folder that they are in."""
    return name.removeprefix(f"{folder}{os.sep}"), reason.replace(f"{folder}{os.sep}", "")


def _require_order(request: FitRequest, excess: Mapping[str, float]) -> None:
    """Refuse swapped folders.

    Args:
        request: names the folders.
        excess: by name, mean measures of the clean pictures less those of the photos.

    Raises:
        PatinaError: the clean pictures are noisier, and no sharper.
    """
    if are_swapped(excess):
        raise PatinaError(
            f"{request.clean} is noisier than {request.real}, and no sharper; are the folders swapped? "
            "expected the clean images first"
        )


def _clean_images(request: FitRequest, scale: int, folder: Path) -> list[CleanImage]:
    """Choose clean images, and write the crops of each into a file of a folder."""
    rng = numpy_rng(request.seed, "clean")
    sources = some_sources(list_sources(request.clean, request.recursive), MOST_CLEAN, rng)
    return read_clean_images(sources, scale, folder)
