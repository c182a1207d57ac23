"""The studio's server: on this machine alone, for the browser that was given its key."""

import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from patina.errors import PatinaError
from patina.studio import fit_routes, photo_routes, tune_routes
from patina.studio.chosen_folders import ChosenFolders
from patina.studio.studio_state import Studio, refusal
from patina.system.telling import tell

HOST = "127.0.0.1"
"""The only address that the studio answers on."""

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page loads nothing from elsewhere, and no other page can frame it."""


@dataclass(frozen=True)
class StudioRequest:
    """What to open.

    Attributes:
        folders: what the page may read and write.
        port: to answer on; 0 for any free one.
        workers: processes of a job; None for one per core.
        device: for models.
    """

    folders: Sequence[Path]
    port: int = 0
    workers: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class OpenStudio:
    """A studio that answers.

    Attributes:
        address: what to open in a browser, with the key.
        folders: what the page may read and write.
        server: stops when `should_exit` is set.
        thread: that it runs in.
    """

    address: str
    folders: Sequence[Path]
    server: uvicorn.Server
    thread: threading.Thread


class _Guard:
    """Answers only requests to this machine's own names, with the key that the browser was given."""

    def __init__(self, app: ASGIApp, key: str, port: int) -> None:
        self.app, self.key, self.cookie = app, key, f"patina_studio_{port}"
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        return await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> ASGIApp:
        if request.headers.get("host") not in self.hosts:
            return refusal("the studio answers on this machine only", 403)
        given = request.query_params.get("key")
        if request.url.path == "/" and given is not None and secrets.compare_digest(given.encode(), self.key.encode()):
            moved = RedirectResponse("/", 303)
            moved.set_cookie(self.cookie, self.key, httponly=True, samesite="strict")
            return moved
        if not secrets.compare_digest(request.cookies.get(self.cookie, "").encode(), self.key.encode()):
            return PlainTextResponse("Open the address that `patina studio` printed.", 403)
        return self.app


def studio_app(studio: Studio, key: str, port: int) -> ASGIApp:
    """Return the application; every address that it answers is in a table of routes."""
    routes = [
        *(Route(address, _asset(body, suffix)) for address, (body, suffix) in _assets().items()),
        *photo_routes.ROUTES,
        *fit_routes.ROUTES,
        *tune_routes.ROUTES,
    ]
    app = Starlette(routes=routes)
    app.state.studio = studio
    return _Guard(app, key, port)


def _assets() -> Mapping[str, tuple[bytes, str]]:
    """Return the page's files by address: its own, and what it shares with Patina's reports."""
    found = {}
    for item in sorted(resources.files("patina.studio").joinpath("page").iterdir(), key=lambda item: item.name):
        address = "/" if item.name == "index.html" else f"/{item.name}"
        found[address] = (item.read_bytes(), Path(item.name).suffix)
    for shared in ("page.css", "drag.js"):
        found[f"/{shared}"] = (resources.files("patina.fidelity").joinpath(shared).read_bytes(), Path(shared).suffix)
    return found


def _asset(body: bytes, suffix: str):  # type: ignore[no-untyped-def]
    headers = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff", "cache-control": "no-store"}

    async def endpoint(_request: Request) -> Response:
        return Response(body, media_type=_TYPES[suffix], headers=headers)

    return endpoint


@contextmanager
def opened_studio(request: StudioRequest) -> Iterator[OpenStudio]:
    """Answer requests in a thread until the ``with`` block ends; dropped files are removed then.

    Raises:
        PatinaError: a folder cannot be used, or the port is taken.
    """
    folders = ChosenFolders(request.folders)
    listening = _listening(request.port)
    port, key = listening.getsockname()[1], secrets.token_urlsafe(16)
    studio = Studio(folders, request.workers, request.device)
    config = uvicorn.Config(
        studio_app(studio, key, port), log_level="error", access_log=False, lifespan="off", server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="studio", daemon=True)
    thread.start()
    try:
        yield OpenStudio(f"http://{HOST}:{port}/?key={key}", folders.roots, server, thread)
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        studio.close()
        listening.close()


def _listening(port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen()  # a browser that comes before the server is ready waits for it
    except (OSError, OverflowError):
        found.close()
        raise PatinaError(
            f"-port {port} cannot be used, another program, or another studio, may have it; "
            "choose another, or 0 for a free one"
        ) from None
    return found


def serve_studio(request: StudioRequest, *, opened: Callable[[str], None], with_browser: bool = True) -> None:
    """Answer requests until Ctrl-C.

    Args:
        request: what to open.
        opened: is called with the address when the studio answers.
        with_browser: whether to open the address in a browser.

    Raises:
        PatinaError: see `opened_studio`.
    """
    try:
        with opened_studio(request) as studio:
            opened(studio.address)
            folders = " and ".join(map(str, studio.folders))
            tell(
                "open this address in a browser on this machine; of your files, the page reads and writes only "
                f"those in {folders}; Ctrl-C ends the studio"
            )
            if with_browser:
                webbrowser.open(studio.address)
            while studio.thread.is_alive():
                studio.thread.join(timeout=0.5)
    except KeyboardInterrupt:
        tell("the studio has ended")
