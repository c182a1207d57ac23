"""Folders of pairs that hold images and nothing else, as neosr, traiNNer-redux and BasicSR expect."""

import os

import pytest

from degraded_sets import run
from sets import contents, write_deflow_model, write_pictures

RECIPE = "wide"
LOGS = {"log.jsonl", "applied_degradations.txt"}


@pytest.fixture
def clean(tmp_path):
    return write_pictures(tmp_path / "clean", 4, height=48, width=48)


def degrade(clean, out, *flags) -> int:
    return run("degrade", RECIPE, clean, out / "lq", "-gt", out / "gt", "-workers", 1, *flags)


def files(folder) -> set[str]:
    """Return what neosr finds: it looks into hidden folders, too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def images(folder) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if name.endswith(".png")}


def logs_beside(folder) -> dict[str, bytes]:
    beside = folder.with_name(f".{folder.name}.patina")
    return {path.name: path.read_bytes() for path in beside.iterdir() if path.name in LOGS}


def test_both_folders_have_images_alone_with_names_in_common(clean, tmp_path):
    assert degrade(clean, tmp_path / "shown") == 0
    assert degrade(clean, tmp_path / "pairs", "--images_only") == 0
    names = {f"{number}.png" for number in range(4)}
    assert files(tmp_path / "pairs/lq") == files(tmp_path / "pairs/gt") == names
    for kind in ("lq", "gt"):
        shown = tmp_path / "shown" / kind
        assert images(tmp_path / "pairs" / kind) == images(shown)
        logs = {name: (shown / name).read_bytes() for name in LOGS if (shown / name).exists()}
        assert logs_beside(tmp_path / "pairs" / kind) == logs


@pytest.mark.parametrize("first", [0, 2])
@pytest.mark.parametrize("later", [(), ("--images_only",)])
def test_a_log_beside_the_folder_is_continued(clean, tmp_path, capsys, first, later):
    assert degrade(clean, tmp_path / "whole", "--images_only") == 0
    out = tmp_path / "pairs"
    if first:
        assert degrade(clean, out, "-pictures", first, "--images_only") == 0
    assert degrade(clean, out, "--images_only") == 0
    capsys.readouterr()
    assert degrade(clean, out, *later) == 0
    assert "made" not in capsys.readouterr().out
    assert files(out / "lq") == files(tmp_path / "whole/lq")
    assert logs_beside(out / "lq") == logs_beside(tmp_path / "whole/lq")


@pytest.mark.parametrize("first", [2, 4])
def test_a_log_among_the_images_is_moved_out_when_that_is_asked_for(clean, tmp_path, first):
    assert degrade(clean, tmp_path / "whole", "--images_only") == 0
    assert degrade(clean, tmp_path / "pairs", "-pictures", first) == 0
    assert degrade(clean, tmp_path / "pairs", "--images_only") == 0
    for kind in ("lq", "gt"):
        assert files(tmp_path / "pairs" / kind) == files(tmp_path / "whole" / kind)
        assert logs_beside(tmp_path / "pairs" / kind) == logs_beside(tmp_path / "whole" / kind)


def test_another_seed_is_refused_wherever_the_log_lies(clean, tmp_path, capsys):
    assert degrade(clean, tmp_path, "--images_only") == 0
    assert degrade(clean, tmp_path, "-seed", 1) == 2
    told = capsys.readouterr().err
    assert "seed 0" in told
    assert f"remove it and {tmp_path / '.lq.patina'}, or choose" in told


def test_replay_takes_the_folder_and_keeps_the_log_where_it_was(clean, tmp_path):
    for name, flags in (("shown", ()), ("hidden", ("--images_only",))):
        assert degrade(clean, tmp_path / name, *flags) == 0
        made = contents(tmp_path / name / "lq")
        (tmp_path / name / "lq" / "1.png").unlink()
        assert run("replay", tmp_path / name / "lq", "-workers", 1) == 0
        assert contents(tmp_path / name / "lq") == made
        assert run("replay", tmp_path / name / "lq", "-out", tmp_path / name / "again", "-workers", 1) == 0
        assert images(tmp_path / name / "again") == images(tmp_path / name / "lq")
        assert (tmp_path / name / "again" / "log.jsonl").exists() == (name == "shown")


def test_shards_with_hidden_logs_are_merged_into_folders_with_logs_beside(clean, tmp_path):
    assert degrade(clean, tmp_path / "whole", "--images_only") == 0
    for shard in ("1/2", "2/2"):
        assert degrade(clean, tmp_path / "parts", "--images_only", "-shard", shard) == 0
    for kind in ("lq", "gt"):
        assert run("merge", tmp_path / "parts" / kind) == 0
        assert files(tmp_path / "parts" / kind) == files(tmp_path / "whole" / kind)
        assert logs_beside(tmp_path / "parts" / kind) == logs_beside(tmp_path / "whole" / kind)
    assert set(os.listdir(tmp_path / "parts")) == {"lq", "gt", ".lq.patina", ".gt.patina"}


def test_images_that_are_upscaled_or_translated(clean, tmp_path):
    model = write_deflow_model(tmp_path / "sets")
    jobs = {
        "upscale": ["-model", "bicubic", "-scale", 2, "-source", clean, "-out"],
        "translate": ["-model_path", model, "-source_dir", clean, "-out_dir"],
    }
    for command, words in jobs.items():
        for _ in range(2):
            assert run(command, *words, tmp_path / command, "--images_only") == 0
        assert files(tmp_path / command) == {f"{number}.png" for number in range(4)}
        assert (tmp_path / f".{command}.patina" / "log.jsonl").is_file()


def test_tars_have_no_logs_to_move(clean, tmp_path, capsys):
    assert run("degrade", RECIPE, clean, tmp_path / "%06d.tar", "--images_only") == 2
    assert "--images_only is for folders" in capsys.readouterr().err


@pytest.mark.parametrize("linked", [".lq.patina", ".lq.patina/log.jsonl"])
def test_no_link_leads_the_log_elsewhere(clean, tmp_path, capsys, linked):
    assert degrade(clean, tmp_path / "pairs", "--images_only") == 0
    link = tmp_path / "pairs" / linked
    link.rename(tmp_path / "elsewhere")
    link.symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path)
    for flags in [(), ("--images_only",)]:
        assert degrade(clean, tmp_path / "pairs", *flags) == 2
        assert "link" in capsys.readouterr().err
    assert run("replay", tmp_path / "pairs/lq") == 2
    assert contents(tmp_path) == before


def test_a_link_where_no_log_is_yet_is_refused(clean, tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".lq.patina").symlink_to(tmp_path / "elsewhere")
    assert degrade(clean, tmp_path, "--images_only") == 2
    assert ".lq.patina is a link" in capsys.readouterr().err
    assert not os.listdir(tmp_path / "elsewhere")
