"""File names that are no text, of two encodings of accents, very long or with an equals sign, and other terminals."""

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from degraded_sets import run
from patina.data.matching import match_by_stem
from patina.data.pairs import match_pairs
from patina.errors import PatinaError
from patina.fidelity.samples import select_files
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.imaging.sources import list_sources
from patina.models.generator_files import save_generator
from patina.models.rrdbnet import RRDBNetSettings
from patina.runs.folder_job import output_names
from patina.seeding import derive
from patina.system.atomic import write_text
from sets import contents, picture, write_config

NFC, NFD = (unicodedata.normalize(form, "Kölner Straße é") for form in ("NFC", "NFD"))


def write(path: Path, number: int = 0, size: tuple[int, int] = (16, 16)) -> Path:
    """Write a picture under any name: by way of another one, which is text."""
    write_picture(path.parent / "plain.png", picture(number, *size))
    os.rename(path.parent / "plain.png", path)
    return path


@pytest.fixture
def recipe(tmp_path):
    return write_config(tmp_path / "n.yml", {"scale": 1, "steps": [{"gaussian_noise": {"sigma": 5}}]})


def degrade(recipe, source, out) -> int:
    return run("degrade", recipe, source, out, "-workers", 1)


@pytest.mark.skipif(sys.platform != "linux", reason="this system allows only text")
class TestNamesThatAreNoText:
    def test_files_are_counted_and_the_others_are_taken(self, tmp_path, recipe, capsys):
        for name in (b"\xff.png", b"b\xe9.png", b"\xed\xa0\x80.jpg", "é.png".encode()):
            write(tmp_path / "in" / os.fsdecode(name))
        assert degrade(recipe, tmp_path / "in", tmp_path / "out") == 0
        assert "3 files left out: 3 without a UTF-8 name" in capsys.readouterr().err
        assert [path.name for path in list_pictures(tmp_path / "out")] == ["é.png"]

    def test_one_file_is_refused(self, tmp_path):
        path = write(tmp_path / "in" / os.fsdecode(b"b\xe9.png"))
        with pytest.raises(PatinaError, match="has a name that is not valid UTF-8; rename it"):
            list_sources(path)

    def test_folders_of_such_names_may_hold_pictures(self, tmp_path, recipe):
        odd = tmp_path / os.fsdecode(b"in \xe9")
        write(odd / "a.png")
        assert degrade(recipe, odd, tmp_path / "out") == 0
        assert run("replay", tmp_path / "out" / "log.jsonl", "-workers", 1) == 0
        assert run("prepare", "-source", odd, "-target", tmp_path / "set", "-scales", 1, 2, "-workers", 1) == 0
        assert run("prepare", "-source", odd, "-target", tmp_path / "set", "-scales", 1, 2, "-workers", 1) == 0


class TestAccents:
    def test_pairs_match_in_either_encoding(self, tmp_path):
        write(tmp_path / "lq" / f"{NFD}.png")
        write(tmp_path / "gt" / f"{NFC}.png", 0, (32, 32))
        (match,) = match_by_stem(tmp_path / "lq", tmp_path / "gt")
        assert (match.stem, match.first.stem, match.second.stem) == (NFC, NFD, NFC)
        assert len(match_pairs(tmp_path / "lq", tmp_path / "gt", 2)) == 1
        assert select_files(tmp_path / "lq", names=[NFC]) == [tmp_path / "lq" / f"{NFD}.png"]
        assert match_by_stem(tmp_path / "lq", tmp_path / "gt", without=[NFD]) == []

    def test_both_in_one_folder_are_refused(self, tmp_path):
        for form in (NFC, NFD):
            write(tmp_path / "in" / f"{form}.png")
        if len(os.listdir(tmp_path / "in")) == 2:
            with pytest.raises(PatinaError, match="would both become"):
                output_names(list_pictures(tmp_path / "in"), tmp_path)
            with pytest.raises(PatinaError, match="share a name"):
                match_by_stem(tmp_path / "in", tmp_path / "in")

    def test_draws_do_not_depend_on_it(self, tmp_path, recipe):
        assert derive(1, NFC) == derive(1, NFD) != derive(1, "Kolner Strase e")
        for form in (NFC, NFD):
            write(tmp_path / form[:1].encode().hex() / str(len(form)) / f"{form}.png")
        made = []
        for form in (NFC, NFD):
            source = tmp_path / form[:1].encode().hex() / str(len(form))
            assert degrade(recipe, source, tmp_path / f"out{len(form)}") == 0
            made.append(read_picture(tmp_path / f"out{len(form)}" / f"{form}.png").pixels)
        assert np.array_equal(*made)

    def test_a_log_is_replayed_where_names_are_encoded_otherwise(self, tmp_path, recipe):
        write(tmp_path / "in" / f"{NFD}.png")
        assert degrade(recipe, tmp_path / "in", tmp_path / "out") == 0
        os.rename(tmp_path / "in" / f"{NFD}.png", tmp_path / "in" / f"{NFC}.png")
        before = contents(tmp_path / "out")
        assert run("replay", tmp_path / "out" / "log.jsonl", "-out", tmp_path / "again", "-workers", 1) == 0
        assert contents(tmp_path / "again").keys() == before.keys()
        assert run("replay", tmp_path / "out" / "log.jsonl", "-workers", 1) == 0
        assert contents(tmp_path / "out") == before


def test_what_a_terminal_obeys_is_told_as_an_escape(tmp_path, recipe, capsys):
    for name in ("a\nb.png", "\x1b[2Jc.png", "d\u202egnp.png", "e\u2028f.png", "g\rh.png"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"none")
    write(tmp_path / "in" / "good.png")
    assert degrade(recipe, tmp_path / "in", tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert all(escape in told for escape in ("a\\nb", "\\x1b[2J", "d\\u202e", "e\\u2028", "g\\rh"))
    assert "".join(told.splitlines()).isprintable()
    assert "5 of 6 images failed and were skipped" in told
    assert str(PatinaError("a\nb is ä 🙂")) == "a\\nb is ä 🙂"


class TestLongNames:
    @pytest.mark.parametrize("stem", ["x" * 251, "é" * 125, "x" * 245, "x" * 246])
    def test_the_longest_name_is_read_and_written(self, tmp_path, recipe, stem):
        write(tmp_path / "in" / f"{stem}.png")
        assert degrade(recipe, tmp_path / "in", tmp_path / "out") == 0
        assert [path.stem for path in list_pictures(tmp_path / "out")] == [stem]
        assert degrade(recipe, tmp_path / "in", tmp_path / "out") == 0
        assert not [name for name in contents(tmp_path / "out") if ".part-" in name]

    def test_half_files_of_long_names_are_told_apart(self, tmp_path):
        names = ["x" * 250 + end for end in ("a.txt", "b.txt")]
        for name in names:
            write_text(tmp_path / name, name)
        assert contents(tmp_path) == {name: name.encode() for name in names}

    def test_results_of_longer_names_are_refused_before_anything_is_made(self, tmp_path, capsys):
        write(tmp_path / "in" / f"{'x' * 250}.png", 0, (40, 40))
        assert (
            run("prepare", "-mode", "tiles", "-side", 16, "-source", tmp_path / "in", "-target", tmp_path / "out") == 2
        )
        told = capsys.readouterr().err
        assert "file names of more than 255 bytes; shorten the sources'" in told
        assert len(told.splitlines()) == 1
        assert not (tmp_path / "out").exists()

    def test_a_name_that_is_too_long_is_said_to_be(self, tmp_path):
        with pytest.raises(PatinaError, match="its name is too long; shorten it"):
            write_text(tmp_path / ("x" * 300), "")


@pytest.mark.slow
@pytest.mark.parametrize("given", ["a=b.pth", "x=y=z.pth", "NAME=x=y.pth", "plain.pth"])
def test_models_with_an_equals_sign_are_found(tmp_path, given):
    file = given.removeprefix("NAME=")
    save_generator(RRDBNetSettings(scale=2, features=8, blocks=1, growth=4).build(), tmp_path / file)
    write(tmp_path / "lq" / "0.png", 0, (16, 16))
    write(tmp_path / "gt" / "0.png", 0, (32, 32))
    model = f"NAME={tmp_path / file}" if given != file else tmp_path / file
    sets = ["-set", "one", tmp_path / "lq", tmp_path / "gt", "-out", tmp_path / "out", "-no_lpips", "-device", "cpu"]
    assert run("evaluate", "-model", model, *sets) == 0
    name = "NAME" if given != file else file.removesuffix(".pth").replace("=", "_")
    assert (tmp_path / "out" / "one" / name / "0.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8", "utf-16"])
def test_terminals_of_other_encodings_end_no_command(tmp_path, encoding):
    write(tmp_path / "a" / f"{NFC} → 日本.png", 0)
    write(tmp_path / "b" / f"{NFC} → 日本.png", 1)
    words = ["evaluate", "-results", tmp_path / "a", "-truth", tmp_path / "b", "-out", tmp_path / "out", "-no_lpips"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-m", "patina.cli", *words], env=environment, capture_output=True)
    told = done.stdout.decode(encoding)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert "PSNR (dB)" in told
    assert (tmp_path / "out" / "scores.json").exists()
