"""The provenance of a report: paths, digests, command, training and name."""

import json
import shlex

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.errors import PatinaError
from patina.fidelity.samples import files_digest
from patina.imaging.picture_files import list_pictures, write_picture
from patina.pipelines.provenance import command_line, images_fact, knob_text, name_of, run_of
from patina.shipped import shown_path, work_root
from sets import ludvae_values, write_config, write_noisy_sets, write_pictures


class TestPaths:
    def test_they_are_relative_to_the_working_or_the_project_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert shown_path(tmp_path / "a" / "b.png") == "a/b.png"
        assert shown_path("a/b") == "a/b"
        assert shown_path(".") == "."
        assert shown_path(work_root() / "datasets" / "polyu" / "real") == "datasets/polyu/real"

    def test_other_paths_are_cut_to_their_last_two_parts(self, tmp_path, monkeypatch):
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        assert shown_path(tmp_path / "home" / "ada" / "photos" / "old") == "photos/old"
        assert shown_path("../photos/old") == "photos/old"


class TestDigests:
    def test_names_and_contents_count_and_order_does_not(self, tmp_path):
        files = list_pictures(write_pictures(tmp_path / "one", 3))
        first = files_digest(files)
        assert len(first) == 16
        assert files_digest(files[::-1]) == first
        assert files_digest(files[:2]) != first
        assert files_digest(list_pictures(write_pictures(tmp_path / "copy", 3))) == first
        files[0] = files[0].rename(tmp_path / "one" / "9.png")
        renamed = files_digest(files)
        assert renamed != first
        write_picture(files[0], np.zeros((48, 64, 3), np.uint8))
        assert files_digest(files) != renamed

    def test_the_number_of_images_is_stated(self, tmp_path):
        write_pictures(tmp_path / "one", 5)
        assert images_fact(tmp_path / "one", limit=3).startswith("3 of the 5 in ")
        assert images_fact(tmp_path / "one", limit=9, names=["1", "4"]).startswith("2 of the 5 in ")


def test_commands_are_as_typed():
    line = command_line(
        "report",
        [work_root() / "my run"],
        {"paired": True, "clean": None, "json": False, "seeds": [0, 1], "temperature": knob_text((0.5, 1.5))},
    )
    assert line == "patina report 'my run' -paired -seeds 0 1 -temperature 0.5:1.5"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a folder with noisy sets and a run that was trained on them."""
    folder = write_noisy_sets(tmp_path_factory.mktemp("origin"))
    values = ludvae_values(folder, steps=2) | {"runs": str(folder / "runs")}
    assert run_command("train", ["-opt", str(write_config(folder / "tiny.yml", values)), "-device", "cpu"]) == 0
    return folder


def report(folder, *arguments) -> tuple[dict, str]:
    out = folder / "out.html"
    assert run_command("report", [*map(str, arguments), "-judge_steps", "1", "-out", str(out)]) == 0
    return json.loads(out.with_suffix(".json").read_text()), out.read_text()


def without_colours(notes: list[str]) -> list[str]:
    """Return the notes but for that on colours, which a model of a few steps may shift anywhere."""
    return [note for note in notes if not note.startswith("The average colours")]


@pytest.mark.usefixtures("few_draws")
class TestReports:
    @pytest.mark.slow
    def test_the_training_images_of_a_run_are_named_as_such(self, folders, monkeypatch):
        monkeypatch.chdir(folders)
        values, page = report(folders, "runs/tiny")
        assert values["name"] == "tiny"
        (note,) = without_colours(values["notes"])
        assert note.startswith("The model was trained on these clean and real images.")
        assert note in page
        assert values["command"].splitlines() == [
            "patina train -opt config.yml    # the configuration below",
            "patina report runs/tiny -pictures 24 -side 512 -seed 0 -judge_steps 1 -out out.html",
        ]
        assert values["facts"]["clean images"].startswith("4 of the 4 in clean, SHA-256 ")
        assert values["facts"]["side"] == "at most 512 pixels"
        assert str(folders) not in page

    @pytest.mark.slow
    def test_other_images_need_no_warning_and_show_no_local_path(self, folders, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        write_noisy_sets(tmp_path / "held")
        places = ["-clean", tmp_path / "held/clean", "-real", tmp_path / "held/real"]
        values, page = report(folders, folders / "runs/tiny", *places, "-noise_level", "2:4")
        assert without_colours(values["notes"]) == []
        assert "-clean held/clean -real held/real -noise_level 2:4" in values["command"]
        assert str(folders) not in page
        assert str(tmp_path) not in page
        assert "runs/tiny" in page

    @pytest.mark.slow
    def test_a_model_file_is_named_after_its_run(self, folders):
        model = folders / "runs/tiny/models/final.safetensors"
        values, page = report(folders, model, "-clean", folders / "clean", "-real", folders / "real")
        assert values["name"] == "tiny"
        assert values["notes"]
        assert "noise_level:" in page
        assert "Training: " in page
        assert name_of(model.with_name("2.safetensors")) == "tiny, step 2"
        loose = folders / "loose.safetensors"
        loose.write_bytes(model.read_bytes())
        assert (name_of(loose), run_of(loose)) == ("loose", None)

    @pytest.mark.slow
    def test_images_in_the_working_folder_are_named_after_it(self, folders, monkeypatch):
        monkeypatch.chdir(folders / "same")
        values, page = report(folders, "-generated", ".", "-clean", "../clean", "-real", "../real")
        assert values["name"] == "same compared with real"
        assert "<h1>same compared with real</h1>" in page
        assert values["facts"]["generated images"].startswith("4 of the 4 in ")

    def test_a_folder_that_is_no_run_is_refused(self, tmp_path):
        with pytest.raises(PatinaError, match="not a run folder"):
            run_of(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("few_draws")
def test_pages_of_the_experiment_hold_training_configuration_and_command(folders, monkeypatch):
    monkeypatch.chdir(folders)
    places = {"clean": "clean", "real": "real", "test_clean": "clean", "test_real": "real"}
    arguments = [word for name, folder in places.items() for word in (f"-{name}", folder)]
    given = "ours=runs/tiny,temperature=0.5"
    command = ["-learned", given, *arguments, "-seeds", "0", "-judge_steps", "1", "-out", "results"]
    assert run_command("fidelity", [*command, "-device", "cpu"]) == 0
    page = (folders / "results/ours-seed0.html").read_text()
    shown = next(line for line in page.splitlines() if "patina fidelity" in line).split("</code>")[0]
    words = shlex.split(shown)
    assert words[:2] == ["patina", "fidelity"]
    assert {tuple(words[i : i + 2]) for i in range(2, len(words) - 2, 2)} == {
        *((f"-{name}", folder) for name, folder in places.items()),
        ("-learned", given), ("-seeds", "0"), ("-judge_steps", "1"), ("-device", "cpu"),
    }  # fmt: skip
    assert words[-2:] == ["-out", "results"]
    assert "Training: " in page
    assert "noise_level:" in page
    assert "of the 4 in clean, SHA-256" in page
    assert "model was trained on" in page
    assert str(folders) not in page
