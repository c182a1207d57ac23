"""The page of a fit: what was found, how sure it is, what it does not explain, and fitted pictures beside photos."""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from patina.degradations.execution import Engine, apply_plan
from patina.degradations.recipe import Recipe, parse_recipe
from patina.errors import counted
from patina.fidelity.crops import busy_crops, quiet_crops
from patina.fidelity.curves import STD, Figure, line_figure
from patina.fidelity.page_frame import embedded, render_page, strip_marks
from patina.fidelity.samples import Sample, evenly_spaced, make_sample
from patina.fitting.agreement import AS_CLOSE, is_poor
from patina.fitting.discrepancies import WHAT_TO_DO, Discrepancy
from patina.fitting.family import DEFAULT_FAMILIES, plain_family
from patina.fitting.fit_result import Fit
from patina.fitting.measured_curves import CURVES
from patina.imaging.crop_and_pad import centre_crop, crop_to_multiple
from patina.imaging.picture_files import read_picture
from patina.imaging.sources import name_of_results
from patina.imaging.value_spaces import to_values, values_to_pixels
from patina.pipelines.provenance import command_line
from patina.pipelines.recipe_choice import with_engine
from patina.pipelines.recipe_fit import FitRequest
from patina.seeding import numpy_rng
from patina.shipped import shown_path
from patina.system.atomic import write_text
from patina.system.yaml_files import parsed_yaml
from patina.version import __version__

PAGE, VALUES = "index.html", "fit.json"
ENOUGH_PHOTOS = 20
"""Photos from which on more of them rarely change a fit."""

PICTURES, SIDE = 24, 512
"""Pictures of a set that the page shows and draws curves of, and the side in pixels to which they are cropped."""

GRADES = {
    "close": ("good", "matches", ("property matches", "properties match")),
    "closer": ("fair", "closer than clean", ("differs, closer than clean images", "differ, closer than clean images")),
    "far": ("poor", "differs", ("differs", "differ")),
}
"""CSS class, label of one property, and labels of their count, for one and for others, by grade."""

SMOOTH = (
    "The first places are the smoothest, where noise and compression show; the others have strong contrasts, where "
    "blur and sharpening do. Fitted images are clean ones that the recipe degraded, each by the profile of one photo."
)
PAIRING = (
    "The photos show other content than the clean images, so look at noise, edges and blocks, and not at what is "
    "shown; the places were chosen for similar colours."
)

_CLOSENESS = "distance from the photos: fitted {:.1f}, halves of the photos {:.1f}, clean {:.1f}"


@dataclass(frozen=True)
class _Sets:
    """What the page shows: clean pictures at the photos' size, the same ones degraded, and photos."""

    clean: list[Sample]
    fitted: list[Sample]
    real: list[Sample]


def write_fit_report(fit: Fit, request: FitRequest, folder: Path) -> Path:
    """Write the page of a fit, which needs no other file, and its numbers as JSON beside it.

    Args:
        fit: the result of `request`.
        request: names the pictures.
        folder: to write to.

    Returns:
        The page.

    Raises:
        PatinaError: a picture has gone, or the folder cannot be written.
    """
    page = fit_page(fit, request, folder)
    write_text(folder / VALUES, json.dumps(fit.to_dict(), indent=1) + "\n")
    write_text(folder / PAGE, page)
    return folder / PAGE


def fit_page(fit: Fit, request: FitRequest, folder: Path) -> str:
    """Return the page as HTML; `folder` is told in the command that makes it again."""
    sets = _samples(fit, request)
    counts = {grade: sum(found.grade == grade for found in fit.discrepancies) for grade in GRADES}
    shown = [grade for grade in GRADES if counts[grade] or grade == "close"]
    crops = [crop for choose in (quiet_crops, busy_crops) for crop in choose(sets.clean, sets.fitted, sets.real)]
    page = {
        "name": f"Fit of {shown_path(request.real)}",
        "headline": fit.found,
        "grades": [
            {"style": GRADES[grade][0], "label": GRADES[grade][2][counts[grade] != 1], "count": counts[grade]}
            for grade in shown
        ],
        "made": "fitted",
        "paired": False,
        "summary": SMOOTH,
        "pairing": PAIRING,
        "notes": [],
        "cautions": (*fit.cautions, *fit.notes),
        "crops": [embedded(crop) for crop in crops],
        "photos": len(fit.photos),
        "numbers": fit.numbers,
        "is_poor": is_poor(fit.agreements),
        "as_close": AS_CLOSE,
        "is_few": len(fit.photos) < ENOUGH_PHOTOS,
        "enough": ENOUGH_PHOTOS,
        "is_clean_faulty": bool(fit.notes),
        "unexplained": _unexplained(fit),
        "verdicts": [_verdict(found) for found in fit.discrepancies],
        "figures": _figures(fit, request.seed),
        "upscaled": fit.upscaled,
        "set_aside": [(name, reason.removeprefix(name).strip()) for name, reason in fit.set_aside],
        "command": _command(request, folder),
        "facts": _facts(fit, request),
        "config": fit.text,
        "config_title": "The recipe",
    }
    return render_page(page, "fit_page.html", "patina.pipelines")


def _unexplained(fit: Fit) -> list[tuple[str, list[Discrepancy]]]:
    """Return what is not explained by its advice, which names the groups that share it."""
    shared: dict[str, list[Discrepancy]] = {}
    for found in fit.discrepancies:
        if not found.agreement.is_close:
            shared.setdefault(found.advice, []).append(found)
    return [(_addressed(advice, several), several) for advice, several in shared.items()]


def _addressed(advice: str, shared: Sequence[Discrepancy]) -> str:
    """Return advice that names the groups that it is for, if there are several."""
    *first, last = (found.agreement.group for found in shared)
    return advice.replace(WHAT_TO_DO, f"{WHAT_TO_DO} about {', '.join(first)} and {last}", 1) if first else advice


def _samples(fit: Fit, request: FitRequest) -> _Sets:
    """Read photos and clean pictures, and degrade the latter by the fitted recipe."""
    real = [
        make_sample(name_of_results(name), _pixels(request.real / name), side=SIDE)
        for name in evenly_spaced(fit.photos, PICTURES)
    ]
    nothing, fitted = plain_family(fit.scale).values, parsed_yaml(fit.text, "the fitted recipe")
    recipes = [with_engine(parse_recipe(values, "the fitted recipe"), "auto") for values in (nothing, fitted)]
    clean, degraded = list[Sample](), list[Sample]()
    for name in evenly_spaced(fit.clean, PICTURES):
        pixels = crop_to_multiple(centre_crop(_pixels(request.clean / name), SIDE * fit.scale), 8 * fit.scale)
        for (recipe, engine), samples in zip(recipes, (clean, degraded), strict=True):
            samples.append(make_sample(name_of_results(name), _degraded(recipe, engine, pixels, request.seed, name)))
    return _Sets(clean, degraded, real)


def _pixels(path: Path) -> np.ndarray:
    return read_picture(path, alpha="refuse").pixels


def _degraded(recipe: Recipe, engine: Engine | None, pixels: np.ndarray, seed: int, name: str) -> np.ndarray:
    plan = recipe.draw("", pixels.shape[:2], seed, name)
    return values_to_pixels(apply_plan(to_values(np.ascontiguousarray(pixels)), plan, engine), pixels.dtype)


def _verdict(found: Discrepancy) -> dict[str, Any]:
    style, label, _ = GRADES[found.grade]
    distances = found.agreement.fitted, found.agreement.halves, found.undegraded
    return {
        "style": style,
        "label": label,
        "title": found.title,
        "meaning": found.meaning,
        "sentence": found.sentence,
        "numbers": _CLOSENESS.format(*distances),
        "marks": strip_marks(dict(zip(("generated", "real", "gaussian"), distances, strict=True))),
        "definition": "",
    }


def _figures(fit: Fit, seed: int) -> list[Figure]:
    """Draw what was measured of clean pictures, fitted ones and photos."""
    sets = fit.measured
    named = {"clean": sets.clean, "real": sets.photos, "fitted": sets.fitted}
    order = numpy_rng(seed, "halves").permutation(len(sets.photos))
    first, second = sets.photos[order[::2]], sets.photos[order[1::2]]
    return [
        line_figure(
            curve.title,
            curve.note,
            curve.x_label,
            curve.y_label,
            {name: (curve.x, curve.of(sets, measures)) for name, measures in named.items()},
            ((curve.x, curve.of(sets, first)), (curve.x, curve.of(sets, second))),
            from_zero=curve.y_label.startswith(STD),
        )
        for curve in CURVES
    ]


def _command(request: FitRequest, folder: Path) -> str:
    flags = {
        "scale": request.scale,
        "pictures": request.pictures,
        "seed": request.seed,
        "recursive": request.recursive,
        "out": request.out,
        "report": folder,
    }
    named = () if request.families == DEFAULT_FAMILIES else request.families
    recipes = [word for family in named for word in ("-recipe", family)]
    return command_line("fit", [request.clean, request.real, *recipes], flags)


def _facts(fit: Fit, request: FitRequest) -> list[tuple[str, str]]:
    rounds = len(fit.match.distances) if fit.match else 0
    return [
        ("photos", f"{len(fit.photos)} of {shown_path(request.real)}"),
        ("clean images", f"{len(fit.clean)} of {shown_path(request.clean)}"),
        ("families tried", ", ".join(fit.families)),
        ("family taken", fit.match.family.name if fit.match else "none"),
        ("scale", f"{fit.scale}: the recipe downscales clean images by it" if fit.scale > 1 else "1"),
        (
            "search",
            f"{counted(rounds, 'time')}, {request.samples} images were degraded, measured and compared with the photos"
            if rounds
            else "none was needed",
        ),
        ("seed", str(request.seed)),
        ("time", f"{fit.seconds:.0f} s"),
        ("made with", f"Patina {__version__}, Python {platform.python_version()}"),
    ]
