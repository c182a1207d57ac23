"""Requests that start and watch jobs: fit a recipe, degrade a folder, upscale one; and the fit's own page."""

from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from patina.errors import PatinaError, counted, named
from patina.pipelines.degraded_set import DegradeRequest, degrade
from patina.pipelines.fit_report import GRADES, fit_page
from patina.pipelines.recipe_choice import RecipeChoice
from patina.pipelines.recipe_fit import ENOUGH_PHOTOS, FitRequest, fit_recipe
from patina.runs.folder_lock import file_lock
from patina.settings import Settings
from patina.studio.studio_jobs import StudioJob
from patina.studio.studio_state import Nothing, Studio, answers
from patina.studio.tabs import Tab
from patina.studio.tuned_recipe import TunedRecipe, require_reachable
from patina.system.atomic import write_text

CONFINED = {"content-security-policy": "sandbox allow-scripts", "x-content-type-options": "nosniff"}
"""Headers of pages with scripts of their own, which thereby reach nothing of the studio."""


class FitQuery(Settings):
    """A fit to start."""

    scale: int = 1
    pictures: int = 100


class DegradeQuery(Settings):
    """A folder to degrade."""

    source: str
    out: str
    with_gt: bool = True
    variant: str | None = None
    seed: int = 0


def start_fit(studio: Studio, tab: Tab, query: FitQuery) -> Any:
    """Begin to fit a recipe to the tab's photos."""
    real, clean = tab.set_of("real"), tab.set_of("clean")
    for photos, what in ((real, "real photos"), (clean, "clean images")):
        if not photos.sources:
            raise PatinaError(f"there are no {what} yet; drop some, or choose a folder")
    request = FitRequest(
        clean=clean.folder, real=real.folder, out=None, scale=query.scale, pictures=query.pictures,
        workers=studio.workers,
    )  # fmt: skip

    def work(job: StudioJob) -> str:
        fit = fit_recipe(request)
        tab.fit, tab.page = (fit, request), None
        tab.tuned = TunedRecipe.read(f"fitted to {counted(len(fit.photos), 'photo')}", fit.text, Path())
        job.lines = [*fit.notes, *(real.told(named(name, reason)) for name, reason in fit.set_aside)]
        return fit.summary

    return _started(studio, tab, "fit", work)


def start_degrade(studio: Studio, tab: Tab, query: DegradeQuery) -> Any:
    """Begin to degrade a folder with the recipe as it is tuned."""
    source, out, tuned = studio.folders.path(query.source), studio.folders.path(query.out), tab.recipe
    if query.variant is not None and query.variant not in tuned.variants:
        raise PatinaError(f"the recipe has no variant {query.variant[:40]!r}; load it again")
    require_reachable(tuned, studio.folders.roots)
    truth = out / "gt" if query.with_gt else None
    write_text(tab.folder / "recipe.yml", tuned.yaml())
    variants = None if query.variant is None else (query.variant,)
    choice = RecipeChoice(str(tab.folder / "recipe.yml"), variants, without_learned=tuned.lacks_models)
    request = DegradeRequest(
        choice, source, out / "lq", seed=query.seed, ground_truth=truth, workers=studio.workers, device=studio.device
    )

    def work(job: StudioJob) -> str:
        report = degrade(request)
        job.lines = [studio.folders.without_roots(named(name, reason)) for name, reason in report.failures]
        shown = studio.folders.shown(out)
        if not report.results and not report.failures:
            return f"{shown}: all images are up to date"
        return f"{shown}: {counted(len(report.results), 'image')} degraded"

    return _started(studio, tab, "degrade", work)


def save(studio: Studio, tab: Tab, query: "SaveQuery") -> Any:
    """Write the recipe as it is tuned into a file."""
    path = studio.folders.path(query.place)
    if path.suffix not in (".yml", ".yaml"):
        raise PatinaError(f"{path.name} cannot name a recipe; expected a name that ends in .yml")
    if path.exists() and not query.replace:
        raise PatinaError(f"{studio.folders.shown(path)} exists; choose another name, or save again to replace it")
    with file_lock(path, "studio"):
        write_text(path, tab.recipe.yaml())
    return {"shown": studio.folders.shown(path)}


class SaveQuery(Settings):
    """Where to write the recipe."""

    place: str
    replace: bool = False


def job_state(_studio: Studio, tab: Tab, _query: Nothing) -> Any:
    """Return how far the tab's last job is."""
    return None if tab.job is None else tab.job.to_dict()


def cancel(_studio: Studio, tab: Tab, _query: Nothing) -> Any:
    """Cancel the tab's job."""
    if tab.job is not None:
        tab.job.cancel()
    return job_state(_studio, tab, _query)


def fit_words(_studio: Studio, tab: Tab, _query: Nothing) -> Any:
    """Return what was fitted, in words."""
    if tab.fit is None:
        return None
    fit, _ = tab.fit
    return {
        "summary": fit.summary,
        "photos": len(fit.photos),
        "few": len(fit.photos) < ENOUGH_PHOTOS,
        "close": sum(found.grade == "close" for found in fit.discrepancies),
        "of": len(fit.discrepancies),
        "upscaled": fit.upscaled,
        "numbers": [
            {
                "title": words.title, "unit": words.unit, "spread": words.spread, "typical": words.typical,
                "certainty": words.certainty, "sure": words.is_sure,
            }
            for words in fit.numbers
        ],
        "properties": [
            {
                "title": found.title, "grade": GRADES[found.grade][0], "label": GRADES[found.grade][1],
                "sentence": found.sentence, "advice": found.advice if found.grade != "close" else "",
            }
            for found in fit.discrepancies
        ],
    }  # fmt: skip


def fit_plots(_studio: Studio, tab: Tab, _query: Nothing) -> Response:
    """Return the fit's page, as `patina fit --report` writes it."""
    if tab.fit is None:
        raise PatinaError("nothing was fitted yet; start a fit under Photos")
    if tab.page is None:
        tab.page = fit_page(*tab.fit, Path("report"))
    return HTMLResponse(tab.page, headers=CONFINED)


def _started(studio: Studio, tab: Tab, kind: str, work: Any) -> Any:
    if tab.job is not None and not tab.job.is_over:
        raise PatinaError("this tab still has a job to finish; wait for it, or cancel it")

    def told(job: StudioJob) -> str:
        return studio.folders.without_roots(work(job))

    tab.job = studio.jobs.start(kind, told)
    return tab.job.to_dict()


ROUTES = [
    Route("/api/fit", answers(FitQuery, start_fit), methods=["POST"]),
    Route("/api/degrade", answers(DegradeQuery, start_degrade), methods=["POST"]),
    Route("/api/save", answers(SaveQuery, save), methods=["POST"]),
    Route("/api/job", answers(Nothing, job_state), methods=["POST"]),
    Route("/api/cancel", answers(Nothing, cancel), methods=["POST"]),
    Route("/api/found", answers(Nothing, fit_words), methods=["POST"]),
    Route("/api/plots", answers(Nothing, fit_plots), methods=["GET"]),
]
