"""Requests about images: drop files, use a folder, thumbnails, what is measured of each photo."""

import shutil
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from patina.errors import PatinaError, told_system_error
from patina.imaging.picture_files import picture_size
from patina.settings import Settings
from patina.studio.photo_sets import PhotoSet
from patina.studio.studio_state import Nothing, Studio, answers, refusal
from patina.studio.tabs import Tab

Kind = Literal["real", "clean", "trial"]

LARGEST_FILE = 2 * 2**30
"""Bytes of a file that is dropped."""


class KindQuery(Settings):
    """Which images."""

    kind: Kind


class ImageQuery(Settings):
    """An image of the tab."""

    kind: Kind
    name: str


class FolderChoice(Settings):
    """A folder to use."""

    kind: Kind
    place: str


async def drop(request: Request) -> Response:
    """Take a file that was dropped: its bytes are the body, its name and kind stand in the address."""
    studio: Studio = request.app.state.studio
    try:
        tab = studio.tab_of(request)
        photos = tab.set_of(request.query_params.get("kind", ""))
        if photos.chosen is not None:
            photos.chosen = None
            photos.forget()
        path = photos.free_path(request.query_params.get("name", ""))
        with path.open("wb") as file:
            size = 0
            async for chunk in request.stream():
                size += len(chunk)
                if size > LARGEST_FILE:
                    raise PatinaError(f"{path.name} has more than {LARGEST_FILE >> 30} GiB; use its folder instead")
                await run_in_threadpool(file.write, chunk)
        return JSONResponse(await run_in_threadpool(photos.checked, path))
    except PatinaError as error:
        _remove(locals().get("path"))
        return refusal(str(error))
    except OSError as error:
        _remove(locals().get("path"))
        return refusal(told_system_error(error))


def _remove(path: Any) -> None:
    if path is not None:
        path.unlink(missing_ok=True)


def use_folder(studio: Studio, tab: Tab, query: FolderChoice) -> Any:
    """Use the images of a folder in place of dropped ones."""
    folder, photos = studio.folders.path(query.place), tab.set_of(query.kind)
    before, photos.chosen = photos.chosen, folder
    try:
        sources = photos.sources
    except PatinaError:
        photos.chosen = before
        raise
    photos.forget()
    return {"shown": studio.folders.shown(folder), "images": len(sources)}


def images(studio: Studio, tab: Tab, query: KindQuery) -> Any:
    """Return the names and sizes of a set's images; the sizes of the first hundreds only, as files are opened."""
    photos = tab.set_of(query.kind)
    chosen = None if photos.chosen is None else studio.folders.shown(photos.chosen)
    return {"folder": chosen, "images": [_described(photos, source.name) for source in photos.sources]}


def _described(photos: PhotoSet, name: str) -> dict[str, Any]:
    try:
        height, width = picture_size(photos.folder / name)
    except PatinaError as error:
        return {"name": name, "error": photos.told(str(error)).replace(f"{photos.folder}/", "")}
    return {"name": name, "width": width, "height": height}


def thumbnail(_studio: Studio, tab: Tab, query: ImageQuery) -> Response:
    """Return a small version of an image."""
    path = tab.set_of(query.kind).thumbnail(tab.set_of(query.kind).source(query.name).name)
    return FileResponse(path, media_type="image/jpeg", headers={"cache-control": "no-store"})


def measured(_studio: Studio, tab: Tab, query: ImageQuery) -> Any:
    """Return what is measured of a photo."""
    return tab.set_of(query.kind).measure(query.name)


def remove(_studio: Studio, tab: Tab, query: ImageQuery) -> None:
    """Remove a dropped file; the files of a folder stay."""
    photos = tab.set_of(query.kind)
    if photos.chosen is not None:
        raise PatinaError(
            f"{query.name} belongs to a chosen folder, which the studio does not change; drop single files instead"
        )
    photos.source(query.name).path.unlink()


def clear(_studio: Studio, tab: Tab, query: KindQuery) -> None:
    """Forget all images of a kind; the files of a folder stay."""
    photos = tab.set_of(query.kind)
    photos.chosen = None
    photos.forget()
    shutil.rmtree(photos.dropped)
    photos.dropped.mkdir()


def listing(studio: Studio, _tab: Tab, query: "PlaceQuery") -> Any:
    """Return what a folder holds."""
    return studio.folders.listing(query.place)


class PlaceQuery(Settings):
    """A place in the chosen folders; none for the folders themselves."""

    place: str = ""


def pages(studio: Studio, _tab: Tab, _query: Nothing) -> Any:
    """Return the pages that Patina wrote."""
    return studio.folders.pages()


ROUTES = [
    Route("/api/drop", drop, methods=["POST"]),
    Route("/api/folder", answers(FolderChoice, use_folder), methods=["POST"]),
    Route("/api/images", answers(KindQuery, images), methods=["POST"]),
    Route("/api/thumbnail", answers(ImageQuery, thumbnail), methods=["GET"]),
    Route("/api/measured", answers(ImageQuery, measured), methods=["POST"]),
    Route("/api/remove", answers(ImageQuery, remove), methods=["POST"]),
    Route("/api/clear", answers(KindQuery, clear), methods=["POST"]),
    Route("/api/listing", answers(PlaceQuery, listing), methods=["POST"]),
    Route("/api/pages", answers(Nothing, pages), methods=["POST"]),
]
