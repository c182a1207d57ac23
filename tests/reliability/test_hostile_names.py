"""Names of files that are made to do harm: in terminals, in shells' eyes, in tables and in pages."""

import os
import random
import re
import shutil
import sys
from html import unescape
from pathlib import Path

import pytest

from campaign import Campaign
from forked import command
from page_tags import Tags
from patina.imaging.picture_files import png_bytes
from sets import picture
from small_commands import fit

pytestmark = [
    pytest.mark.reliability,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="this system allows only text"),
]

HTML = [
    "<script>alert(1)<",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "{{7*7}}{% x %}",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "]]><!-- ",
    "<\u2028\n",
]
"""Parts of names that a page must show as text."""

PIECES = [
    *(text.encode() for text in HTML),
    *[
        b"-",
        b"--help",
        b"=",
        b" ",
        b"\n",
        b"\r",
        b"\t",
        b"\x1b[2J",
        b"\x7f",
        b"\\",
        b"|",
        b",",
        b";",
        b"*",
        b"?",
        b"~",
        b"#",
    ],
    *[b"$(touch x)", b"`touch x`", b"%s%n", b"{0}", b"..", b"\xff", b"\xed\xa0\x80", b"x" * 240],
    *[text.encode() for text in ("\U0001f600", "e\u0301", "\u00e9", "\u202egnp", "\u2028", "\ufeff", "CON", "→")],
]

UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")


def some_names(rng: random.Random) -> list[bytes]:
    """Return four names that differ, of at most 255 bytes."""
    return [b"".join(rng.choices(PIECES, k=rng.randint(1, 4)))[:250] + b"%d.png" % number for number in range(4)]


def is_taken(name: bytes) -> bool:
    """Whether a file of this name is an image that a command takes: text that is not hidden."""
    try:
        return not name.decode().startswith(".")
    except UnicodeDecodeError:
        return False


def works_of(verb: str, recipe: Path, top: Path) -> list[list[object]]:
    """Return the command lines of an attempt, in their order."""
    source, out = top / "in", top / "out"
    return {
        "upscale": [["upscale", "-model", "bicubic", "-scale", 2, "-source", source, "-out", out]],
        "prepare": [["prepare", "-source", source, "-target", out, "-scales", 1, 2, "-workers", 1]],
        "degrade": [
            ["degrade", recipe, source, out, "-workers", 1],
            ["replay", out / "log.jsonl", "-out", top / "again", "-source", source, "-workers", 1],
        ],
        "evaluate": [["evaluate", "-results", source, "-gt", source, "-out", out, "-no_lpips"]],
    }[verb]


@pytest.mark.parametrize("verb", ["upscale", "prepare", "degrade", "evaluate"])
def test_names_of_any_bytes(verb: str, inputs: Path, tmp_path: Path, campaign: Campaign, capfd) -> None:
    rng = random.Random(verb)
    with campaign.row("hostile: file names") as tally:
        for attempt in range(campaign.count(6, 250)):
            names, top = some_names(rng), tmp_path / str(attempt)
            (top / "in").mkdir(parents=True)
            for number, name in enumerate(names):
                data = png_bytes(picture(number, 16, 16)) if number else b"not an image"
                Path(os.fsdecode(os.fsencode(top / "in") + b"/" + name)).write_bytes(data)
            taken = [name.decode() for name in names[1:] if is_taken(name)]
            codes = [command(*line)() for line in works_of(verb, inputs / "noise.yml", top)]
            told = capfd.readouterr().err
            made = [path.name for path in top.rglob("*.png") if path.parent.name != "in"]
            folders = {"upscale": 1, "prepare": 2, "degrade": 2, "evaluate": 0}[verb]
            is_named = is_taken(names[0]) <= any(line.startswith(str(top)) for line in told.splitlines())
            tally.tried += 1
            if max(codes) > 2 or not is_named or sorted(made) != sorted(taken * folders) or UNSEEN.search(told):
                tally.lost.append(f"{verb} {names}: {codes}, {made}, {told[-500:]}")
            shutil.rmtree(top)


def page_of(verb: str, top: Path) -> str:
    """Make a page of the images below a folder, and return it."""
    photos = top / "photos"
    if verb == "fit":
        work = fit(top, top / "out", "-report", top / "out")
    else:
        places = ["-clean", photos / "clean", "-real", photos / "real", "-generated", photos / "clean"]
        work = command("report", *places, "-judge_steps", 1, "-out", top / "out/page.html")
    assert work() == 0
    (page,) = top.glob("out/*.html")
    return page.read_text(encoding="utf-8")


def hostile_copy(plain: Path, top: Path, text: str) -> Path:
    """Copy photos and a family of recipes under names that begin with a text."""
    for file in (plain / "photos").glob("*/*.png"):
        kept = top / "photos" / file.parent.name / f"{text}{file.name}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, kept)
    (top / "photos/real" / f"{text}damaged.png").write_bytes(b"none")
    shutil.copy(plain / "family.yml", top)
    return top


@pytest.mark.parametrize("verb", ["report", "fit"])
def test_names_are_text_in_a_page(verb: str, inputs: Path, tmp_path: Path, campaign: Campaign) -> None:
    usual = Tags(page_of(verb, hostile_copy(inputs, tmp_path / "plain", "plain")))
    with campaign.row("hostile: HTML in names, on pages") as tally:
        for text in HTML[:: campaign.count(4, 1)]:
            page = page_of(verb, hostile_copy(inputs, tmp_path / f"{text}{verb}", text))
            tags = Tags(page)
            tally.tried += 1
            is_same = tags.attributes == usual.attributes and set(tags.found) == set(usual.found)
            if not is_same or tags.found.count("script") != 2 or text.strip()[:4] not in unescape(page):
                tally.lost.append(f"{verb} {text}: {set(tags.found) ^ set(usual.found)}")
