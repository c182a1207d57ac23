"""Reports on folders with damaged images: these are told and left out, with their partners."""

import json

import pytest

import patina
from patina.cli.main import run_command
from patina.imaging.picture_files import list_pictures
from sets import write_noisy_sets

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_draws")]


@pytest.fixture
def folders(tmp_path):
    return write_noisy_sets(tmp_path, 6)


def truncate(folder, index: int):
    path = list_pictures(folder)[index]
    path.write_bytes(path.read_bytes()[:-500])
    return path


@pytest.mark.parametrize(
    ("broken", "paired", "measured"),
    [
        ("real", True, {"clean": 5, "real": 5, "generated": 5}),
        ("real", False, {"clean": 6, "real": 5, "generated": 6}),
        ("clean", False, {"clean": 5, "real": 6, "generated": 5}),
        ("same", False, {"clean": 5, "real": 6, "generated": 5}),
    ],
)
def test_damaged_images_are_told_and_left_out(broken, paired, measured, folders, capsys):
    path = truncate(folders / broken, 2)
    sets = {"clean": folders / "clean", "real": folders / "real", "generated": folders / "same"}
    flags = [word for name, folder in sets.items() for word in (f"-{name}", folder)] + ["-paired"] * paired
    flags += ["-judge_steps", 1, "-out", folders / "page.html"]
    assert run_command("report", list(map(str, flags))) == 0
    printed = capsys.readouterr()
    assert f"{path}" in printed.err
    assert "1 of 6 images failed and were skipped" in printed.err
    values = json.loads((folders / "page.json").read_text())
    (note,) = [note for note in values["notes"] if "left out" in note]
    assert note.startswith(f"1 of 6 {'generated' if broken == 'same' else broken} images cannot be measured")
    assert path.name in note
    assert str(folders) not in note
    assert ("the same name in the other folders" in note) == (paired or broken != "real")
    assert note in printed.out
    assert "left out" in (folders / "page.html").read_text()
    for name, count in measured.items():
        assert values["facts"][f"{name} images"].startswith(f"{count} of the 6 in ")
    found = patina.report(sets["generated"], sets["real"], sets["clean"], paired=paired, classifier_steps=1)
    assert found == {key: values[key] for key in found}


def test_a_folder_of_damaged_images_only_is_refused_with_a_reason(folders, capsys):
    for index in range(6):
        truncate(folders / "real", index)
    flags = ["-clean", folders / "clean", "-real", folders / "real", "-generated", folders / "same"]
    assert run_command("report", list(map(str, flags))) == 2
    assert f"{folders / 'real'}: none of 6 images can be measured; " in capsys.readouterr().err
