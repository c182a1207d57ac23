"""Translating folders: any format, what is made again, and results that depend on seed and file name alone."""

from dataclasses import replace

import numpy as np
import pytest

from patina.cli.main import run_command
from patina.imaging.picture_files import list_pictures, read_picture, write_picture
from patina.models.model_files import load_model_file, save_model_file
from patina.runs.fingerprint import file_digest
from patina.runs.journal import read_journal
from sets import picture, write_config, write_pictures
from small_deflow import translate, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "final.safetensors")


class TestFolder:
    @pytest.mark.parametrize(
        ("fast", "options", "expected"),
        [(True, [], "bf16-mixed"), (False, [], "32"), (True, ["-precision", "32"], "32")],
    )
    def test_bf16_by_itself_where_it_is_fast(self, model, tmp_path, monkeypatch, fast, options, expected):
        monkeypatch.setattr("patina.degradations.trial.has_fast_bf16", lambda device: fast)
        write_pictures(tmp_path / "in", 1)
        assert translate(model, tmp_path / "in", tmp_path / "out", *options) == 0
        assert read_journal(tmp_path / "out" / "log.jsonl").header.made_by.settings["precision"] == expected

    def test_results_depend_on_seed_and_name_alone(self, model, tmp_path):
        many = write_pictures(tmp_path / "many", 3)
        one = tmp_path / "one"
        write_picture(one / "2.png", read_picture(many / "2.png").pixels)
        for source, out, seed in ((many, "a", 0), (one, "b", 0), (one, "c", 1)):
            assert translate(model, source, tmp_path / out, "-seed", seed) == 0
        results = [read_picture(tmp_path / out / "2.png").pixels for out in "abc"]
        assert np.array_equal(results[0], results[1])
        assert not np.array_equal(results[0], results[2])

    def test_invisible_colours_leave_no_trace(self, model, tmp_path):
        visible = picture(0)
        alpha = np.full(visible.shape[:2], 255, np.uint8)
        alpha[:, 20:30] = 0
        for name, hidden in (("black", 0), ("white", 255)):
            pixels = np.where(alpha[..., None] == 0, hidden, visible).astype(np.uint8)
            write_picture(tmp_path / name / "a.png", pixels, alpha)
            assert translate(model, tmp_path / name, tmp_path / f"{name}_out") == 0
        black, white = (read_picture(tmp_path / f"{name}_out" / "a.png").pixels for name in ("black", "white"))
        assert np.array_equal(black, white)

    def test_what_is_kept_changes_no_picture(self, model, tmp_path):
        source = write_pictures(tmp_path / "in", 1)
        for out, kept in (("nothing", 0), ("all", 1000)):
            assert translate(model, source, tmp_path / out, "-kept_mb", kept) == 0
        nothing, everything = (read_picture(tmp_path / out / "0.png").pixels for out in ("nothing", "all"))
        assert np.array_equal(nothing, everything)

    def test_every_picture_has_a_line_in_the_log(self, model, tmp_path):
        source = write_pictures(tmp_path / "in", 2)
        assert translate(model, source, tmp_path / "out", "-samples", 2, "-heat", 0.5, "-source_domain", "Y") == 0
        journal = read_journal(tmp_path / "out/log.jsonl")
        assert list(journal.results) == ["0_0.png", "0_1.png", "1_0.png", "1_1.png"]
        assert [result.details["parameters"] for result in journal.results.values()] == [{"heat": 0.5}] * 4
        assert journal.header.made_by.settings == {
            "domain": "Y", "precision": "32", "tile": None, "overlap": None, "heat": 0.5, "seed": 0,
        }  # fmt: skip
        assert journal.header.made_by.models == {str(model): file_digest(model)}
        assert [path.name for path in list_pictures(tmp_path / "out")] == list(journal.results)
        first, second = (read_picture(tmp_path / "out" / f"0_{index}.png").pixels for index in (0, 1))
        assert not np.array_equal(first, second)

    def test_only_what_is_missing_or_changed_is_made_again(self, model, tmp_path):
        source, out = write_pictures(tmp_path / "in", 3), tmp_path / "out"
        assert translate(model, source, out) == 0
        made = {path.name: path.read_bytes() for path in list_pictures(out)}
        (out / "1.png").unlink()
        times = {path.name: path.stat().st_mtime_ns for path in list_pictures(out)}
        assert translate(model, source, out) == 0
        assert {path.name: path.read_bytes() for path in list_pictures(out)} == made
        assert all((out / name).stat().st_mtime_ns == time for name, time in times.items())
        write_picture(source / "1.png", read_picture(source / "0.png").pixels)
        assert translate(model, source, out) == 0
        assert [path.name for path in list_pictures(out) if path.read_bytes() != made[path.name]] == ["1.png"]

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (["-heat", 0.3], "heat 1.0, now 0.3"),
            (["-heat", "0.3:0.5"], "heat 1.0, now [0.3, 0.5]"),
            (["-seed", 1], "seed 0, now 1"),
            (["-source_domain", "Y"], "domain X, now Y"),
            (["-tile", 64], "tile none, now 64"),
            (["-precision", "bf16-mixed", "-seed", 2], "precision 32, now bf16-mixed; seed 0, now 2"),
        ],
    )
    def test_a_folder_of_other_settings_is_refused(self, model, tmp_path, capsys, options, told):
        source, out = write_pictures(tmp_path / "in", 1), tmp_path / "out"
        assert translate(model, source, out) == 0
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        capsys.readouterr()
        assert translate(model, source, out, *options) == 2
        assert (
            capsys.readouterr().err == f"error: {out} was made with {told}; remove it or choose another output folder\n"
        )
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before

    def test_a_folder_of_another_model_or_command_is_refused(self, model, tmp_path, capsys):
        source, out = write_pictures(tmp_path / "in", 1), tmp_path / "out"
        recipe = write_config(tmp_path / "n.yml", {"scale": 1, "steps": [{"gaussian_noise": {"sigma": 5}}]})
        assert run_command("degrade", [str(recipe), str(source), str(out), "-workers", "1"]) == 0
        before = (out / "log.jsonl").read_bytes()
        assert translate(model, source, out) == 2
        assert "out was made by `patina degrade`, now `patina translate`" in capsys.readouterr().err
        assert (out / "log.jsonl").read_bytes() == before
        other = tmp_path / "other.safetensors"
        save_model_file(other, replace(load_model_file(model), step=8))
        assert translate(model, source, tmp_path / "translated") == 0
        assert translate(other, source, tmp_path / "translated") == 2
        told = capsys.readouterr().err.splitlines()[-1]
        assert f"final.safetensors ({file_digest(model)})" in told
        assert f"other.safetensors ({file_digest(other)})" in told

    def test_nothing_is_read_again_to_find_that_nothing_changed(self, model, tmp_path, monkeypatch):
        source, out = write_pictures(tmp_path / "in", 2), tmp_path / "out"
        assert translate(model, source, out, "-samples", 2) == 0
        monkeypatch.setattr("patina.runs.source_digests.file_digest", lambda path: pytest.fail(f"{path} is read"))
        assert translate(model, source, out, "-samples", 2) == 0

    def test_a_half_line_of_a_killed_run_costs_no_other(self, model, tmp_path):
        source, out = write_pictures(tmp_path / "in", 2), tmp_path / "out"
        assert translate(model, source, out) == 0
        whole = (out / "log.jsonl").read_bytes()
        (out / "log.jsonl").write_bytes(whole[:-20])
        (out / "1.png").unlink()
        assert translate(model, source, out) == 0
        assert (out / "log.jsonl").read_bytes() == whole

    def test_pictures_that_were_not_translated_there_are_not_overwritten(self, model, tmp_path, capsys):
        write_pictures(tmp_path / "in", 2)
        write_pictures(tmp_path / "own", 2)
        before = {path: path.read_bytes() for path in list_pictures(tmp_path / "own")}
        assert translate(model, tmp_path / "in", tmp_path / "own") == 2
        assert "was not made by this command; choose another output folder" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in list_pictures(tmp_path / "own")} == before

    def test_depth_alpha_and_gray_are_kept_or_make_sense(self, model, tmp_path):
        source = tmp_path / "in"
        deep = picture(1).astype(np.uint16) * 257
        alpha = np.tile(np.arange(64, dtype=np.uint8) * 3, (48, 1))
        write_picture(source / "deep.png", deep)
        write_picture(source / "alpha.png", picture(2), alpha)
        write_picture(source / "gray.png", picture(3)[..., 0])
        assert translate(model, source, tmp_path / "out") == 0
        results = {path.stem: read_picture(path) for path in list_pictures(tmp_path / "out")}
        assert results["deep"].pixels.dtype == np.uint16
        assert np.array_equal(results["alpha"].alpha, alpha)
        assert results["gray"].pixels.shape == (48, 64, 3)

    def test_a_broken_picture_is_named_and_the_others_are_done(self, model, tmp_path, capsys):
        source = write_pictures(tmp_path / "in", 3)
        data = (source / "1.png").read_bytes()
        (source / "1.png").write_bytes(data[: len(data) // 2])
        assert translate(model, source, tmp_path / "out") == 1
        assert [path.name for path in list_pictures(tmp_path / "out")] == ["0.png", "2.png"]
        assert "1.png" in capsys.readouterr().err

    def test_a_picture_that_the_model_cannot_take_is_named(self, model, tmp_path, capsys):
        stored = load_model_file(model)
        exploding = {name: value + 200 * name.endswith("members.0.logs") for name, value in stored.weights.items()}
        save_model_file(tmp_path / "exploding.safetensors", replace(stored, weights=exploding))
        source = write_pictures(tmp_path / "in", 1)
        assert translate(tmp_path / "exploding.safetensors", source, tmp_path / "out") == 1
        told = capsys.readouterr().err
        assert f"0.png: {tmp_path}/exploding.safetensors: the model gave values that are not finite" in told
        assert not (tmp_path / "out/0.png").exists()

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["-heat", 1.5], "-heat is 1.5, expected 0 to 1"),
            (["-samples", 0], "-samples is 0, expected 1 or more"),
            (["-tile", 10], "-tile is 10, expected 64 or more"),
            (["-tile", 100], "-tile is 100, expected a multiple of 8 for this model"),
            (["-overlap", 500], "-overlap is 500, expected 0 to 256"),
            (["-kept_mb", -1], "-kept_mb is -1, expected 0 or more"),
        ],
    )
    def test_a_wrong_flag_is_one_line(self, model, tmp_path, capsys, options, expected):
        source = write_pictures(tmp_path / "in", 1)
        assert translate(model, source, tmp_path / "out", *options) == 2
        assert capsys.readouterr().err == f"error: {expected}\n"
        assert not (tmp_path / "out").exists()

    def test_a_file_that_is_no_model_is_one_line(self, tmp_path, capsys):
        source = write_pictures(tmp_path / "in", 1)
        (tmp_path / "model.safetensors").write_bytes(b"no model")
        assert translate(tmp_path / "model.safetensors", source, tmp_path / "out") == 2
        assert "model.safetensors: not a readable safetensors file" in capsys.readouterr().err
        assert translate(tmp_path / "missing.safetensors", source, tmp_path / "out") == 2
        assert "missing.safetensors: no such model file" in capsys.readouterr().err
