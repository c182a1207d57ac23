"""Running recipes over folders: resume, the log, and results that do not depend on the workers."""

import json

import numpy as np
import pytest

from degraded_sets import run
from patina.data.pairs import match_pairs
from patina.degradations.kernel_blur import read_kernels
from patina.imaging.picture_files import list_pictures, picture_size, read_picture, write_picture
from sets import contents, picture, write_config, write_pictures


def test_a_set_has_a_folder_for_each_variant_the_log_and_the_truth(clean, recipe, tmp_path):
    out, truth = tmp_path / "out", tmp_path / "gt"
    assert run("degrade", recipe, clean, out, "-gt", truth, "-workers", 1) == 0
    names = ["0.png", "1.png", "2.png", "3.png", "deep.png"]
    for folder in ("plain", "bad", "mixed"):
        assert [path.name for path in sorted((out / folder).iterdir())] == names
        assert len(match_pairs(out / folder, truth, 2)) == 5
        assert picture_size(out / folder / "0.png") == (18, 25)
        assert read_picture(out / folder / "deep.png").pixels.dtype == np.uint16
    for name in names:
        variants = [(out / folder / name).read_bytes() for folder in ("plain", "bad")]
        assert (out / "mixed" / name).read_bytes() in variants
    header, *lines = map(json.loads, (out / "log.jsonl").read_text().splitlines())
    assert (header["settings"]["scale"], header["settings"]["seed"], len(lines)) == (2, 0, 15)
    assert [line["source"] for line in lines[::3]] == names
    assert {step["op"] for line in lines if line["variant"] == "bad" for step in line["steps"]} >= {
        "lens_blur", "gaussian_noise", "resize",
    }  # fmt: skip
    readable = (out / "applied_degradations.txt").read_text().splitlines()
    assert len(readable) == 15
    assert readable[0].startswith("bad/0.png - blur: lens radius=")
    assert not list(out.rglob(".part-*"))


@pytest.mark.slow
@pytest.mark.usefixtures("folder_processes")
def test_the_bytes_do_not_depend_on_the_workers_or_on_interruptions(clean, recipe, tmp_path):
    run("degrade", recipe, clean, tmp_path / "one", "-workers", 1)
    run("degrade", recipe, clean, tmp_path / "three", "-workers", 3)
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    # A killed run: some pictures are missing, some are there without their line, and the last line is half written.
    log = tmp_path / "three" / "log.jsonl"
    header, *lines = log.read_text().splitlines(keepends=True)
    begun = [json.dumps({"begun": json.loads(line)["output"]}) + "\n" for line in lines]
    log.write_text("".join([header, *begun, *lines[:6]]) + lines[6][:40], encoding="utf-8")
    (tmp_path / "three" / "plain" / "3.png").unlink()
    kept = tmp_path / "three" / "bad" / "0.png"
    before = kept.stat().st_mtime_ns
    run("degrade", recipe, clean, tmp_path / "three", "-workers", 1)
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    assert kept.stat().st_mtime_ns == before


def test_another_seed_makes_other_pictures_and_is_not_mixed_into_a_set(clean, recipe, tmp_path, capsys):
    run("degrade", recipe, clean, tmp_path / "a", "-workers", 1, "-variant", "bad")
    run("degrade", recipe, clean, tmp_path / "b", "-workers", 1, "-variant", "bad", "-seed", 1)
    a, b = contents(tmp_path / "a" / "bad"), contents(tmp_path / "b" / "bad")
    assert not any(a[name] == b[name] for name in a)
    assert run("degrade", recipe, clean, tmp_path / "a", "-seed", 1) == 2
    assert (
        f"{tmp_path / 'a'} was made with seed 0, now 1; remove it or choose another output folder"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("fitted", [True, False])
def test_another_scale_than_a_fitted_recipes_is_warned_of(clean, tmp_path, scale, fitted, capsys):
    values = {"scale": 2, "fitted": fitted, "steps": [{"resize": {"filter": "box", "of": "target"}}]}
    recipe = write_config(tmp_path / "f.yml", values)
    assert run("degrade", recipe, clean, tmp_path / "out", "-workers", 1, "-scale", scale) == 0
    said = capsys.readouterr().err
    assert ("fitted at scale 2" in said and "patina fit with -scale 4" in said) == (fitted and scale == 4)


@pytest.mark.parametrize("fitted", [True, "unreliable"])
def test_a_recipe_whose_fit_was_not_to_be_relied_on_is_warned_of(clean, tmp_path, fitted, capsys):
    values = {"scale": 2, "fitted": fitted, "steps": [{"resize": {"filter": "box", "of": "target"}}]}
    recipe = write_config(tmp_path / "f.yml", values)
    assert run("degrade", recipe, clean, tmp_path / "out", "-workers", 1) == 0
    said = capsys.readouterr().err
    assert said.count("its fit matched the photos in fewer than half") == (fitted == "unreliable")


@pytest.mark.parametrize("verb", ["degrade", "prepare"])
def test_files_that_are_none_of_a_set_are_not_overwritten(clean, tmp_path, verb, capsys):
    recipe = write_config(tmp_path / "n.yml", {"scale": 1, "steps": [{"gaussian_noise": {"sigma": 5}}]})
    own = tmp_path / "own" / ("1x" if verb == "prepare" else "")
    write_pictures(own, 2)
    before = contents(own)
    command = {
        "degrade": [recipe, clean, own],
        "prepare": ["-source", clean, "-target", tmp_path / "own", "-scales", 1],
    }[verb]
    assert run(verb, *command, "-workers", 1) == 2
    assert "exists and was not made by this command" in capsys.readouterr().err
    assert contents(own) == before


def test_the_first_pictures_come_first_and_the_rest_follows(clean, recipe, tmp_path):
    assert run("degrade", recipe, clean, tmp_path / "whole", "-workers", 1) == 0
    assert run("degrade", recipe, clean, tmp_path / "parts", "-workers", 1, "-pictures", 2) == 0
    assert [path.name for path in list_pictures(tmp_path / "parts" / "bad")] == ["0.png", "1.png"]
    assert run("degrade", recipe, clean, tmp_path / "parts", "-workers", 1) == 0
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_the_truth_follows_an_exchanged_picture(clean, recipe, tmp_path):
    command = ["degrade", recipe, clean, tmp_path / "out", "-workers", 1]
    truth = ["-gt", tmp_path / "gt"]
    run(*command, *truth)
    write_picture(clean / "0.png", picture(77, 37, 50))
    run(*command)
    run(*command, *truth)
    np.testing.assert_array_equal(read_picture(tmp_path / "gt/0.png").pixels, picture(77, 37, 50)[:36])
    before = {path: path.stat().st_mtime_ns for path in list_pictures(tmp_path / "gt")}
    run(*command, *truth)
    assert {path: path.stat().st_mtime_ns for path in list_pictures(tmp_path / "gt")} == before


def test_truths_are_of_one_scale_and_no_strangers(clean, tmp_path, capsys):
    plain = {scale: {"scale": scale, "steps": [{"resize": {"filter": "box", "of": "target"}}]} for scale in (2, 4)}
    recipes = {scale: write_config(tmp_path / f"x{scale}.yml", values) for scale, values in plain.items()}
    own = write_pictures(tmp_path / "own", 2)
    before = contents(own)
    assert run("degrade", recipes[2], clean, tmp_path / "two", "-workers", 1) == 0
    assert run("degrade", recipes[2], clean, tmp_path / "two", "-workers", 1, "-gt", own) == 2
    assert contents(own) == before
    truth = ["-gt", tmp_path / "gt", "-workers", 1]
    assert run("degrade", recipes[2], clean, tmp_path / "two", *truth) == 0
    assert run("degrade", recipes[2], clean, tmp_path / "seeded", *truth, "-seed", 1) == 0
    assert run("degrade", recipes[4], clean, tmp_path / "four", *truth) == 2
    assert f"{tmp_path / 'gt'} was made with multiple 2, now 4" in capsys.readouterr().err
    assert run("degrade", recipes[2], clean, tmp_path / "other", "-gt", tmp_path / "two", "-workers", 1) == 2
    assert "two was made by `patina degrade`, now `patina degrade -gt`" in capsys.readouterr().err
    assert not (tmp_path / "four").exists()
    assert not (tmp_path / "other").exists()


def test_another_folder_is_not_mixed_into_a_set_and_a_renamed_picture_is_another(clean, recipe, tmp_path, capsys):
    other = write_pictures(tmp_path / "other", 1, seed=5, height=37, width=50)
    command = ["-workers", 1, "-variant", "bad"]
    assert run("degrade", recipe, clean, tmp_path / "out", *command) == 0
    assert run("degrade", recipe, other, tmp_path / "out", *command) == 2
    assert "was made of" in capsys.readouterr().err
    (clean / "0.png").rename(clean / "0.PNG")
    before = contents(tmp_path / "out")["bad/0.png"]
    assert run("degrade", recipe, clean, tmp_path / "out", *command) == 0
    assert contents(tmp_path / "out")["bad/0.png"] != before
    assert run("replay", tmp_path / "out" / "log.jsonl", "-out", tmp_path / "again", "-workers", 1) == 0


def test_one_picture_is_degraded_as_in_its_folder(clean, recipe, tmp_path):
    run("degrade", recipe, clean, tmp_path / "whole", "-workers", 1)
    assert run("degrade", recipe, clean / "1.png", tmp_path / "one", "-workers", 1, "-variant", "bad") == 0
    [made] = list_pictures(tmp_path / "one" / "bad")
    assert made.read_bytes() == (tmp_path / "whole" / "bad" / "1.png").read_bytes()
    assert run("replay", tmp_path / "one" / "log.jsonl", "-out", tmp_path / "again", "-workers", 1) == 0


def test_an_exchanged_picture_is_degraded_again(clean, recipe, tmp_path):
    run("degrade", recipe, clean, tmp_path / "out", "-workers", 1)
    before = contents(tmp_path / "out")
    write_picture(clean / "0.png", picture(77, 37, 50))
    run("degrade", recipe, clean, tmp_path / "out", "-workers", 1)
    after = contents(tmp_path / "out")
    changed = {name for name in before if before[name] != after[name]}
    assert changed >= {"plain/0.png", "bad/0.png", "mixed/0.png", "log.jsonl"}
    assert not any(name.endswith("1.png") for name in changed)


def test_an_exchanged_picture_of_the_same_length_is_noticed(clean, recipe, tmp_path):
    for path in clean.iterdir():
        path.unlink()
    write_picture(clean / "0.bmp", picture(1, 36, 50))
    run("degrade", recipe, clean, tmp_path / "out", "-workers", 1)
    before = contents(tmp_path / "out")
    write_picture(clean / "0.bmp", picture(2, 36, 50))
    run("degrade", recipe, clean, tmp_path / "out", "-workers", 1)
    assert contents(tmp_path / "out")["bad/0.png"] != before["bad/0.png"]


def test_exchanged_kernels_are_not_mixed_into_a_set(clean, tmp_path, capsys):
    np.save(tmp_path / "k.npy", np.ones((3, 3)))
    recipe = write_config(
        tmp_path / "k.yml", {"scale": 1, "steps": [{"kernel_blur": {"file": str(tmp_path / "k.npy")}}]}
    )
    assert run("degrade", recipe, clean, tmp_path / "out", "-workers", 1) == 0
    np.save(tmp_path / "k.npy", np.ones((5, 5)))
    read_kernels.cache_clear()
    assert run("degrade", recipe, clean, tmp_path / "out", "-workers", 1) == 2
    assert "was made with model k.npy (" in capsys.readouterr().err


def test_a_broken_picture_is_named_and_the_others_are_made(clean, recipe, tmp_path, capsys):
    (clean / "1.png").write_bytes((clean / "1.png").read_bytes()[:90])
    write_picture(clean / "tiny.png", picture(0, 1, 9))
    assert run("degrade", recipe, clean, tmp_path / "out", "-variant", "plain", "-workers", 1) == 1
    assert sorted(contents(tmp_path / "out" / "plain")) == ["0.png", "2.png", "3.png", "deep.png"]
    told = capsys.readouterr().err
    assert "1.png is truncated" in told
    assert "tiny.png is 9x1; scale 2 needs more pixels" in told
    assert "2 of 6 images failed" in told


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nothing", "clean", "out"], "nothing: no such recipe"),
        (["some.yml", "nowhere", "out"], "nowhere does not exist"),
        (["some.yml", "clean", "clean"], "source and output are the same folder"),
        (["some.yml", "clean", "out", "-gt", "out"], "output and gt are the same folder"),
        (["some.yml", "clean", "out", "-variant", "bat"], "unknown variant 'bat', did you mean bad?"),
        (["some.yml", "clean", "out", "-workers", "0"], "-workers is 0, expected 1 or more"),
        (["some.yml", "clean", "out", "-model", "x.safetensors"], "names 0 model files"),
        (["deflow", "clean", "out"], "no such model file; train one, give another with -model"),
        (["deflow", "clean", "out", "-model", "x.safetensors"], "x.safetensors: no such model file"),
        (
            ["deflow", "clean", "out", "-model", "x", "--without-learned"],
            "exclude each other",
        ),
    ],
)
def test_bad_input_is_refused_before_the_first_picture(
    clean, recipe, tmp_path, monkeypatch, capsys, arguments, expected
):
    monkeypatch.chdir(tmp_path)
    assert run("degrade", *arguments) == 2
    told = capsys.readouterr().err.strip()
    assert expected in told
    assert "\n" not in told
    assert not list(tmp_path.glob("out/**/*.png"))
