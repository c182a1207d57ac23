"""Requests about the recipe: open one, change its ranges, see what it does, the blind test, and models on a photo."""

import base64
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from patina.errors import PatinaError
from patina.imaging.picture_files import png_bytes
from patina.imaging.value_spaces import to_eight_bit
from patina.pipelines.shipped_settings import shipped
from patina.pipelines.upscaler import Upscaler
from patina.pipelines.upscalers import open_upscaler
from patina.settings import Settings
from patina.shipped import base_folder
from patina.studio.chosen_folders import MODELS, PAGES, RECIPES
from patina.studio.fit_routes import CONFINED
from patina.studio.photo_routes import Kind, PlaceQuery
from patina.studio.studio_state import Nothing, Studio, answers, image_answer
from patina.studio.tabs import Tab
from patina.studio.tuned_recipe import TunedRecipe, require_reachable

SIDE, LARGEST_SIDE = 256, 1024
"""Side in pixels of the degraded crop, and the longest one of the clean crop that it is made from."""

INTERPOLATION = "bicubic"


class CropQuery(Settings):
    """A crop of an image."""

    kind: Kind
    name: str
    x: float = 0.5
    y: float = 0.5
    side: int = SIDE


class LookQuery(Settings):
    """A crop of a clean image to degrade."""

    name: str
    x: float = 0.5
    y: float = 0.5
    photo: str | None = None
    variant: str | None = None
    seed: int = 0
    number: str | None = None
    which: Literal["clean", "drawn", "mildest", "strongest"] = "drawn"
    changes: dict[str, tuple[float, float]] = Field({})


class TryQuery(CropQuery):
    """A crop of a photo to upscale."""

    model: str
    scale: int = 4


class RecipeQuery(Settings):
    """A recipe: a name that comes with Patina, or a place."""

    name: str | None = None
    place: str | None = None


class ChangeQuery(Settings):
    """Changed ranges: lowest and highest values by key."""

    changes: dict[str, tuple[float, float]]


class AnswerQuery(Settings):
    """An answer of the blind test: which image, 0 or 1, is real."""

    question: str
    place: Literal[0, 1]


def recipes(_studio: Studio, _tab: Tab, _query: Nothing) -> Any:
    """Return the recipes that come with Patina."""
    return [{"name": one.name, "about": one.about} for one in shipped(["confs/recipes"])]


def open_recipe(studio: Studio, tab: Tab, query: RecipeQuery) -> Any:
    """Open a recipe in place of the tab's."""
    if query.place is not None:
        path = studio.folders.path(query.place)
        if path.suffix not in RECIPES:
            raise PatinaError(f"{path.name} is not a recipe; expected a file that ends in .yml")
        name = studio.folders.shown(path)
    else:
        found = {one.name: one.path for one in shipped(["confs/recipes"])}
        if query.name not in found:
            raise PatinaError(f"no recipe {str(query.name)[:60]!r} comes with Patina; choose one from the list")
        path, name = found[query.name], query.name
    tuned = TunedRecipe.read(name, _text(path), base_folder(path))
    if query.place is not None:
        require_reachable(tuned, studio.folders.roots)
    tab.tuned = tuned
    return tuned.to_dict()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise PatinaError(f"{path.name} cannot be read as text; choose a recipe in YAML") from None


def recipe(_studio: Studio, tab: Tab, _query: Nothing) -> Any:
    """Return the recipe in use; nothing if there is none."""
    return None if tab.tuned is None else tab.tuned.to_dict()


def change(_studio: Studio, tab: Tab, query: ChangeQuery) -> Any:
    """Keep changed ranges: for the blind test, the folder and the file."""
    tab.tuned = tab.recipe.changed(query.changes)
    return {"changes": tab.tuned.changes}


def recipe_yaml(_studio: Studio, tab: Tab, _query: Nothing) -> Response:
    """Return the recipe in use as a file to download."""
    named = {"content-disposition": 'attachment; filename="recipe.yml"', "cache-control": "no-store"}
    return Response(tab.recipe.yaml(), media_type="application/yaml", headers=named)


def crop(studio: Studio, tab: Tab, query: CropQuery) -> Response:
    """Return a crop of an image as it is."""
    side = min(max(query.side, 16), LARGEST_SIDE)
    return image_answer(studio.crops.crop(_path(tab, query.kind, query.name), (query.x, query.y), side))


def look(studio: Studio, tab: Tab, query: LookQuery) -> Response:
    """Return a crop of a clean image, degraded by the recipe with the changes that the page shows."""
    tuned = tab.recipe
    side, grid = _clean_side(tuned.scale), 8 * tuned.scale
    pixels = studio.crops.crop(_path(tab, "clean", query.name), (query.x, query.y), side, grid)
    if query.which == "clean":
        return image_answer(pixels)
    made = tuned.changed(query.changes).degraded(
        pixels, seed=query.seed, photo=query.photo, variant=query.variant, number=query.number, which=query.which,
        device=studio.device,
    )  # fmt: skip
    return image_answer(made)


def _clean_side(scale: int) -> int:
    grid = 8 * scale
    return max(grid, min(SIDE * scale, LARGEST_SIDE) // grid * grid)


def ask(studio: Studio, tab: Tab, _query: Nothing) -> Any:
    """Return a question of the blind test."""
    question, shown = tab.blind.question(
        tab.set_of("real"), tab.set_of("clean"), tab.recipe, studio.crops, studio.device
    )
    images = ["data:image/png;base64," + base64.b64encode(png_bytes(to_eight_bit(one))).decode() for one in shown]
    return {"question": question, "images": images, **tab.blind.to_dict()}


def answer(_studio: Studio, tab: Tab, query: AnswerQuery) -> Any:
    """Count an answer of the blind test."""
    return tab.blind.answer(query.question, query.place)


def upscaled(studio: Studio, tab: Tab, query: TryQuery) -> Response:
    """Return a crop of a photo, upscaled by a model or by bicubic interpolation."""
    upscaler = _upscaler(studio, query.model, query.scale)
    side = min(max(query.side, 16), LARGEST_SIDE // 2)
    pixels = studio.crops.crop(_path(tab, query.kind, query.name), (query.x, query.y), side)
    return image_answer(upscaler(pixels))


def model(studio: Studio, _tab: Tab, query: PlaceQuery) -> Any:
    """Open a model, to tell its scale."""
    return {
        "scale": _upscaler(studio, query.place, 1).scale,
        "shown": studio.folders.shown(studio.folders.path(query.place)),
    }


def _upscaler(studio: Studio, given: str, scale: int) -> Upscaler:
    if given == INTERPOLATION:
        return open_upscaler(given, scale=min(max(scale, 1), 8))
    path = studio.folders.path(given)
    if path.suffix not in MODELS or not path.is_file():
        raise PatinaError(f"{path.name} is not a model file; expected one that ends in {', '.join(MODELS)}")
    return _opened_model(path, path.stat().st_mtime_ns, studio.device)


@lru_cache(maxsize=3)
def _opened_model(path: Path, _changed: int, device: str) -> Upscaler:
    return open_upscaler(path, device=device)


def page(studio: Studio, _tab: Tab, query: PlaceQuery) -> Response:
    """Return a page that Patina wrote, confined so that it reaches nothing of the studio."""
    path = studio.folders.path(query.place)
    if path.suffix not in PAGES or query.place not in {one["place"] for one in studio.folders.pages()}:
        raise PatinaError(f"{path.name} is not a page that Patina wrote; choose one from the list")
    return HTMLResponse(path.read_text(encoding="utf-8"), headers=CONFINED)


def _path(tab: Tab, kind: str, name: str) -> Path:
    return tab.set_of(kind).source(name).path


ROUTES = [
    Route("/api/recipes", answers(Nothing, recipes), methods=["POST"]),
    Route("/api/open", answers(RecipeQuery, open_recipe), methods=["POST"]),
    Route("/api/recipe", answers(Nothing, recipe), methods=["POST"]),
    Route("/api/change", answers(ChangeQuery, change), methods=["POST"]),
    Route("/api/recipe.yml", answers(Nothing, recipe_yaml), methods=["GET"]),
    Route("/api/crop", answers(CropQuery, crop), methods=["POST"]),
    Route("/api/look", answers(LookQuery, look), methods=["POST"]),
    Route("/api/ask", answers(Nothing, ask), methods=["POST"]),
    Route("/api/answer", answers(AnswerQuery, answer), methods=["POST"]),
    Route("/api/model", answers(PlaceQuery, model), methods=["POST"]),
    Route("/api/upscaled", answers(TryQuery, upscaled), methods=["POST"]),
    Route("/api/page", answers(PlaceQuery, page), methods=["GET"]),
]
