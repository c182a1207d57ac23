"""What the studio refuses: strangers, other machines' names, and every file outside of the chosen folders."""

import json
from dataclasses import replace

import numpy as np
import pytest

from patina.errors import PatinaError
from patina.imaging.picture_files import png_bytes
from patina.studio.chosen_folders import ChosenFolders
from sets import picture

OUTSIDE = [
    "/etc/passwd",
    "0/../secret.png",
    "0/real/../../secret.png",
    "0//etc/passwd",
    "0/link.png",
    "0/way-out/secret.png",
    "0/.hidden/key.yml",
    "0/..",
    "0/%2e%2e/secret.png",
    "0\\..\\secret.png",
    "0/..\\secret.png",
    "0/real/\0/../../../secret.png",
    "1/secret.png",
    "-1/secret.png",
    "²/secret.png",
    "~/secret.png",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("place", OUTSIDE)
def test_a_place_outside_has_no_path(top, place):
    folders = ChosenFolders([top / "work"])
    if place in ("0//etc/passwd", "0/%2e%2e/secret.png"):  # names like any others, of files that are not there
        assert folders.path(place).resolve().is_relative_to((top / "work").resolve())
        return
    with pytest.raises(PatinaError) as told:
        folders.path(place)
    assert "\n" not in str(told.value)
    assert str(top) not in str(told.value)


def test_what_leads_out_is_not_listed(visitor):
    listed = visitor.ask("/api/listing", place="0")
    assert [folder["name"] for folder in listed["folders"]] == ["clean", "real"]
    assert [file["name"] for file in listed["files"]] == ["broken.jpg"]


@pytest.mark.parametrize(
    "address", ["/api/folder", "/api/open", "/api/model", "/api/upscaled", "/api/save", "/api/degrade"]
)
def test_no_request_reaches_a_file_outside(visitor, top, address):
    others = {"/api/folder": {"kind": "real"}, "/api/upscaled": {"kind": "real", "name": "0.png"}}
    name = {"/api/upscaled": "model", "/api/degrade": "source"}.get(address, "place")
    for place in OUTSIDE:
        values = {name: place, **others.get(address, {}), **({"out": "0/out"} if address == "/api/degrade" else {})}
        status, kind, body = visitor.send(address, values)
        assert (status, kind) == (400, "application/json"), place
        told = json.loads(body)["error"]
        assert "\n" not in told
        assert "root:" not in told
    assert (top / "secret.txt").read_text() == "secret"
    assert sorted(path.name for path in top.iterdir()) == ["family.yml", "secret.png", "secret.txt", "work"]


@pytest.mark.parametrize(
    "address",
    [
        "/../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/page.css/../../../../etc/passwd",
        "//etc/passwd",
        "/api/page?place=/etc/passwd",
        "/api/page?place=0/../secret.txt",
        "/api/thumbnail?kind=real&name=../../../etc/passwd",
        "/api/thumbnail?kind=../..&name=secret.png",
        "/api/recipe.yml/../../../etc/passwd",
    ],
)
def test_no_address_reaches_a_file_outside(visitor, address):
    status, _, body = visitor.send(address, method="GET")
    assert status in (400, 404)
    assert b"root:" not in body
    assert b"secret" not in body.replace(b"secret.txt", b"").replace(b"secret.png", b"")


@pytest.mark.parametrize("name", ["../../evil.png", "..\\evil.png", "/tmp/evil.png", "evil.png"])
def test_a_dropped_file_stays_in_its_folder(visitor, name):
    encoded = png_bytes(picture(0))
    status, _, body = visitor.send(f"/api/drop?kind=clean&name={name.replace('/', '%2F')}", body=encoded)
    assert status == 200
    assert json.loads(body)["name"].startswith("evil")


@pytest.mark.parametrize("name", ["", "..", ".png", "a\nb.png", "x" * 300 + ".png"])
def test_a_name_that_cannot_be_used_is_one_line(visitor, name):
    from urllib.parse import quote

    status, _, body = visitor.send(f"/api/drop?kind=clean&name={quote(name)}", body=png_bytes(picture(0)))
    assert status == 400
    assert "rename the file" in json.loads(body)["error"]


@pytest.mark.parametrize("more", ["", "  - learned: {model: gone.safetensors}\n"])
def test_a_recipe_may_not_read_files_outside(visitor, top, more):
    np.savez(top / "noise.npz", np.zeros((8, 8, 3)))
    noise = f"  - noise_patches: {{file: {top / 'noise.npz'}}}\n"
    (top / "work" / "spy.yml").write_text(f"scale: 1\nsteps:\n{noise}{more}")
    told = visitor.ask("/api/open", place="0/spy.yml")
    (top / "work" / "spy.yml").unlink()
    (top / "noise.npz").unlink()
    assert "which is in none of the studio's folders" in told["error"]


def test_strangers_are_refused(visitor):
    assert replace(visitor, cookie="").send("/api/listing", {"place": "0"})[0] == 403
    assert replace(visitor, cookie="patina_studio_1=guess").send("/", method="GET")[0] == 403
    assert visitor.send("/?key=guess", method="GET", cookie="")[0] == 403


def test_other_names_for_this_machine_and_other_sites_are_refused(visitor):
    assert visitor.send("/", method="GET", host="evil.example")[0] == 403
    assert visitor.send("/", method="GET")[0] == 200
    status, _, body = visitor.send("/api/images", {"kind": "real"}, **{"x-patina-tab": ""})
    assert (status, json.loads(body)["error"]) == (400, "the request names no tab of the studio; reload the page")


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/api/images", b"{"),
        ("/api/images", b"[]"),
        ("/api/images", b'{"kind": "other"}'),
        ("/api/images", b'{"kind": "real", "more": 1}'),
        ("/api/images", b" " * 1_100_000),
        ("/api/look", b'{"name": "0.png"}'),
        ("/api/fit", b"{}"),
        ("/api/ask", b""),
        ("/api/answer", b'{"question": "x", "place": 0}'),
    ],
)
def test_a_request_that_makes_no_sense_is_one_line(visitor, address, body):
    status, kind, answer = visitor.send(address, body=body)
    assert (status, kind) == (400, "application/json")
    assert "\n" not in json.loads(answer)["error"]
