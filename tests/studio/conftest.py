"""One studio with few and small images, and requests to it as a browser or a stranger sends them."""

import http.client
import json
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from patina.imaging.picture_files import write_picture
from sets import write_config
from small_photographs import photographs

TAB = "11111111-aaaa"


@dataclass
class Visitor:
    """Sends requests to a studio.

    Attributes:
        port: that the studio answers on.
        cookie: with the key; empty for a stranger.
        headers: sent with every request.
    """

    port: int
    cookie: str
    headers: dict = field(default_factory=dict)

    def send(self, address, values=None, *, method="POST", body=None, **headers):
        """Return the status, the content type and the bytes of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {"x-patina-tab": TAB, "cookie": self.cookie} | self.headers | headers
        content = body if body is not None else (None if values is None else json.dumps(values))
        connection.request(method, address, content, {name: text for name, text in given.items() if text})
        answer = connection.getresponse()
        found = answer.status, answer.getheader("content-type") or "", answer.read()
        connection.close()
        return found

    def ask(self, address, **values):
        """Return what the studio answers as JSON; a refusal is ``{"error": line}``."""
        return json.loads(self.send(address, values)[2])


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    """Return a folder with the chosen folder ``work`` and secrets beside it."""
    top, rng = tmp_path_factory.mktemp("studio"), np.random.default_rng(7)
    work = top / "work"
    for part, crops in photographs().items():
        for number, pixels in enumerate(crops):
            if part == "real":
                pixels = np.clip(np.rint(pixels + rng.normal(0, 8.0, pixels.shape)), 0, 255).astype(np.uint8)
            write_picture(work / part / f"{number}.png", pixels)
    (work / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    (top / "secret.txt").write_text("secret")
    cv2.imwrite(str(top / "secret.png"), crops[0])
    (work / "link.png").symlink_to(top / "secret.png")
    (work / "way-out").symlink_to(top)
    (work / ".hidden").mkdir()
    (work / ".hidden" / "key.yml").write_text("scale: 1\nsteps: []\n")
    write_config(
        top / "family.yml",
        {"scale": 1, "steps": [{"sensor_noise": {"sigma": {"free": [0, 30]}, "grain": {"free": [0, 2]}}}]},
    )
    return top


@pytest.fixture(scope="module")
def studio(top):
    """Open a studio."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    from patina.studio.studio_server import StudioRequest, opened_studio

    with opened_studio(StudioRequest([top / "work"], workers=1, device="cpu")) as studio:
        yield studio


@pytest.fixture(scope="module")
def visitor(studio):
    """Return one who has the key."""
    port = int(studio.address.split(":")[2].split("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", studio.address.partition(str(port))[2])
    cookie = connection.getresponse().getheader("set-cookie").split(";")[0]
    return Visitor(port, cookie)
