"""What all requests share: the chosen folders, the tabs, the jobs, and how a request is answered."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from patina.errors import PatinaError
from patina.imaging.picture_files import png_bytes
from patina.imaging.value_spaces import to_eight_bit
from patina.settings import Settings
from patina.settings_problems import describe_problems
from patina.studio.chosen_folders import ChosenFolders
from patina.studio.photo_sets import CropCache
from patina.studio.studio_jobs import JobQueue, told_error
from patina.studio.tabs import Tab, Tabs

Q = TypeVar("Q", bound=Settings)

TAB_HEADER, TAB_QUERY = "x-patina-tab", "tab"
"""Where a request names its tab: a header, which pages of other sites cannot send, or for images the address."""

_LARGEST_BODY = 1_000_000
"""Bytes of a request that is no file."""


class Nothing(Settings):
    """A request without values."""


@dataclass
class Studio:
    """An open studio.

    Attributes:
        folders: what the page may read and write.
        workers: processes of a job; None for one per core.
        device: for models.
        tabs: the tabs of the page.
        jobs: the long jobs.
        crops: crops that were read before.
    """

    folders: ChosenFolders
    workers: int | None = None
    device: str = "auto"
    tabs: Tabs = field(default_factory=Tabs)
    jobs: JobQueue = field(default_factory=JobQueue)
    crops: CropCache = field(default_factory=CropCache)

    def close(self) -> None:
        """End jobs, and remove dropped files."""
        self.jobs.close()
        self.tabs.close()

    def tab_of(self, request: Request) -> Tab:
        """Return the tab that a request names."""
        name = request.headers.get(TAB_HEADER)
        if name is None and request.method == "GET":
            name = request.query_params.get(TAB_QUERY)
        return self.tabs.tab(name or "")


Work = Callable[[Studio, Tab, Q], Any]
Endpoint = Callable[[Request], Awaitable[Response]]


def answers(kind: type[Q], work: Work[Q]) -> Endpoint:
    """Return an endpoint that checks a request's values and answers with what `work` returns, as JSON.

    Args:
        kind: the settings that the request gives.
        work: runs in a thread of its own; may return a response, e.g. an image.
    """

    async def endpoint(request: Request) -> Response:
        studio: Studio = request.app.state.studio
        try:
            tab = studio.tab_of(request)
            given = await _values(request)
            return await run_in_threadpool(_answer, studio, tab, kind, work, given)
        except PatinaError as error:
            return refusal(str(error))

    return endpoint


def _answer(studio: Studio, tab: Tab, kind: type[Q], work: Work[Q], given: Any) -> Response:
    try:
        found = work(studio, tab, kind.model_validate(given))
    except ValidationError as error:
        return refusal(f"the page sent a value that is not allowed: {describe_problems(error, kind)}")
    except Exception as error:
        line = told_error(error)
        if not line:
            raise
        return refusal(studio.folders.without_roots(line))
    return found if isinstance(found, Response) else JSONResponse(found)


def refusal(line: str, status: int = 400) -> Response:
    """Return an answer with one line that says what is wrong."""
    return JSONResponse({"error": " ".join(line.split())}, status)


def image_answer(pixels: Any) -> Response:
    """Return an image ``[H, W, 3]``, uint8 or uint16, as PNG."""
    return Response(png_bytes(to_eight_bit(pixels)), media_type="image/png", headers={"cache-control": "no-store"})


async def _values(request: Request) -> Any:
    if request.method == "GET":
        return {name: value for name, value in request.query_params.items() if name != TAB_QUERY}
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise PatinaError("the page sent more than expected; reload it")
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError:
        raise PatinaError("the page sent something that is not JSON; reload it") from None
