"""Sets made again from their log alone, also where a learned model had a part in them."""

import json
from pathlib import Path

import numpy as np
import pytest

from degraded_sets import run
from patina.degradations.deflow_degradation import DeFlowDegradation
from patina.degradations.recipe import load_recipe
from patina.errors import ConfigError
from patina.imaging.picture_files import read_picture, write_picture
from patina.specs.recipe_engine import recipe_engine
from sets import contents, learned_recipe, picture, write_config, write_deflow_model


@pytest.mark.slow
@pytest.mark.usefixtures("folder_processes")
def test_replay_makes_the_same_pictures_from_the_log_alone(clean, recipe, tmp_path, capsys):
    out = tmp_path / "out"
    run("degrade", recipe, clean, out, "-workers", 2)
    Path(recipe).unlink()
    assert run("replay", out / "log.jsonl", "-out", tmp_path / "again", "-workers", 2) == 0
    made = contents(out)
    assert contents(tmp_path / "again") == made
    # In place, after one was lost and one clean picture was exchanged.
    (out / "bad" / "0.png").unlink()
    write_picture(clean / "1.png", picture(77, 37, 50))
    write_picture(clean / "2.png", picture(77, 60, 60))
    kept = contents(out)
    assert run("replay", out / "log.jsonl", "-workers", 1) == 1
    assert (out / "bad" / "0.png").read_bytes() == made["bad/0.png"]
    told = capsys.readouterr().err
    assert "/1.png would differ from the log; it is left as it is" in told
    assert contents(out) == kept | {"bad/0.png": made["bad/0.png"]}
    assert "2.png is 60x60, but 50x36 in the log" in told


def test_replay_does_not_overwrite_the_clean_pictures(clean, recipe, tmp_path, capsys):
    values = {"scale": 1, "steps": [{"gaussian_noise": {"sigma": 5}}]}
    assert run("degrade", write_config(tmp_path / "n.yml", values), clean, tmp_path / "out", "-workers", 1) == 0
    before = contents(clean)
    assert run("replay", tmp_path / "out" / "log.jsonl", "-out", clean) == 2
    assert "would overwrite the clean images; choose another -out" in capsys.readouterr().err
    assert contents(clean) == before


@pytest.fixture
def log(tmp_path):
    """The log of a set of one picture, which a stranger may have changed since."""
    write_picture(tmp_path / "clean" / "0.png", picture(0, 16, 16))
    recipe = write_config(tmp_path / "n.yml", {"scale": 1, "steps": [{"gaussian_noise": {"sigma": 5}}]})
    assert run("degrade", recipe, tmp_path / "clean", tmp_path / "set", "-workers", 1) == 0
    return tmp_path / "set" / "log.jsonl"


def change(log, **values):
    """Change the one result of a log."""
    header, result = map(json.loads, log.read_text().splitlines())
    log.write_text(f"{json.dumps(header)}\n{json.dumps(result | values)}\n", encoding="utf-8")


@pytest.mark.parametrize("place", ["set", "deep/again"])
@pytest.mark.parametrize("key", ["output", "source"])
@pytest.mark.parametrize("extra", [{}, {"files": []}, {"files": ["0.png"]}])
def test_replay_obeys_no_name_that_leads_out_of_its_folder(log, tmp_path, capsys, place, key, extra):
    for name in ("../../x.png", "bad/../../x.png", str(tmp_path / "outside/x.png"), "..", ".", "", "a/\0.png"):
        change(log, **{key: name}, **extra)
        before = contents(tmp_path)
        capsys.readouterr()
        assert run("replay", log, "-out", tmp_path / place, "-workers", 1) == 2
        told = capsys.readouterr().err
        assert "a file outside of its folder; choose another one" in told
        assert len(told.splitlines()) == 1
        assert contents(tmp_path) == before


@pytest.mark.parametrize("linked", ["folder", "picture", "half an image", "hidden folder", "log"])
def test_replay_follows_no_link_out_of_its_folder(log, tmp_path, capsys, linked):
    change(log, output="bad/0.png")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("mine")
    out = tmp_path / "again"
    (out / "bad").mkdir(parents=True)
    target = tmp_path / "outside" / "precious"
    if linked == "folder":
        (out / "bad").rmdir()
        (out / "bad").symlink_to(tmp_path / "outside")
    elif linked == "picture":
        (out / "bad" / "0.png").symlink_to(target)
    elif linked == "half an image":
        (out / "bad" / ".part-0.png").symlink_to(target)
    elif linked == "log":
        (out / "log.jsonl").symlink_to(log)
    else:
        (out / ".patina").symlink_to(tmp_path / "outside")
    kept = log.read_text()
    code = run("replay", log, "-out", out, "-workers", 1)
    assert contents(tmp_path / "outside") == {"precious": b"mine"}
    assert log.read_text() == kept
    if linked == "half an image":
        assert code == 0
    else:
        assert code == 2
        assert f"leads out of {out} through a link; remove the link" in capsys.readouterr().err


def test_links_among_the_clean_pictures_are_followed_where_the_user_names_their_folder(log, tmp_path, capsys):
    (tmp_path / "clean" / "0.png").rename(tmp_path / "elsewhere.png")
    (tmp_path / "clean" / "0.png").symlink_to(tmp_path / "elsewhere.png")
    before = contents(tmp_path / "set")
    assert run("replay", log, "-workers", 1) == 2
    assert "0.png leads out of" in capsys.readouterr().err
    assert run("replay", log, "-workers", 1, "-source", tmp_path / "clean") == 0
    assert contents(tmp_path / "set") == before


def test_replay_refuses_what_is_no_log(tmp_path, capsys):
    (tmp_path / "log.jsonl").write_text("hello\n", encoding="utf-8")
    assert run("replay", tmp_path / "log.jsonl") == 2
    assert run("replay", tmp_path / "nothing.jsonl") == 2
    told = capsys.readouterr().err
    assert "log.jsonl is not a journal of results; expected the log.jsonl of `patina degrade`" in told
    assert "nothing.jsonl: no such file" in told


STEPS = {"op": "gaussian_noise", "parameters": {}, "key": 1}
ODD = [None, [], {}, "text", -1, 1.5, 10**400, [None], {"a": 1}, True, "\0", [[[]]], float("nan"), float("inf")]


@pytest.mark.parametrize(
    "key", ["output", "source", "source_digest", "files", "file_bytes", "variant", "size", "steps"]
)
def test_a_log_of_any_values_is_one_line_and_never_a_traceback(log, tmp_path, capsys, key):
    whole = log.read_text()
    for number, value in enumerate(ODD):
        log.write_text(whole)
        change(log, **{key: value})
        capsys.readouterr()
        assert run("replay", log, "-out", tmp_path / str(number), "-workers", 1) in (0, 1, 2), value
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"op": "nothing"}, "'nothing' is not an operation of this version"),
        ({"op": "gaussian_noise", "parameters": {"sigma": "much"}}, "cannot be applied"),
        ({"op": "gaussian_noise", "parameters": {}}, "cannot be applied"),
        ({"op": "resize", "parameters": {"size": [10**9, 10**9], "filter": "area"}}, "more than images may have"),
        ({"op": "resize", "parameters": {"size": [8, -8], "filter": "area"}}, "expected a value greater"),
        ({"op": "resize", "parameters": {"size": [8, 8], "filter": "none"}}, "cannot be applied"),
        ({"op": "jpeg", "parameters": {"codec": "torch"}}, "quality: missing"),
        ({"op": "jpeg", "parameters": {"codec": "torch", "quality": 1e9}}, "expected a value less"),
        ({"op": "jpeg", "parameters": {"codec": []}}, "cannot be applied"),
        ({"op": "learned", "parameters": {}}, "model: missing"),
        ({"op": "learned", "parameters": {"model": "/dev/zero", "knobs": {}}}, "no such model file"),
        ({"op": "learned", "parameters": {"model": ["a"], "knobs": {}}}, "model: expected a valid string"),
        ({"op": "kernel_blur", "parameters": {"file": "/dev/zero", "digest": "a", "index": 0}}, "no such kernel file"),
        ({"op": "kernel_blur", "parameters": {"file": "{log}", "digest": "a", "index": 0}}, "cannot be read"),
        ({"op": [], "parameters": {}}, "op: expected a valid string"),
        ({"op": "crop", "key": "one"}, "key: expected a valid integer"),
    ],
)
def test_a_step_that_no_recipe_draws_is_named(log, tmp_path, capsys, step, told):
    step = STEPS | step
    if step["parameters"].get("file") == "{log}":
        step["parameters"]["file"] = str(log)
    change(log, steps=[step])
    capsys.readouterr()
    assert run("replay", log, "-out", tmp_path / "again", "-workers", 1) in (1, 2)
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said


@pytest.mark.parametrize("key", ["patina", "command", "settings", "models", "notes", "source"])
def test_a_header_of_any_values_is_one_line(log, tmp_path, capsys, key):
    header, result = map(json.loads, log.read_text().splitlines())
    for number, value in enumerate([*ODD, {"scale": 0}, {"scale": "x"}, {"scale": 10**9}]):
        log.write_text(f"{json.dumps(header | {key: value})}\n{json.dumps(result)}\n", encoding="utf-8")
        capsys.readouterr()
        assert run("replay", log, "-out", tmp_path / str(number), "-workers", 1) in (0, 2), value
        assert "Traceback" not in capsys.readouterr().err


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_deflow_model(tmp_path_factory.mktemp("model"))


@pytest.mark.slow
@pytest.mark.usefixtures("folder_processes")
def test_learned_blocks_run_are_logged_and_replayed(clean, model, tmp_path):
    recipe = learned_recipe(tmp_path / "learned.yml", model, heat=[0.3, 0.9])
    (clean / "1.png").write_bytes(b"broken")
    assert run("degrade", recipe, clean, tmp_path / "one", "-workers", 1, "-device", "cpu") == 1
    assert run("degrade", recipe, clean, tmp_path / "three", "-workers", 3, "-device", "cpu") == 1
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    assert run("replay", tmp_path / "one" / "log.jsonl", "-out", tmp_path / "again", "-device", "cpu") == 0
    assert contents(tmp_path / "again") == contents(tmp_path / "one")
    header, *lines = map(json.loads, (tmp_path / "one" / "log.jsonl").read_text().splitlines())
    assert list(header["models"]) == [str(model)]
    heats = [line["steps"][1]["parameters"]["knobs"]["heat"] for line in lines]
    assert len(set(heats)) == 4
    assert all(0.3 <= heat <= 0.9 for heat in heats)
    plain = read_picture(tmp_path / "one" / "0.png").pixels.astype(float)
    assert run("degrade", recipe, clean, tmp_path / "without", "--without-learned", "-device", "cpu") == 1
    assert np.abs(plain - read_picture(tmp_path / "without" / "0.png").pixels).mean() > 1


def test_a_picture_that_a_model_fails_for_is_named(clean, model, tmp_path, monkeypatch, capsys):
    original = DeFlowDegradation.apply_batch

    def apply_batch(self, images, parameters, keys):
        results = original(self, images, parameters, keys)
        return [result * (np.nan if result.shape[2] == 32 else 1) for result in results]

    monkeypatch.setattr(DeFlowDegradation, "apply_batch", apply_batch)
    recipe = learned_recipe(tmp_path / "learned.yml", model)
    assert run("degrade", recipe, clean, tmp_path / "out", "-device", "cpu") == 1
    assert sorted(contents(tmp_path / "out")) == [
        ".patina/sources.jsonl",
        "0.png",
        "1.png",
        "2.png",
        "3.png",
        "applied_degradations.txt",
        "log.jsonl",
    ]
    assert "deep.png" in (told := capsys.readouterr().err)
    assert "not finite" in told


def test_a_models_own_values_are_logged_and_unknown_knobs_refused(model, tmp_path):
    recipe, engine = recipe_engine(load_recipe(learned_recipe(tmp_path / "a.yml", model)), "cpu")
    assert list(engine.models) == [str(model)]
    assert recipe.steps[1].knobs == {"heat": (1.0, 1.0)}
    with pytest.raises(ConfigError, match="unknown knob 'heta', did you mean heat"):
        recipe_engine(load_recipe(learned_recipe(tmp_path / "b.yml", model, heta=1)), "cpu")
